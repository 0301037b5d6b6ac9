"""What pyproject.toml cannot say: the extensions and their build switches."""

import os
import subprocess
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist


def switch(name):
    return os.environ.get(name, "0") not in ("", "0")


DEBUG = switch("CYPICKLE_DEBUG")
SANITIZE = switch("CYPICKLE_SANITIZE")
NO_INTERNALS = switch("CYPICKLE_NO_INTERNALS")
ANNOTATE = switch("CYPICKLE_ANNOTATE")
TRACE = switch("CYPICKLE_TRACE")

if sys.platform == "win32":
    compile_args, link_args = ["/Od" if DEBUG else "/O2", "/W3"], []
else:
    # An exported CFLAGS replaces the interpreter's own flags, -O3 included, so the level is set here.
    compile_args = ["-O0" if DEBUG else "-O3", "-Wall", "-Wextra"] + (["-Werror"] if DEBUG else [])
    link_args = ["-fsanitize=address,undefined"] if SANITIZE else []
    compile_args += [*link_args, "-fno-omit-frame-pointer", "-g"] if SANITIZE else []

# Types that the collector tracks and that nobody can change, as those of _pickle.
macros = [("CYTHON_USE_TYPE_SPECS", "1")]
macros += [] if DEBUG else [("CYTHON_WITHOUT_ASSERTIONS", "1")]
macros += [("CYPICKLE_NO_INTERNALS", "1")] if NO_INTERNALS else []
if TRACE:
    macros += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]


def files(folder, *suffixes):
    return sorted(path for suffix in suffixes for path in glob(f"{folder}/**/*.{suffix}", recursive=True))


def extension(name, source):
    return Extension(
        f"cypickle.{name}",
        [source],
        include_dirs=["_speedups"],
        depends=files("_speedups", "h", "pxd", "pxi", "pyx"),
        define_macros=macros,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )


# GCC stops inlining by the size of the whole file, and so leaves calls in the innermost loops.
INLINE = ["--param=inline-unit-growth=100", "--param=max-inline-insns-single=1000"]


class BuildWithInlining(build_ext):
    """Tells a compiler that knows how to be told what to inline."""

    def build_extensions(self):
        command = getattr(self.compiler, "compiler_so", None)
        if command and not (DEBUG or SANITIZE):
            probe = [*command, "-Werror", *INLINE, "-E", "-x", "c", os.devnull]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                for ext in self.extensions:
                    ext.extra_compile_args = [*ext.extra_compile_args, *INLINE]
        super().build_extensions()


class SdistWithTests(sdist):
    """Wheels are built from the sdist, and are tested by what it holds."""

    def make_distribution(self):
        self.filelist.extend(files("tests", "py", "json", "txt"))
        super().make_distribution()


setup(
    cmdclass={"build_ext": BuildWithInlining, "sdist": SdistWithTests},
    ext_modules=cythonize(
        [
            extension("_emitter", "_speedups/emitter.pyx"),
            extension("_machine", "_speedups/machine.pyx"),
            extension("_extensible", "_speedups/extensible.pyx"),
        ],
        build_dir="build/cython",
        include_path=["."],
        annotate=ANNOTATE,
        compiler_directives={
            "language_level": "3",
            "binding": True,
            "auto_pickle": False,
            "embedsignature": False,
            "boundscheck": True,
            "wraparound": False,
            "cdivision": True,
            "freethreading_compatible": True,
            "linetrace": TRACE,
        },
    ),
)
