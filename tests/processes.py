"""Python programs in processes of their own, for a crash to be a failure only."""

import os
import subprocess
import sys
import sysconfig

try:
    import resource
except ImportError:
    resource = None

#: AddressSanitizer maps terabytes of address space; ASAN_OPTIONS has a limit of its own, max_allocation_size_mb.
SANITIZED = "ASAN_OPTIONS" in os.environ

#: Of the build, whether its GIL is on or not: that is what the core is compiled for.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

#: Of the build under test: it looks into CPython's own structures.
LOOKS_INSIDE = not FREE_THREADED and os.environ.get("CYPICKLE_NO_INTERNALS", "0") in ("", "0")


def limit_memory(most):
    """Let this process map no more than so many bytes, where the system can; returns the limit before, or None."""
    if resource is None or SANITIZED:
        return None
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    return before


def run_python(*arguments, seconds):
    """Run the interpreter with these arguments and what can be imported here; the CompletedProcess."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
