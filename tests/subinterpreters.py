"""What the versions call interpreters beside the main one: create, run code, destroy."""

import importlib
import sys


def _module():
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


MODULE = _module()
#: With a GIL of its own, and with the one that all share.
KINDS = ["isolated", "legacy"] if sys.version_info >= (3, 12) else ["legacy"]


def create(kind):
    if sys.version_info >= (3, 13):
        return MODULE.create(kind)
    if sys.version_info >= (3, 12):
        return MODULE.create(isolated=kind == "isolated")
    return MODULE.create()


def run(interpreter, code):
    """Run the code; RuntimeError with what it raised."""
    try:
        failure = MODULE.run_string(interpreter, code)
    except Exception as error:
        raise RuntimeError(str(error)) from None
    if failure is not None:
        raise RuntimeError(getattr(failure, "formatted", failure))


destroy = MODULE.destroy if MODULE else None
