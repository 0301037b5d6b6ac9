"""What pyproject.toml cannot say: the two extensions and their build switches."""

import os
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup


def switch(name):
    return os.environ.get(name, "0") not in ("", "0")


DEBUG = switch("CYPICKLE_DEBUG")
SANITIZE = switch("CYPICKLE_SANITIZE")
NO_INTERNALS = switch("CYPICKLE_NO_INTERNALS")
ANNOTATE = switch("CYPICKLE_ANNOTATE")
TRACE = switch("CYPICKLE_TRACE")

if sys.platform == "win32":
    compile_args = ["/Od" if DEBUG else "/O2", "/W3"]
    link_args = []
else:
    # An exported CFLAGS replaces the interpreter's own flags, -O3 included, so the level is set here.
    compile_args = ["-O0" if DEBUG else "-O3", "-Wall", "-Wextra"] + (["-Werror"] if DEBUG else [])
    link_args = []
    if SANITIZE:
        compile_args += ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"]
        link_args += ["-fsanitize=address,undefined"]

# Types that the collector tracks and that nobody can change, as those of _pickle.
macros = [("CYTHON_USE_TYPE_SPECS", "1")]
if not DEBUG:
    macros.append(("CYTHON_WITHOUT_ASSERTIONS", "1"))
if NO_INTERNALS:
    macros.append(("CYPICKLE_NO_INTERNALS", "1"))
if TRACE:
    macros += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]

parts = [path for ext in ("h", "pxd", "pxi", "pyx") for path in glob(f"_speedups/**/*.{ext}", recursive=True)]


def extension(name, source):
    return Extension(
        f"cypickle.{name}",
        [source],
        include_dirs=["_speedups"],
        depends=sorted(parts),
        define_macros=macros,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )


setup(
    ext_modules=cythonize(
        [extension("_emitter", "_speedups/emitter.pyx"), extension("_machine", "_speedups/machine.pyx")],
        build_dir="build/cython",
        include_path=["."],
        annotate=ANNOTATE,
        compiler_directives={
            "language_level": "3",
            "binding": True,
            "embedsignature": False,
            "boundscheck": True,
            "wraparound": False,
            "cdivision": True,
            "linetrace": TRACE,
        },
    ),
)
