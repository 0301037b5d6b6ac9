"""The ratios to the stdlib that each workload aims at, for CPython 3.11 and for 3.15; `None` where none is set."""

import sys

#: (dumps 3.11, dumps 3.15, loads 3.11, loads 3.15) by name.
TARGETS = {
    "dataclass_list": (9, 14, 4.5, 4.5),
    "instance_list": (11, 17, 4.4, 5),
    **dict.fromkeys(("slotted_dataclass_list", "frozen_slotted_dataclass_list", "slots_list"), (8, 9, 4, 4)),
    "namedtuple_list": (8, 9, 3, 3),
    "datetime_list": (27, 27, 2.7, 2.7),
    "datetime_utc_list": (13.5, 13.5, 1.35, 1.35),
    **dict.fromkeys(
        (
            "date_list",
            "time_list",
            "timedelta_list",
            "uuid_list",
            "decimal_list",
            "fraction_list",
            "path_list",
            "complex_list",
            "range_list",
            "slice_list",
        ),
        (6, 6, 2, 2),
    ),
    **dict.fromkeys(("enum_list", "intenum_list", "strenum_list", "flag_list"), (4, 4, 1.5, 1.5)),
    **dict.fromkeys(("ordereddict_list", "defaultdict_list", "counter_list", "deque_list"), (5, 5, 1.6, 1.6)),
    "dict_list": (4.2, 4.2, 2.0, 2.1),
    "ints": (4.3, 4.6, 1.3, 1.35),
    "floats": (12, 9, 2.3, 2.1),
    "distinct_strs": (6.5, 6.2, 1.85, 1.5),
    "repeated_strs": (8, 8, 1.6, 1.6),
    "tuples": (3.1, 3.5, 1.8, 1.85),
    "sets": (3, 3, 1.3, 1.3),
    "nested_lists": (4, 5, 1.7, 1.7),
    **dict.fromkeys(("small_dict", "small_instance", "call_message"), (3, 5, 2.4, 3)),
    **dict.fromkeys(("pyperformance_pickle", "pyperformance_pickle_list"), (4, 4, 2, 2)),
    "pyperformance_pickle_dict": (4, 4, None, None),
    "json_documents": (3.5, 3.5, 1.8, 1.8),
    "syntax_tree_large": (6, 8, 3, 3),
    **dict.fromkeys(("getstate_list", "reduce_list"), (2.5, 2.5, 2, 2)),
    **dict.fromkeys(("numpy_arrays", "numpy_scalars"), (2, 2, 1.5, 1.5)),
    **dict.fromkeys(("hook_reducer_override", "hook_dispatch_table"), (2.5, 2.5, None, None)),
    "hook_persistent_id": (2.5, 2.5, 2, 2),
    "shared_instances": (7, 7, 4.4, 5),
    "shared_strs": (3, 3, 1.85, 1.5),
    "shared_dicts": (3, 3, 2.0, 2.1),
    "shared_tuples": (2.3, 2.3, 1.8, 1.85),
    "shared_datetimes": (20, 20, 2.7, 2.7),
    "instances_after_reduce": (4, 4, 4.4, 5),
    "strs_after_reduce": (2, 2, 1.85, 1.5),
    "dicts_after_reduce": (2.2, 2.2, 2.0, 2.1),
}
BIG = (1, 1, 1, 1)


def target(name, direction, version=sys.version_info[:2], *, big=False):
    """Return the ratio that a workload aims at on a version of CPython, or None.

    Versions between the two that have targets take those of the older.
    """
    row = TARGETS.get(name, BIG if big else (None,) * 4)
    return row[(direction == "loads") * 2 + (tuple(version) >= (3, 15))]
