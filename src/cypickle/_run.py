"""`python -m cypickle run SCRIPT ARGUMENTS...`: a program whose pickle is cypickle, in its workers too."""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import runpy
import sys
from types import CodeType, ModuleType

import cypickle

SUMMARY = "Run a program with cypickle in the place of pickle, in its multiprocessing workers too."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--report", action="store_true", help="first say on stderr what was replaced")
    parser.add_argument(
        "-m", dest="module", action="store_true", help="TARGET is a module, as for `python -m`"
    )
    parser.add_argument(
        "target", metavar="TARGET", help="a script, or a folder or zip file with a __main__.py"
    )
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="ARGUMENTS", help="sys.argv of the program"
    )


def run(options: argparse.Namespace) -> int:
    """Install, then run the program as `__main__`; SystemExit and other exceptions of it are left to the caller."""
    main = ModuleType("__main__")
    try:
        code = _module(options.target, main) if options.module else _script(options.target, main)
    except (ImportError, OSError) as error:
        options.fail(f"cannot run {options.target}: {error}")
    report = cypickle.install()
    if options.report:
        print(report, file=sys.stderr)
    sys.argv[:] = [str(main.__file__) if options.module else options.target, *options.arguments]
    if code is None:
        runpy.run_path(options.target, run_name="__main__")
        return 0
    # It stays the main module after its end: for threads, functions at exit, and workers that are still to start.
    sys.modules["__main__"] = main
    exec(code, vars(main))
    return 0


def _script(path: str, main: ModuleType) -> CodeType | None:
    """The code of a script; None where runpy has to find it in a folder or zip file."""
    if os.path.isdir(path):
        return None
    with io.open_code(os.path.abspath(path)) as file:
        source = file.read()
    if source.startswith(b"PK"):
        return None
    main.__file__ = os.path.abspath(path)
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    return compile(source, path, "exec")


def _module(name: str, main: ModuleType) -> CodeType:
    """The code of a module, or of a package's `__main__`."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{name}.__main__")
    get_code = getattr(spec.loader, "get_code", None) if spec is not None else None
    code: CodeType | None = get_code(spec.name) if spec is not None and get_code is not None else None
    if spec is None or code is None:
        raise ImportError(f"no code for a module {name}")
    main.__spec__, main.__loader__, main.__package__ = spec, spec.loader, spec.parent
    main.__file__ = spec.origin
    return code
