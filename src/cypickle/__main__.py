"""The command line: `python -m cypickle COMMAND`."""

import argparse
import os
import sys
from importlib import import_module

#: A command and the module behind it, which has `SUMMARY`, `add_arguments(parser)` and `run(options)`.
COMMANDS = {
    "bench": "cypickle.bench.command",
    "run": "cypickle._run",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments name.

    Args:
        arguments: Those of the process, unless given.

    Returns:
        The exit status: 0, 1 for a failure that the command reports, 2 for a mistake in the arguments.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cypickle",
        description="A drop-in replacement for pickle: same API, same bytes, several times faster.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = import_module(module)
        child = commands.add_parser(name, help=command.SUMMARY, description=command.SUMMARY)
        command.add_arguments(child)
        child.set_defaults(run=command.run, fail=child.error)
    options = parser.parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; nor can the interpreter flush it on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main())
