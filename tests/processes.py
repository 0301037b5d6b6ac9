"""Python programs in processes of their own, for a crash to be a failure only."""

import os
import subprocess
import sys
import sysconfig

#: Of the build, whether its GIL is on or not: that is what the core is compiled for.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


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
