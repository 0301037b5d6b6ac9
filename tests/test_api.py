"""The module surface: the names, classes, signatures and attributes of the running `pickle`."""

import _pickle
import copyreg
import inspect
import io
import pickle
import subprocess
import sys
import types

import pytest

import cypickle
from implementations import C_PICKLE, CYPICKLE
from oracle import Table, both

IMPORTED = "an import of the implementation, to be had where it comes from"
MAY_BE_ABSENT = {
    "FunctionType": IMPORTED,
    "PyStringMap": "None on CPython; belongs to Jython",
    "_HAVE_PICKLE_BUFFER": "always true on the versions supported",
    "_MIN_READ_BUF_SIZE": "a detail of the pure Python reader",
    "_NoValue": "a sentinel of the pure Python reader",
    "_T": "a loop variable",
    "_compat_pickle": IMPORTED,
    "_main": "the command line of the pickle module itself",
    "_test": "runs the doctests of the pickle module itself",
    "batched": IMPORTED,
    "codecs": IMPORTED,
    "io": IMPORTED,
    "islice": IMPORTED,
    "maxsize": IMPORTED,
    "pack": IMPORTED,
    "partial": IMPORTED,
    "re": IMPORTED,
    "sys": IMPORTED,
    "unpack": IMPORTED,
    "__builtins__": "set by the import system",
    "__cached__": "set by the import system",
    "__warningregistry__": "set when it warns",
}
OWN = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
OPCODES = [name for name in dir(pickle) if name.isupper() and isinstance(getattr(pickle, name), bytes)]
SCENARIOS = Table()


class Plain:
    pass


def test_every_name_is_there():
    missing = set(dir(pickle)) - set(dir(cypickle))
    assert missing <= set(MAY_BE_ABSENT)


def test_absence_table_has_reasons_only_for_real_names_or_other_versions():
    assert all(MAY_BE_ABSENT.values())
    assert not set(MAY_BE_ABSENT) & set(pickle.__all__)


def test_all_is_the_same():
    assert set(pickle.__all__) <= set(cypickle.__all__)
    assert all(hasattr(cypickle, name) for name in cypickle.__all__)


def test_opcodes_are_equal():
    assert len(OPCODES) > 60
    assert {name: getattr(cypickle, name) for name in OPCODES} == {
        name: getattr(pickle, name) for name in OPCODES
    }


@pytest.mark.parametrize("name", sorted(set(dir(pickle)) - set(OWN) - set(MAY_BE_ABSENT)))
def test_what_is_not_reimplemented_is_the_stdlibs_own(name):
    if name.startswith("__") and name.endswith("__"):
        assert hasattr(cypickle, name)
    else:
        ours, theirs = getattr(cypickle, name), getattr(pickle, name)
        assert ours == theirs if isinstance(theirs, bytes | str | int | tuple | list) else ours is theirs


@pytest.mark.parametrize("name", ["PickleError", "PicklingError", "UnpicklingError", "PickleBuffer"])
def test_classes_are_the_stdlibs_own(name):
    assert getattr(cypickle, name) is getattr(_pickle, name) is getattr(pickle, name)


@pytest.mark.parametrize("name", OWN)
def test_what_is_reimplemented_is_not_the_stdlibs(name):
    assert getattr(cypickle, name) is not getattr(pickle, name)


def signature(item):
    """The parameters by name, kind and default: annotations aside, of which the stdlib has none."""
    parameters = inspect.signature(item).parameters.values()
    return [parameter.replace(annotation=parameter.empty) for parameter in parameters]


@pytest.mark.parametrize("name", OWN)
def test_signatures_are_equal(name):
    assert signature(getattr(cypickle, name)) == signature(getattr(_pickle, name))


METHODS = [("Pickler", "dump"), ("Pickler", "clear_memo"), ("Unpickler", "load"), ("Unpickler", "find_class")]
METHODS += [
    (cls, hook)
    for cls, hook in (("Pickler", "persistent_id"), ("Unpickler", "persistent_load"))
    if not isinstance(vars(getattr(_pickle, cls)).get(hook), types.GetSetDescriptorType)
]


@pytest.mark.parametrize(("cls", "method"), METHODS)
def test_method_signatures_are_equal(cls, method):
    ours, theirs = (getattr(getattr(module, cls), method) for module in (cypickle, _pickle))
    assert signature(ours) == signature(theirs)


@pytest.mark.parametrize("name", OWN)
def test_names_and_documentation(name):
    item = getattr(cypickle, name)
    assert item.__name__ == name
    assert item.__qualname__ == name
    assert item.__module__.partition(".")[0] == "cypickle"
    assert item.__doc__


@pytest.mark.parametrize("name", ["Pickler", "Unpickler"])
def test_class_attributes(name):
    ours, theirs = getattr(cypickle, name), getattr(_pickle, name)
    wanted = {item for item in dir(theirs) if not item.startswith("__")}
    assert wanted <= set(dir(ours))
    assert issubclass(ours, object)
    assert ours.__base__ is object or ours.__mro__[-1] is object
    assert type(f"Sub{name}", (ours,), {})(io.BytesIO()).__dict__ == {}


def instance(implementation, name):
    return getattr(implementation, name)(io.BytesIO())


@pytest.mark.parametrize("name", ["Pickler", "Unpickler"])
def test_plain_instances_have_no_dict(name):
    for implementation in (C_PICKLE, CYPICKLE):
        item = instance(implementation, name)
        assert not hasattr(item, "__dict__")
        with pytest.raises(AttributeError):
            item.no_such_attribute = 1


@pytest.mark.parametrize("hook", ["reducer_override", "no_such_name"])
def test_plain_pickler_lacks(hook):
    for implementation in (C_PICKLE, CYPICKLE):
        assert not hasattr(implementation.Pickler(io.BytesIO()), hook)


def test_persistent_hooks_are_as_visible_as_the_stdlibs():
    for name, hook in (("Pickler", "persistent_id"), ("Unpickler", "persistent_load")):
        ours, theirs = instance(CYPICKLE, name), instance(C_PICKLE, name)
        assert hasattr(ours, hook) == hasattr(theirs, hook)
        assert hook in dir(ours)


def test_dispatch_table_is_absent_until_set():
    for implementation in (C_PICKLE, CYPICKLE):
        pickler = implementation.Pickler(io.BytesIO())
        assert not hasattr(pickler, "dispatch_table")
        pickler.dispatch_table = table = {}
        assert pickler.dispatch_table is table
        del pickler.dispatch_table
        assert not hasattr(pickler, "dispatch_table")
        with pytest.raises(AttributeError):
            del pickler.dispatch_table
        pickler.dispatch_table = copyreg.dispatch_table
        assert pickler.dispatch_table is copyreg.dispatch_table


def test_dispatch_table_is_a_member_descriptor():
    """By which loky gives a table to an instance whose class has one already."""
    for implementation in (C_PICKLE, CYPICKLE):

        class WithTable(implementation.Pickler):
            dispatch_table = {}  # noqa: RUF012

        pickler = WithTable(io.BytesIO())
        (member,) = (
            vars(cls)["dispatch_table"]
            for cls in WithTable.mro()
            if isinstance(vars(cls).get("dispatch_table"), types.MemberDescriptorType)
        )
        assert inspect.ismemberdescriptor(member)
        assert getattr(implementation.Pickler, "dispatch_table") is member  # noqa: B009
        assert issubclass(implementation.Pickler, member.__objclass__)
        assert member.__name__ == "dispatch_table"
        assert pickle.loads(pickle.dumps(member)) is member
        pickler.dispatch_table = {}  # the instance's, and without effect
        pickler.dump(1j)
        member.__set__(pickler, {complex: lambda obj: (str, ("reduced",))})
        assert pickler.dispatch_table == {}
        assert [*member.__get__(pickler)] == [complex]
        with pytest.raises(TypeError):
            member.__set__(None, {})
        with pytest.raises(TypeError):
            member.__get__(1)
        pickler.dump(1j)
        member.__delete__(pickler)
        with pytest.raises(AttributeError):
            member.__get__(pickler)


def test_class_level_dispatch_table_is_captured_at_init():
    def logged(implementation, log):
        def reduce(obj):
            log.append("class")
            return Plain, ()

        def later(obj):
            log.append("later")
            return Plain, ()

        class WithTable(implementation.Pickler):
            dispatch_table = {Plain: reduce}  # noqa: RUF012

        captured = WithTable(io.BytesIO())
        WithTable.dispatch_table = {Plain: later}
        captured.dump(Plain())
        WithTable(io.BytesIO()).dump(Plain())
        replaced = WithTable(io.BytesIO())
        replaced.dispatch_table = {}
        replaced.dump(Plain())
        return log

    theirs, ours = logged(C_PICKLE, []), logged(CYPICKLE, [])
    assert ours == theirs
    assert "later" in theirs


def test_attributes_bin_and_fast(implementation):
    for protocol, binary in ((0, False), (1, True), (4, True)):
        pickler = implementation.Pickler(io.BytesIO(), protocol)
        assert bool(pickler.bin) is binary
        assert not pickler.fast


def test_attributes_bin_and_fast_have_the_types_of_the_stdlib():
    ours, theirs = (item.Pickler(io.BytesIO(), 4) for item in (CYPICKLE, C_PICKLE))
    assert (type(ours.bin), type(ours.fast)) == (type(theirs.bin), type(theirs.fast))
    assert (ours.bin, ours.fast) == (theirs.bin, theirs.fast)


def test_fast_turns_the_memo_off(implementation):
    written = []
    for fast in (0, 1):
        file = io.BytesIO()
        pickler = implementation.Pickler(file, 2)
        pickler.fast = fast
        pickler.dump([(1, 2), "text"])
        written.append(file.getvalue())
    assert pickle.BINPUT in written[0]
    assert pickle.BINPUT not in written[1]


def case(function):
    return SCENARIOS.case(function)


def shared_pickler(implementation, protocol=4):
    file = io.BytesIO()
    return file, implementation.Pickler(file, protocol)


@case
def several_dumps_share_the_memo(implementation, seen):
    shared = ["shared", (1, 2)]
    file, pickler = shared_pickler(implementation)
    for item in ([shared], shared, {"key": shared}, "shared"):
        pickler.dump(item)
        seen.append(file.getvalue())
    pickler.clear_memo()
    pickler.dump(shared)
    return file.getvalue()


@case
def memo_copy_is_a_dict_of_ids(implementation, seen):
    shared = ["shared", (1, 2)]
    _, pickler = shared_pickler(implementation)
    pickler.dump(shared)
    copied = pickler.memo.copy()
    assert set(copied) >= {id(shared), id(shared[1])}
    assert all(type(value) is tuple for value in copied.values())
    return sorted((index, repr(item)) for index, item in copied.values())


@case
def memo_proxy_surface(implementation, seen):
    _, pickler = shared_pickler(implementation)
    proxy = pickler.memo
    pickler.dump([1])
    seen.append(
        [name for name in dir(proxy) if name in ("clear", "copy", "__reduce__", "__len__", "keys", "get")]
    )
    seen.append((len(proxy.copy()), type(proxy).__hash__))
    proxy.clear()
    seen.append(proxy.copy())
    cls, args = proxy.__reduce__()
    return cls, args


@case
def memo_clear_forgets(implementation, seen):
    file, pickler = shared_pickler(implementation)
    item = ["a"]
    pickler.dump(item)
    pickler.memo.clear()
    pickler.dump(item)
    return file.getvalue()


@case
def memo_assigned_from_dict(implementation, seen):
    item = ("a",)
    _, first = shared_pickler(implementation)
    first.dump(item)
    file, second = shared_pickler(implementation)
    second.memo = first.memo.copy()
    second.dump([item, "a"])
    return file.getvalue()


@case
def memo_assigned_from_proxy(implementation, seen):
    item = ("a",)
    _, first = shared_pickler(implementation)
    first.dump(item)
    file, second = shared_pickler(implementation)
    second.memo = first.memo
    second.dump([item, "a"])
    first.dump("b")
    seen.append(len(second.memo.copy()))
    return file.getvalue()


@case
def memo_assigned_to_itself(implementation, seen):
    file, pickler = shared_pickler(implementation)
    item = ["a"]
    pickler.dump(item)
    pickler.memo = pickler.memo
    pickler.dump(item)
    return file.getvalue()


BAD_MEMOS = {
    "list": [],
    "none": None,
    "int": 5,
    "value_int": {1: 5},
    "value_short": {1: (1,)},
    "value_long": {1: (1, 2, 3)},
    "value_str_index": {1: ("a", 2)},
    "value_list": {1: [1, 2]},
}
for title, memo in BAD_MEMOS.items():

    def assign_pickler_memo(implementation, seen, memo=memo):
        pickler = shared_pickler(implementation)[1]
        pickler.memo = memo

    SCENARIOS.add(f"pickler_memo_{title}", assign_pickler_memo)

for title, memo in {
    "list": [],
    "none": None,
    "str_key": {"a": 1},
    "negative_key": {-1: 1},
    "huge_key": {10**30: 1},
}.items():

    def assign_unpickler_memo(implementation, seen, memo=memo):
        unpickler = implementation.Unpickler(io.BytesIO())
        unpickler.memo = memo

    SCENARIOS.add(f"unpickler_memo_{title}", assign_unpickler_memo)


for cls in ("Pickler", "Unpickler"):

    def delete_memo(implementation, seen, cls=cls):
        del instance(implementation, cls).memo

    SCENARIOS.add(f"{cls}_memo_deleted", delete_memo)


@case
def unpickler_memo_is_shared_between_loads(implementation, seen):
    file = io.BytesIO(pickle.dumps(("a", ["b"]), 4) + b"h\x01.h\x02.")
    unpickler = implementation.Unpickler(file)
    seen.append([unpickler.load() for _ in range(3)])
    seen.append(unpickler.memo.copy())
    unpickler.memo.clear()
    return unpickler.memo.copy()


@case
def unpickler_memo_assigned_from_proxy(implementation, seen):
    first = implementation.Unpickler(io.BytesIO(pickle.dumps(["a"], 4)))
    first.load()
    second = implementation.Unpickler(io.BytesIO(b"h\x01."))
    second.memo = first.memo
    seen.append(second.memo.__reduce__())
    return second.load()


@case
def protocol_none_is_the_default(implementation, seen):
    return implementation.dumps((1, 2, 3, 4), None), implementation.dumps((1, 2, 3, 4))


@case
def negative_protocol_is_the_highest(implementation, seen):
    return [implementation.dumps((1, 2, 3, 4), protocol) for protocol in (-1, -2, -1000)]


@case
def bool_and_index_protocols(implementation, seen):
    class Index:
        def __index__(self):
            return 2

    return implementation.dumps("a", True), implementation.dumps("a", Index())


for cls, method in (("Pickler", "dump"), ("Unpickler", "load")):

    def without_init(implementation, seen, cls=cls, method=method):
        class Lazy(getattr(implementation, cls)):
            def __init__(self):
                pass

        return getattr(Lazy(), method)(*(["object"] if method == "dump" else []))

    SCENARIOS.add(f"{cls}_without_init", without_init)

    def by_new(implementation, seen, cls=cls, method=method):
        made = getattr(implementation, cls).__new__(getattr(implementation, cls))
        return getattr(made, method)(*(["object"] if method == "dump" else []))

    SCENARIOS.add(f"{cls}_by_new", by_new)


@case
def second_init(implementation, seen):
    first, second = io.BytesIO(), io.BytesIO()
    pickler = implementation.Pickler(first, 2)
    item = ["a"]
    pickler.dump(item)
    pickler.__init__(second, 4)
    pickler.dump([item, "a"])
    return first.getvalue(), second.getvalue()


@case
def second_init_of_unpickler(implementation, seen):
    unpickler = implementation.Unpickler(io.BytesIO(pickle.dumps(["a"])))
    seen.append(unpickler.load())
    unpickler.__init__(io.BytesIO(pickle.dumps(b"b", 2)), encoding="bytes")
    return unpickler.load()


@case
def failed_second_init(implementation, seen):
    pickler = implementation.Pickler(io.BytesIO(), 2)
    for arguments in ((object(),), (io.BytesIO(), 6)):
        try:
            pickler.__init__(*arguments)
        except (TypeError, ValueError) as error:
            seen.append((type(error), str(error)))
    return len(seen)


@pytest.mark.parametrize("name", SCENARIOS)
def test_behaves_as_the_stdlib(name):
    expected, actual = both(SCENARIOS[name])
    assert actual == expected


MISUSES = {
    "dumps": [(), (1, 2, True), (1, 2, True, None)],
    "dump": [(), (1,), (1, io.BytesIO(), 2, True)],
    "loads": [(), (b"N.", True)],
    "load": [(), (io.BytesIO(b"N."), True)],
    "Pickler": [(), (io.BytesIO(), 2, True, None, 5)],
    "Unpickler": [(), (io.BytesIO(), True)],
}


@pytest.mark.parametrize("name", OWN)
def test_positional_misuse_is_a_type_error(name, implementation):
    for arguments in MISUSES[name]:
        with pytest.raises(TypeError):
            getattr(implementation, name)(*arguments)


@pytest.mark.parametrize("name", OWN)
def test_unknown_keywords_are_a_type_error(name, implementation):
    arguments = {"dumps": (1,), "dump": (1, io.BytesIO()), "loads": (b"N.",)}.get(name, (io.BytesIO(b"N."),))
    with pytest.raises(TypeError):
        getattr(implementation, name)(*arguments, no_such_option=1)


def test_loads_takes_its_data_by_position_only(implementation):
    if implementation.is_pure and sys.version_info < (3, 12):
        assert "s" in inspect.signature(implementation.loads).parameters
    with pytest.raises(TypeError):
        implementation.loads(data=b"N.")


def test_everything_by_keyword(implementation):
    buffers = []
    file = io.BytesIO()
    data = implementation.dumps(obj=1, protocol=5, fix_imports=False, buffer_callback=buffers.append)
    assert implementation.dump(obj=1, file=file, protocol=5, fix_imports=False, buffer_callback=None) is None
    assert file.getvalue() == data
    pickler = implementation.Pickler(file=file, protocol=5, fix_imports=False, buffer_callback=buffers.append)
    assert pickler.dump(1) is None
    options = {"fix_imports": False, "encoding": "latin1", "errors": "ignore", "buffers": []}
    file.seek(0)
    assert implementation.load(file=file, **options) == implementation.loads(data, **options) == 1
    assert implementation.Unpickler(file=file, **options).load() == 1


def test_pickler_takes_all_its_options_by_position():
    """As the C pickle does; the pure one takes two of them by keyword only."""
    for implementation in (C_PICKLE, CYPICKLE):
        file = io.BytesIO()
        implementation.Pickler(file, 2, False, None).dump(print)
        assert b"builtins" in file.getvalue()


def test_unpickler_memo_assigned_from_dict():
    """Not compared with the C pickle, which drops what is assigned."""
    unpickler = CYPICKLE.Unpickler(io.BytesIO(b"h\x07."))
    unpickler.memo = {7: "seven"}
    assert unpickler.load() == "seven"


UNINITIALISED = """
import cypickle
pickler = cypickle.Pickler.__new__(cypickle.Pickler)
assert pickler.memo.copy() == {}
pickler.clear_memo()
pickler.memo.clear()
pickler.memo = {}
assert (pickler.fast, hasattr(pickler, "dispatch_table")) == (0, False)
unpickler = cypickle.Unpickler.__new__(cypickle.Unpickler)
assert unpickler.memo.copy() == {}
unpickler.memo.clear()
unpickler.memo = {}
print("harmless")
"""


def test_attributes_before_init_are_harmless():
    """In a process of its own: the stdlib's crash."""
    run = subprocess.run([sys.executable, "-c", UNINITIALISED], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr, run.returncode) == ("harmless", "", 0)


HEAVY = "argparse rich matplotlib subprocess asyncio multiprocessing logging unittest dataclasses inspect"
SCRIPT = f"""
import pickle, sys
before = set(sys.modules)
import cypickle
print(sorted(name for name in {HEAVY.split()} if name in set(sys.modules) - before))
"""


def test_import_is_light():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
