"""The rules that the compiled core keeps, checked by reading its source."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "_speedups"
CYTHON = sorted(path for suffix in ("pyx", "pxd", "pxi") for path in CORE.rglob(f"*.{suffix}"))
SOURCES = sorted([*CYTHON, *CORE.rglob("*.h")])
PYTHON = sorted(path for folder in ("src", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py*"))
PYTHON = [path for path in [*PYTHON, ROOT / "setup.py"] if path.suffix in (".py", ".pyi")]

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
DISPATCHERS = {"save", "run"}  # the two switches over types and opcodes

pytestmark = pytest.mark.skipif(not CORE.is_dir(), reason="the sources are not beside the tests")


def code_lines(path):
    """(number, line) without comments and docstrings."""
    text = re.sub(r'"""(?:.|\n)*?"""', lambda match: "\n" * match.group().count("\n"), path.read_text())
    text = re.sub(r"/\*(?:.|\n)*?\*/", lambda match: "\n" * match.group().count("\n"), text)
    comment = r"//.*" if path.suffix == ".h" else r"(?<![\"'])#.*"
    for number, line in enumerate(text.split("\n"), 1):
        yield number, re.sub(comment, "", line).rstrip()


def offences(paths, pattern):
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in code_lines(path)
        if re.search(pattern, line)
    ]


def others(*names):
    return [path for path in SOURCES if path.name not in names]


def cython_others(*names):
    return [path for path in CYTHON if path.name not in names]


def test_there_is_a_core():
    assert {path.name for path in SOURCES} >= {"compat.h", "cpythonx.pxd", "emitter.pyx", "machine.pyx"}


def test_versions_are_the_business_of_compat_h():
    assert (
        offences(
            others(
                "compat.h",
                "compat_values.h",
                "compat_datetime.h",
                "compat_decimal.h",
                "compat_emit.h",
                "compat_load.h",
                "compat_make.h",
                "compat_dict.h",
            ),
            r"PY_(VERSION_HEX|MINOR_VERSION|MAJOR_VERSION)|sys\.version_info",
        )
        == []
    )


def test_externs_are_the_business_of_cpythonx():
    assert offences(cython_others("cpythonx.pxd"), r"\bcdef\s+extern\b") == []


def test_no_star_cimports():
    assert offences(CYTHON, r"\bimport\s*\*|\bcimport\s*\*") == []


def test_no_compile_time_dialect():
    assert offences(CYTHON, r"^\s*(DEF|IF|ELIF|ELSE)\b") == []


def test_no_unchecked_bounds_switches():
    assert offences(CYTHON, r"boundscheck\s*\(\s*False") == []


def test_header_functions_are_static():
    heads = offences(CORE.rglob("*.h"), r"^[A-Za-z_][\w \*]*\b\w+\([^;]*\)\s*\{?$")
    assert [line for line in heads if "static" not in line] == []


def joined(path):
    """Logical lines: a signature over several lines is one. Yields (number, indent, text)."""
    pending, start, depth = "", 0, 0
    for number, line in code_lines(path):
        if not pending:
            start = number
        pending += line if not pending else " " + line.strip()
        depth = sum(pending.count(left) - pending.count(right) for left, right in ("()", "[]", "{}"))
        if depth <= 0:
            yield start, len(pending) - len(pending.lstrip()), pending.strip()
            pending = ""


DECLARATION = re.compile(
    r"^(?:cdef|cpdef)\s+(?!class\b|enum\b|struct\b|union\b|extern\b|packed\b|readonly\b|public\b|fused\b)"
    r"(?P<head>[^=(]*?)\b(?P<name>\w+)\s*\((?P<arguments>.*)\)\s*(?P<tail>[^()]*?):?\s*(?:\.\.\.|pass|return.*)?$"
)
EXCEPTIONS = re.compile(r"\bnoexcept\b|\bexcept\b")
OBJECTS = {"object", "bytes", "str", "tuple", "list", "dict", "set", "bytearray", "type", "int", "frozenset"}


def functions():
    for path in CYTHON:
        for number, _, text in joined(path):
            match = DECLARATION.match(text)
            if match and not re.search(r"^[^(]*\(\s*\*", text):
                yield path, number, match


def extension_classes():
    text = "\n".join(line for path in CYTHON for _, line in code_lines(path))
    return set(re.findall(r"cdef\s+class\s+(\w+)", text))


def test_every_cdef_function_states_its_return_type_and_exceptions():
    bad = []
    objects = OBJECTS | extension_classes()
    for path, number, match in functions():
        head = [word for word in match["head"].split() if word not in ("inline", "api", "public", "static")]
        returns_object = bool(head) and head[0] in objects and not match["head"].rstrip().endswith("*")
        if head and head[0] == "int" and EXCEPTIONS.search(match["tail"]):
            continue
        if not head or not ((returns_object and head[0] != "int") or EXCEPTIONS.search(match["tail"])):
            bad.append(f"{path.relative_to(ROOT)}:{number}: {match.group()[:90]}")
    assert bad == []


def test_the_parser_of_declarations_sees_the_core():
    assert len(list(functions())) > 50


def function_lengths(path):
    """(name, first line, lines) of each def, cdef and cpdef with a body."""
    pattern = re.compile(
        r"^(\s*)(?:async\s+def|def|cdef|cpdef)\b(?!\s+(?:class|enum|struct|extern|packed))[^=]*?(\w+)\("
    )
    lines = path.read_text().split("\n")
    for index, line in enumerate(lines):
        match = pattern.match(line)
        if not match:
            continue
        last = index
        for later in range(index + 1, len(lines)):
            text = lines[later]
            if (
                text.strip()
                and len(text) - len(text.lstrip()) <= len(match[1])
                and text.strip()[0] not in ")]"
            ):
                break
            last = later if text.strip() else last
        yield match[2], index + 1, last - index + 1


def test_files_are_short():
    long = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in [*SOURCES, *PYTHON]}
    assert {name: count for name, count in long.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short():
    long = [
        f"{path.relative_to(ROOT)}:{line} {name}: {count} lines"
        for path in [*CYTHON, *PYTHON]
        for name, line, count in function_lengths(path)
        if count > MAX_FUNCTION_LINES and not (path in CYTHON and name in DISPATCHERS)
    ]
    assert long == []


def test_only_two_dispatchers_are_long():
    long = [
        name for path in CYTHON for name, _, count in function_lengths(path) if count > MAX_FUNCTION_LINES
    ]
    assert len(long) <= 2


def committed():
    if shutil.which("git") is None:
        pytest.skip("no git here")
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in run.stdout.split("\0") if name]


def test_nothing_generated_is_committed():
    bad = [path for path in committed() if path.suffix in (".c", ".so", ".pyd", ".html", ".o", ".pyc")]
    assert bad == []


def test_top_level_is_as_agreed():
    names = {path.relative_to(ROOT).parts[0] for path in committed()}
    visible = {name for name in names if not name.startswith(".")}
    assert visible <= {
        "LICENSE",
        "pyproject.toml",
        "setup.py",
        "src",
        "_speedups",
        "tests",
        "benchmarks",
        "README.md",
        "docs",
    }


def test_no_commented_out_code():
    pattern = r"^\s*(?:#|//)\s*(?:cdef |def |return\b.*[;)]$|if .*:$|for .* in .*:$|import \w+$)"
    bad = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*SOURCES, *PYTHON]
        for number, line in enumerate(path.read_text().split("\n"), 1)
        if re.search(pattern, line)
    ]
    assert bad == []


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("cdef int f(int a) except -1:", True),
        ("cdef inline Py_ssize_t f() noexcept:", True),
        ("cdef object f():", False),
        ("cdef f(a):", False),
        ("cdef void f(a):", False),
    ],
)
def test_the_declaration_pattern(text, states):
    match = DECLARATION.match(text)
    assert match["name"] == "f"
    assert bool(EXCEPTIONS.search(match["tail"])) is states
