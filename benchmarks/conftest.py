"""Options of `pytest benchmarks`, and the two implementations that it sets side by side."""

import pickle

import pytest

import cypickle
from cypickle.bench.registry import Unavailable, Workload
from cypickle.bench.workloads import select

MODULES = {"cypickle": cypickle, "pickle": pickle}
SECONDS = 0.4


def pytest_addoption(parser):
    parser.addoption(
        "--workload",
        action="append",
        default=[],
        metavar="NAME",
        help="only workloads whose name or group contains NAME; repeatable",
    )


def pytest_configure(config):
    """Spend less than pytest-benchmark's second on each of some 300 benchmarks, unless told otherwise."""
    given = any(str(word).startswith("--benchmark-max-time") for word in config.invocation_params.args)
    if not given and config.pluginmanager.has_plugin("benchmark"):
        config.option.benchmark_max_time = SECONDS


def pytest_generate_tests(metafunc):
    if "workload" in metafunc.fixturenames:
        chosen = select(metafunc.config.getoption("--workload"))
        metafunc.parametrize("workload", chosen, ids=[item.name for item in chosen])
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", MODULES.values(), ids=MODULES)


@pytest.fixture
def graph(workload: Workload):
    """The workload's graph, every object of it new."""
    try:
        return workload.build()
    except Unavailable as reason:
        pytest.skip(str(reason))
