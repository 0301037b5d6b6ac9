"""The command line: `python -m cypickle COMMAND`."""

import sys
from importlib import import_module

#: A command and the module behind it, which has a `SUMMARY`; all but "run" have `add_arguments(parser)` and
#: `run(options)`, too.
COMMANDS = {
    "bench": "cypickle.bench.command",
    "run": "cypickle._run",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments name; import no other.

    Args:
        arguments: Those of the process, unless given.

    Returns:
        The exit status: 0, 1 for a failure that the command reports, 2 for a mistake in the arguments.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["run"]:  # a program of anybody's: its arguments and exceptions are not ours
        from cypickle._run import main as run

        return run(words[1:])
    return _parse_and_run(words)


def _parse_and_run(words: list[str]) -> int:
    import argparse
    import os

    parser = argparse.ArgumentParser(
        prog="python -m cypickle",
        description="A drop-in replacement for pickle: same API, same bytes, several times faster.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    named = [name for name in COMMANDS if words[:1] == [name]] or list(COMMANDS)
    for name in named:
        command = import_module(COMMANDS[name])
        child = commands.add_parser(name, help=command.SUMMARY, description=command.SUMMARY)
        if name != "run":
            command.add_arguments(child)
            child.set_defaults(run=command.run, fail=child.error)
    options = parser.parse_args(words)
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
