"""The documented contract of pickle: one test for each sentence, named after it and quoting it."""

import io
import pickle
import pickletools
import subprocess
import sys
import types

import pytest

from implementations import C_PICKLE, CYPICKLE

REFUSED = (pickle.PicklingError, AttributeError, TypeError)  # by version and by kind of object


class Foo:
    attr = "a class attribute"


class Base:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None


class ByReduceValue(Base):
    """Reduces to the value that the test puts here."""

    reduce_value = None

    def __reduce__(self):
        return ByReduceValue.reduce_value


class Recorder:
    """Logs how it is filled; itself reduced with list items or dict items."""

    def __init__(self):
        self.log = []

    def append(self, item):
        self.log.append(("append", item))

    def extend(self, items):
        self.log.append(("extend", list(items)))

    def __setitem__(self, key, value):
        self.log.append(("setitem", key, value))


class ListFilled(Recorder):
    count = 0

    def __reduce__(self):
        return ListFilled, (), None, iter(range(self.count))


class DictFilled(Recorder):
    count = 0

    def __reduce__(self):
        return DictFilled, (), None, None, iter([(index, -index) for index in range(self.count)])


class Versioned:
    def __init__(self):
        self.full_name = "a b"
        self.version = 2

    def __setstate__(self, state):
        if state.get("version", 1) == 1:
            state = {"full_name": f"{state['first']} {state['last']}", "version": 2}
        self.__dict__.update(state)


class Singleton:
    def __reduce__(self):
        return "THE_SINGLETON"


THE_SINGLETON = Singleton()


class BothReduce(Base):
    asked = []  # noqa: RUF012

    def __reduce__(self):
        self.asked.append("reduce")
        return BothReduce, ()

    def __reduce_ex__(self, protocol):
        self.asked.append(protocol)
        return BothReduce, ()


class OnlyReduce(Base):
    asked = []  # noqa: RUF012

    def __reduce__(self):
        self.asked.append("reduce")
        return OnlyReduce, ()


class Outer:
    class Nested:
        def method(self):
            return None


def function():
    return "the code"


function.attribute = "an attribute"


def test_unpicklable_objects_raise_pickling_error(implementation, protocol):
    """Attempts to pickle unpicklable objects will raise the PicklingError exception."""
    for refused in (lambda: None, (item for item in ()), sys, [{"k": lambda: None}]):
        with pytest.raises(REFUSED):
            implementation.dumps(refused, protocol)
    wrong = type("Foo", (), {"__module__": __name__})
    with pytest.raises(pickle.PicklingError):
        implementation.dumps(wrong, protocol)


def test_bytes_may_have_been_written_before(implementation):
    """An unspecified number of bytes may have already been written to the underlying file."""
    file = io.BytesIO()
    with pytest.raises(REFUSED):
        implementation.dump(["a" * 1_000_000, lambda: None], file, 4)
    with pytest.raises((pickle.UnpicklingError, EOFError)):
        pickle.loads(file.getvalue())


DEEP = """
import sys
import cypickle

def nested(depth):
    item = {make}
    for _ in range(depth):
        item = {wrap}
    return item

deep = nested(100_000)
for protocol in range(6):
    try:
        cypickle.dumps(deep, protocol)
    except RuntimeError as error:
        assert type(error) is RecursionError, error
        print("refused", flush=True)
sys.setrecursionlimit(1_000_000)
for protocol in range(6):
    data = cypickle.dumps(deep, protocol)
    again = cypickle.loads(data)
    assert cypickle.dumps(again, protocol) == data
    print("accepted", flush=True)
    del again
del deep
print("dropped")
"""
SHAPES = {
    "list": ("[]", "[item]"),
    "tuple": ("()", "(item, 1)"),
    "dict": ("{}", "{'key': item}"),
    "mixed": ("()", "[(item,), {1: 2}]"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_highly_recursive_structures_raise_recursion_error_and_the_limit_can_be_raised(shape):
    """Trying to pickle a highly recursive data structure may exceed the maximum recursion depth, a
    RecursionError
    [RuntimeError] will be raised in this case. You can carefully raise this limit with
    sys.setrecursionlimit().
    """
    make, wrap = SHAPES[shape]
    script = DEEP.replace("{make}", make).replace("{wrap}", wrap)
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["refused"] * 6 + ["accepted"] * 6 + ["dropped"]


def test_recursion_error_is_a_runtime_error():
    """A RuntimeError will be raised in this case."""
    assert issubclass(RecursionError, RuntimeError)


def test_what_the_stdlib_nests_is_not_refused():
    """Nothing that the running version's own pickle manages is refused; 400 levels are below every version's
    limit.
    """
    script = """
import pickle, cypickle
item = []
for _ in range(400):
    item = [item]
assert cypickle.dumps(item) == pickle.dumps(item)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_functions_go_by_fully_qualified_name(implementation, protocol):
    """Functions (built-in and user-defined) are pickled by "fully qualified" name reference, not by value."""
    for item in (function, len, Outer.Nested.method, pytest.raises):
        assert implementation.loads(implementation.dumps(item, protocol)) is item
    data = implementation.dumps(function, protocol)
    assert __name__.encode() in data
    assert b"function" in data


def test_only_names_are_stored(implementation, protocol):
    """Only the function name is pickled, along with the name of the module the function is defined in."""
    arguments = [
        arg for _, arg, _ in pickletools.genops(implementation.dumps(function, protocol)) if type(arg) is str
    ]
    assert " ".join(arguments) == f"{__name__} function"


def test_neither_code_nor_attributes_are_stored(implementation, protocol):
    """Neither the function's code, nor any of its function attributes are pickled."""
    data = implementation.dumps(function, protocol)
    assert b"the code" not in data
    assert b"attribute" not in data


def temporary_module(**contents):
    module = types.ModuleType("tests_temporary_module")
    for name, item in contents.items():
        item.__module__ = module.__name__
        item.__qualname__ = name
        setattr(module, name, item)
    return module


def test_the_module_must_be_importable(implementation, protocol, monkeypatch):
    """The defining module must be importable in the unpickling environment, otherwise an exception will be
    raised.
    The exception raised will likely be an ImportError or an AttributeError but it could be something else.
    """
    module = temporary_module(Class=type("Class", (), {}), func=lambda: None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    stored = [implementation.dumps(item, protocol) for item in (module.Class, module.func, module.Class())]
    monkeypatch.delitem(sys.modules, module.__name__)
    for data in stored:
        with pytest.raises(ImportError) as caught:
            implementation.loads(data)
        assert caught.type is ModuleNotFoundError


def test_the_module_must_contain_the_named_object(implementation, protocol, monkeypatch):
    """And the module must contain the named object, otherwise an exception will be raised."""
    module = temporary_module(Class=type("Class", (), {}), func=lambda: None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    stored = [implementation.dumps(item, protocol) for item in (module.Class, module.func, module.Class())]
    del module.Class, module.func
    for data in stored:
        with pytest.raises(AttributeError):
            implementation.loads(data)


def test_classes_go_by_name(implementation, protocol):
    """Similarly, classes are pickled by named reference, so the same restrictions apply."""
    for cls in (Foo, Outer, Outer.Nested, int, types.SimpleNamespace):
        assert implementation.loads(implementation.dumps(cls, protocol)) is cls


def test_class_attributes_are_not_restored(implementation, protocol, monkeypatch):
    """None of the class's code or data is pickled, so the class attribute attr is not restored."""
    stored = implementation.dumps(Foo, protocol), implementation.dumps(Foo(), protocol)
    assert not any(b"class attribute" in data for data in stored)
    monkeypatch.setattr(Foo, "attr", "changed")
    assert [implementation.loads(data).attr for data in stored] == ["changed", "changed"]


def test_functions_and_classes_are_defined_at_the_top_level(implementation, protocol):
    """Picklable functions and classes must be defined in the top level of a module."""

    def local():
        return None

    class Local:
        pass

    for item in (local, Local, Local()):
        with pytest.raises(REFUSED):
            implementation.dumps(item, protocol)


def test_only_instance_data_are_stored(implementation, protocol):
    """When class instances are pickled, their class's code and data are not pickled along with them.
    Only the instance data are pickled.
    """
    foo = Foo()
    foo.own = "instance data"
    data = implementation.dumps(foo, protocol)
    assert b"instance data" in data
    assert b"class attribute" not in data
    assert vars(implementation.loads(data)) == {"own": "instance data"}


def test_instances_of_an_earlier_version_of_the_class_load(implementation, protocol, monkeypatch):
    """You can fix bugs in a class or add methods to the class and still load objects that were created with
    an
    earlier version of the class.
    """
    module = temporary_module(Class=type("Class", (), {"buggy": lambda self: 1}))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    earlier = module.Class()
    earlier.value = 5
    data = implementation.dumps(earlier, protocol)
    changed = temporary_module(Class=type("Class", (), {"fixed": lambda self: self.value * 2, "added": 7}))
    monkeypatch.setitem(sys.modules, module.__name__, changed)
    later = implementation.loads(data)
    assert type(later) is changed.Class
    assert (later.fixed(), later.added, vars(later)) == (10, 7, {"value": 5})


def test_setstate_converts_old_versions(implementation, protocol):
    """Put a version number in the objects so that suitable conversions can be made by __setstate__()."""
    old = Versioned()
    old.__dict__.clear()
    old.__dict__.update(first="a", last="b")
    for instance in (old, Versioned()):
        loaded = implementation.loads(implementation.dumps(instance, protocol))
        assert vars(loaded) == {"full_name": "a b", "version": 2}


def test_a_string_names_a_global(implementation, protocol):
    """If a string is returned, the string should be interpreted as the name of a global variable. It should
    be the
    object's local name relative to its module.
    """
    data = implementation.dumps([THE_SINGLETON, THE_SINGLETON], protocol)
    loaded = implementation.loads(data)
    assert loaded[0] is loaded[1] is THE_SINGLETON


def test_the_namespace_is_searched_for_the_module(implementation, protocol, monkeypatch):
    """The pickle module searches the module namespace to determine the object's module."""
    module = types.ModuleType("tests_home_of_singleton")
    made = type("NoModule", (), {"__reduce__": lambda self: "found_here"})
    made.__module__ = None
    module.found_here = made()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    data = implementation.dumps(module.found_here, protocol)
    assert b"tests_home_of_singleton" in data
    assert implementation.loads(data) is module.found_here


@pytest.mark.parametrize("size", range(2, 7))
def test_a_tuple_has_two_to_six_items(implementation, protocol, size, monkeypatch):
    """When a tuple is returned, it must be between two and five [six, from 3.8 on] items long."""
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Recorder, (), None, None, None, None)[:size])
    assert type(implementation.loads(implementation.dumps(ByReduceValue(), protocol))) is Recorder


@pytest.mark.parametrize("size", [0, 1, 7])
def test_other_sizes_are_refused(implementation, protocol, size, monkeypatch):
    """It must be between two and five [six] items long."""
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Recorder, (), None, None, None, None, None)[:size])
    with pytest.raises(pickle.PicklingError):
        implementation.dumps(ByReduceValue(), protocol)


def test_optional_items_are_omitted_or_none(implementation, protocol, monkeypatch):
    """Optional items can either be omitted, or None can be provided as their value."""
    written = set()
    for size in range(2, 7):
        monkeypatch.setattr(ByReduceValue, "reduce_value", (Recorder, (), None, None, None, None)[:size])
        written.add(implementation.dumps(ByReduceValue(), protocol))
    assert len(written) == 1


def test_the_first_item_is_called(implementation, protocol, monkeypatch):
    """A callable object that will be called to create the initial version of the object."""
    monkeypatch.setattr(ByReduceValue, "reduce_value", (complex, (1, 2)))
    assert implementation.loads(implementation.dumps(ByReduceValue(), protocol)) == 1 + 2j


def test_an_empty_tuple_of_arguments_is_allowed(implementation, protocol, monkeypatch):
    """A tuple of arguments for the callable object. An empty tuple must be given if the callable does not
    accept any
    argument.
    """
    monkeypatch.setattr(ByReduceValue, "reduce_value", (dict, ()))
    assert implementation.loads(implementation.dumps(ByReduceValue(), protocol)) == {}
    for arguments in (None, [], 5):
        monkeypatch.setattr(ByReduceValue, "reduce_value", (dict, arguments))
        with pytest.raises(pickle.PicklingError):
            implementation.dumps(ByReduceValue(), protocol)


@pytest.mark.parametrize("state", [{"first": "a", "last": "b"}, {"version": 3, "x": 1}])
def test_the_state_goes_to_setstate(implementation, protocol, state, monkeypatch):
    """Optionally, the object's state, which will be passed to the object's __setstate__() method."""
    received = []
    monkeypatch.setattr(Versioned, "__setstate__", lambda self, state: received.append(state))
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Versioned, (), state))
    implementation.loads(implementation.dumps(ByReduceValue(), protocol))
    assert received == [state]


def test_without_setstate_the_state_is_a_dict_added_to_the_objects_dict(
    implementation, protocol, monkeypatch
):
    """If the object has no such method, the value must be a dictionary and it will be added to __dict__."""
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Base, (), {"a": 1, "b": [2]}))
    assert vars(implementation.loads(implementation.dumps(ByReduceValue(), protocol))) == {"a": 1, "b": [2]}
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Base, (), ["not", "a", "dict"]))
    data = implementation.dumps(ByReduceValue(), protocol)
    expected = AttributeError if implementation.is_pure else pickle.UnpicklingError
    with pytest.raises(expected):
        implementation.loads(data)


def test_without_setstate_the_state_may_be_a_pair(implementation, protocol, monkeypatch):
    """The value must be a dictionary [or a pair of them: for __dict__, and for setattr]."""
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Base, (), ({"a": 1}, {"b": 2})))
    assert vars(implementation.loads(implementation.dumps(ByReduceValue(), protocol))) == {"a": 1, "b": 2}
    monkeypatch.setattr(ByReduceValue, "reduce_value", (Base, (), (None, {"b": 2})))
    assert vars(implementation.loads(implementation.dumps(ByReduceValue(), protocol))) == {"b": 2}


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])
def test_list_items_are_appended_or_extended(implementation, protocol, count, monkeypatch):
    """An iterator (and not a sequence) yielding successive items. These items will be appended to the object
    either
    using obj.append(item) or, in batch, using obj.extend(list_of_items). (Whether append() or extend() is
    used depends
    on which pickle protocol version is used as well as the number of items to append, so both must be
    supported.)
    """
    monkeypatch.setattr(ListFilled, "count", count)
    log = implementation.loads(implementation.dumps(ListFilled(), protocol)).log
    assert [item for kind, got in log for item in (got if kind == "extend" else [got])] == list(range(count))
    if implementation.is_pure:
        assert ("extend" in {kind for kind, _ in log}) == (protocol > 0 and count > 1)
    else:
        assert log == C_PICKLE.loads(C_PICKLE.dumps(ListFilled(), protocol)).log


def test_append_alone_is_enough(implementation, protocol, monkeypatch):
    """Other classes [may use it] as long as they have append() and extend() methods: extend() is not insisted
    on.
    """
    monkeypatch.setattr(ListFilled, "count", 3)
    monkeypatch.delattr(Recorder, "extend")
    log = implementation.loads(implementation.dumps(ListFilled(), protocol)).log
    assert log == [("append", 0), ("append", 1), ("append", 2)]


@pytest.mark.parametrize("implementation", [C_PICKLE, CYPICKLE], ids=lambda item: item.name)
def test_items_must_be_iterators_and_not_sequences(implementation, protocol, monkeypatch):
    """An iterator (and not a sequence): the pure pickle takes any iterable."""
    for value in ((Recorder, (), None, [1, 2]), (Recorder, (), None, None, {1: 2})):
        monkeypatch.setattr(ByReduceValue, "reduce_value", value)
        with pytest.raises(pickle.PicklingError):
            implementation.dumps(ByReduceValue(), protocol)


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])
def test_dict_items_are_stored(implementation, protocol, count, monkeypatch):
    """An iterator (not a sequence) yielding successive key-value pairs. These items will be stored to the
    object using
    obj[key] = value.
    """
    monkeypatch.setattr(DictFilled, "count", count)
    log = implementation.loads(implementation.dumps(DictFilled(), protocol)).log
    assert log == [("setitem", index, -index) for index in range(count)]


def test_reduce_ex_takes_the_protocol(implementation, protocol, monkeypatch):
    """This method should take a single integer argument, the protocol version."""
    monkeypatch.setattr(BothReduce, "asked", asked := [])
    implementation.dumps(BothReduce(), protocol)
    assert asked == [protocol]


def test_reduce_ex_is_preferred(implementation, protocol, monkeypatch):
    """When defined, pickle will prefer it over the __reduce__() method."""
    monkeypatch.setattr(BothReduce, "asked", asked := [])
    implementation.dumps([BothReduce(), BothReduce()], protocol)
    assert "reduce" not in asked


def test_reduce_is_a_synonym_for_the_extended_version(implementation, protocol, monkeypatch):
    """In addition, __reduce__() automatically becomes a synonym for the extended version."""
    monkeypatch.setattr(OnlyReduce, "asked", asked := [])
    assert OnlyReduce().__reduce_ex__(protocol) == (OnlyReduce, ())
    implementation.dumps(OnlyReduce(), protocol)
    assert asked == ["reduce", "reduce"]


def test_reduce_ex_gives_older_releases_their_values(implementation, monkeypatch):
    """The main use for this method is to provide backwards-compatible reduce values for older Python
    releases.
    """
    monkeypatch.setattr(
        BothReduce, "__reduce_ex__", lambda self, protocol: (dict if protocol < 2 else Base, ())
    )
    kinds = [
        type(implementation.loads(implementation.dumps(BothReduce(), protocol))) for protocol in range(6)
    ]
    assert kinds == [dict, dict, Base, Base, Base, Base]
