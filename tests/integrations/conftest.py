"""Tests with other software: marked, and skipped with a reason where it is not installed."""

import importlib.util

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "hosts: needs other software that uses pickle, see the extra `hosts`")


def needs(*modules):
    """Mark a test module: skipped unless all these are installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    reason = f"{', '.join(missing)} not installed: see the extra `hosts`"
    return [pytest.mark.hosts, pytest.mark.skipif(bool(missing), reason=reason)]
