"""All the workloads: importing this module fills the registry."""

from cypickle.bench import big, data, hooks, messages, real, records, sharing, values
from cypickle.bench.registry import Unavailable, Workload, registered

__all__ = ["MODULES", "Unavailable", "Workload", "all_workloads", "select"]

#: The modules that define workloads; the order of these imports is that of the tables.
MODULES = (real, records, values, data, messages, hooks, sharing, big)


def all_workloads() -> list[Workload]:
    """Return every workload, in the order of the tables."""
    place = {module.__name__: n for n, module in enumerate(MODULES)}
    return sorted(registered(), key=lambda item: place.get(item.make.__module__, len(place)))


def select(words: list[str], *, main: bool = False) -> list[Workload]:
    """Return the workloads that a user asked for.

    Args:
        words: Parts of names or groups; none of them means all workloads. A workload that runs only on
            demand must be named in full.
        main: Without words, choose only the main ones.
    """
    if not words:
        return [item for item in all_workloads() if not item.on_demand and (item.main or not main)]
    return [
        item
        for item in all_workloads()
        if item.name in words
        or (not item.on_demand and any(word in item.name or word in item.group for word in words))
    ]
