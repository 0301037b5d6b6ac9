"""`python -m cypickle run SCRIPT ARGUMENTS...`: a program whose pickle is cypickle, in its workers too.

The program is run as the interpreter would run it: its arguments, its `__main__`, its exceptions and its standard
streams are left alone.
"""

from __future__ import annotations

import builtins
import io
import marshal
import os
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pkgutil import get_importer
from runpy import _run_module_as_main  # type: ignore[attr-defined]  # what the interpreter itself runs modules by
from types import CodeType, ModuleType

import cypickle

SUMMARY = "Run a program with cypickle in the place of pickle, in its multiprocessing workers too."
USAGE = f"""\
usage: python -m cypickle run [-h] [--report] SCRIPT ARGUMENTS...
       python -m cypickle run [-h] [--report] -m MODULE ARGUMENTS...

{SUMMARY}

  SCRIPT       a script, or a folder or zip file with a __main__.py
  -m MODULE    a module, or a package with a __main__.py
  ARGUMENTS    sys.argv of the program, word for word
  -h, --help   show this and exit
  --report     first say on stderr what was replaced
"""


def main(arguments: Sequence[str]) -> int:
    """Install, then run the program as `__main__`; its SystemExit and other exceptions are left to the caller.

    Args:
        arguments: Those after `run`.

    Returns:
        The exit status: 0, or 2 for a mistake in the arguments.
    """
    words, report = list(arguments), False
    while words[:1] == ["--report"]:
        report = bool(words.pop(0))
    if words[:1] in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    module = words[0] if words and words[0].startswith("-m") else None
    if module is not None:
        words[:1] = [module.removeprefix("-m")] if module != "-m" else []
    elif words[:1] == ["--"]:
        del words[0]
    elif words and words[0].startswith("-"):
        print(f"{USAGE}\npython -m cypickle run: unknown option {words[0]}", file=sys.stderr)
        return 2
    if not words:
        print(f"{USAGE}\npython -m cypickle run: nothing to run", file=sys.stderr)
        return 2
    found = cypickle.install()
    if report:
        print(found, file=sys.stderr)
    return _run_script(words) if module is None else _run_module(words)


def _new_main() -> ModuleType:
    """An empty main module.

    It stays the main module after its end: for threads, functions at exit, and workers that are still to start.
    """
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    if "__annotations__" in vars(sys.modules["__main__"]):  # up to CPython 3.13
        main.__annotations__ = {}
    sys.modules["__main__"] = main
    return main


def _run_module(words: list[str]) -> int:
    """As `python -m`, whose packages are imported with the program's arguments; errors are said in its words."""
    sys.argv[:] = ["-m", *words[1:]]
    _new_main()
    _run_module_as_main(words[0])
    return 0


def _run_script(words: list[str]) -> int:
    """As `python SCRIPT`."""
    sys.argv[:] = words
    # As the interpreter makes it absolute: on Windows by the system, elsewhere without a look at it.
    path = os.path.abspath(words[0]) if os.name == "nt" else os.path.join(os.getcwd(), words[0])
    main = _new_main()
    if get_importer(path) is not None:  # a folder or zip file
        _set_path(path)
        _run_module_as_main("__main__", False)
        return 0
    try:
        code = _code(path)
    except OSError as error:
        what = f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}"
        print(f"{sys.executable}: {what}", file=sys.stderr)
        return 2
    if not sys.flags.safe_path:
        _set_path(os.path.dirname(os.path.realpath(path)))
    main.__file__ = path
    main.__loader__ = SourceFileLoader("__main__", path)
    if sys.version_info < (3, 15):
        main.__dict__["__cached__"] = None
    exec(code, vars(main))
    return 0


def _set_path(first: str) -> None:
    """Put a folder where `python -m cypickle` has put the current one, unless it was told not to."""
    sys.path[: 0 if sys.flags.safe_path else 1] = [first]


def _code(path: str) -> CodeType:
    """The code of a script, which may be compiled already.

    Raises:
        OSError: It cannot be read; SyntaxError.
    """
    with io.open_code(path) as file:
        source = file.read()
    if source.startswith(MAGIC_NUMBER):
        code: CodeType = marshal.loads(source[16:])
        return code
    return compile(source, path, "exec", dont_inherit=True)
