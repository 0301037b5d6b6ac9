"""Fixtures shared by every test: the implementation matrix, protocols, garbage checks, the report header."""

import contextlib
import gc
import os
import pickle
import platform
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, Verbosity, settings

import cypickle
from implementations import CYPICKLE, IMPLEMENTATIONS, PROTOCOLS

SWITCHES = (
    "CYPICKLE_DEBUG",
    "CYPICKLE_SANITIZE",
    "CYPICKLE_NO_INTERNALS",
    "CYPICKLE_TRACE",
    "CYPICKLE_ANNOTATE",
)

HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
COMMON = {"deadline": None, "print_blob": True, "suppress_health_check": HEALTH, "database": None}
settings.register_profile("small", max_examples=60, verbosity=Verbosity.normal, **COMMON)
settings.register_profile("large", max_examples=5000, verbosity=Verbosity.normal, **COMMON)


def pytest_addoption(parser):
    parser.addoption(
        "--large",
        action="store_true",
        default=False,
        help="spend the large Hypothesis and generator budgets (also: CYPICKLE_TESTS=large)",
    )


def is_large(config):
    return config.getoption("--large") or os.environ.get("CYPICKLE_TESTS") == "large"


def pytest_configure(config):
    config.addinivalue_line("markers", "cpython_suite: a test that CPython wrote, run on cypickle")
    config.addinivalue_line("markers", "hosts: needs other software that uses pickle, see the extra `hosts`")
    config.addinivalue_line("markers", "packaging: builds an sdist and a wheel (a minute)")
    settings.load_profile("large" if is_large(config) else "small")


def pytest_collection_finish():
    """No collection that a test asks for has to walk through all tests: that is a tenth of a second each time."""
    gc.collect()
    gc.freeze()


def cython_version():
    """The Cython that compiled the extension: its shared types live in a module named by its ABI."""
    names = sorted(name for name in sys.modules if name.startswith("_cython_"))
    return ", ".join(name.removeprefix("_cython_").replace("_", ".") for name in names) or "unknown"


def pytest_report_header(config):
    environment = {name: os.environ[name] for name in SWITCHES if name in os.environ}
    return [
        f"cypickle {getattr(cypickle, '__version__', '?')} from {os.path.dirname(cypickle.__file__)}",
        f"CPython {platform.python_version()} ({platform.python_compiler()}), Cython {cython_version()}",
        f"pickle protocols 0..{pickle.HIGHEST_PROTOCOL}, default {pickle.DEFAULT_PROTOCOL}",
        f"build switches: {environment or 'none'}",
        f"budget: {'large' if is_large(config) else 'small'}",
    ]


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda item: item.name)
def implementation(request):
    """cypickle, the C pickle and the pure pickle, one after the other."""
    return request.param


@pytest.fixture
def cy():
    """cypickle alone, where the stdlib is the other side of the comparison."""
    return CYPICKLE


@pytest.fixture(params=PROTOCOLS, ids=lambda number: f"p{number}")
def protocol(request):
    return request.param


@pytest.fixture(scope="session")
def budget(pytestconfig):
    """budget(small, large): a count that follows the profile."""

    def choose(small, large):
        return large if is_large(pytestconfig) else small

    return choose


def tracked_types():
    return Counter(type(item).__name__ for item in gc.get_objects())


@contextlib.contextmanager
def no_garbage(limit=3):
    """Fail when the block, warmed up before, leaves more than `limit` tracked objects behind."""
    gc.collect()
    before = tracked_types()
    yield
    gc.collect()
    grown = tracked_types() - before
    assert sum(grown.values()) <= limit, f"objects left behind: {dict(grown.most_common(8))}"


@pytest.fixture
def gc_clean():
    """A context manager that fails when its block leaves tracked objects behind."""
    return no_garbage


SUITE = "test_cpython_suite"


def pytest_terminal_summary(terminalreporter):
    """State what CPython's own suite ran, passed and left out."""
    counts = Counter()
    for category, reports in terminalreporter.stats.items():
        counts[category] += sum(
            f"{SUITE}.py::" in (node := getattr(item, "nodeid", "")) and node.count("::") == 2
            for item in reports
        )
    module = sys.modules.get(SUITE)
    left_out = getattr(module, "LEFT_OUT", {})
    ran = counts["passed"] + counts["failed"]
    if not ran:
        return
    terminalreporter.section("CPython's own suite")
    terminalreporter.write_line(
        f"CPython {platform.python_version()}: {ran} ran, {counts['passed']} passed, "
        f"{counts['failed']} failed, {counts['skipped']} skipped by CPython's own conditions, "
        f"{len(left_out)} left out by name"
    )
    for name, reason in left_out.items():
        terminalreporter.write_line(f"  left out: {name}: {reason}")
