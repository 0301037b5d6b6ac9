"""Every hook: when it is called, with what, in which order, and what comes of its answer; the stdlib is the
oracle.

A scenario logs each call; bytes, logs and errors must be those of the running C pickle.
"""

import collections
import copyreg
import io
import pickle
import subprocess
import sys
import types
from pickle import PickleBuffer

import pytest

from implementations import C_PICKLE
from oracle import Table, both, normal

SCENARIOS = Table()


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Other:
    def __init__(self, one=None):
        self.one = one


class Reduces:
    def __reduce__(self):
        return Other, ("by __reduce__",)


class Sub(Plain):
    pass


def function():
    return None


scenario = SCENARIOS.scenario


def graph():
    """Something of everything, with sharing and a cycle."""
    shared = ("shared", 1.5)
    plain = Plain(name="a", shared=shared)
    items = [
        None,
        True,
        5,
        -(2**70),
        1.5,
        "text",
        b"bytes",
        bytearray(b"array"),
        shared,
        [shared],
        {"k": shared},
    ]
    items += [
        {1},
        frozenset([2]),
        plain,
        Reduces(),
        Sub(x=plain),
        function,
        Plain,
        Ellipsis,
        int,
        type(None),
        len,
    ]
    items += [
        collections.OrderedDict(a=1),
        collections.deque([1, 2]),
        1 + 2j,
        range(3),
        slice(1, 2, 3),
        object(),
    ]
    items.append(items)
    return items


def short(item):
    return item.__name__ if isinstance(item, type | types.FunctionType) else type(item).__name__


def dump(pickler_class, item, protocol, **options):
    file = io.BytesIO()
    pickler_class(file, protocol, **options).dump(item)
    return file.getvalue()


@scenario
def persistent_id_sees_every_object(implementation, seen, protocol):
    class Persistent(implementation.Pickler):
        def persistent_id(self, obj):
            seen.append(short(obj))

    return dump(Persistent, graph(), protocol)


@scenario
def persistent_id_replaces(implementation, seen, protocol):
    class Persistent(implementation.Pickler):
        def persistent_id(self, obj):
            return "the id" if type(obj) in (Plain, float, type(None)) else None

    return dump(Persistent, graph(), protocol)


for title, pid in {
    "int": 5,
    "tuple": ("a", 1),
    "empty": "",
    "false": False,
    "zero": 0,
    "newline": "a\nb",
}.items():

    def persistent_id_kinds(implementation, seen, protocol, pid=pid):
        class Persistent(implementation.Pickler):
            def persistent_id(self, obj):
                return pid if obj == "target" else None

        class Loader(implementation.Unpickler):
            def persistent_load(self, pid):
                seen.append(pid)
                return [pid]

        data = dump(Persistent, ["target", "other", "target"], protocol)
        return data, repr(Loader(io.BytesIO(data)).load())

    persistent_id_kinds.__name__ = f"persistent_id_is_{title}"
    scenario(persistent_id_kinds)


@scenario
def persistent_id_on_the_instance(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = type("Sub", (implementation.Pickler,), {})(file, protocol)
    pickler.persistent_id = lambda obj: seen.append(short(obj)) or ("x" if obj == 1 else None)
    seen.append(type(pickler.persistent_id).__name__)
    pickler.dump([1, 2])
    return file.getvalue()


@scenario
def persistent_id_on_a_plain_pickler(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    try:
        pickler.persistent_id = lambda obj: "x" if obj == 1 else None
    except AttributeError:
        seen.append("read-only")
    pickler.dump([1, 2])
    return file.getvalue()


@scenario
def persistent_id_set_after_first_dump(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = type("Sub", (implementation.Pickler,), {})(file, protocol)
    pickler.dump([1])
    pickler.persistent_id = lambda obj: "x"
    pickler.dump([1])
    del pickler.persistent_id
    pickler.dump([2])
    return file.getvalue()


@scenario
def persistent_id_calls_super(implementation, seen, protocol):
    class Persistent(implementation.Pickler):
        def persistent_id(self, obj):
            try:
                answer = super().persistent_id(obj)
            except AttributeError as error:
                answer = str(error)
            except RecursionError:
                answer = "super() finds the method again"
            if answer not in seen:
                seen.append(answer)

    return dump(Persistent, [1], protocol)


@scenario
def persistent_id_as_static_and_class_method(implementation, seen, protocol):
    class Static(implementation.Pickler):
        @staticmethod
        def persistent_id(obj):
            return "static" if obj == 1 else None

    class Class(implementation.Pickler):
        @classmethod
        def persistent_id(cls, obj):
            seen.append(cls.__name__)
            return "class" if obj == 1 else None

    return dump(Static, [1, 2], protocol), dump(Class, [1, 2], protocol)


@scenario
def reducer_override_is_asked_first(implementation, seen, protocol):
    class Overriding(implementation.Pickler):
        def reducer_override(self, obj):
            seen.append(short(obj))
            return NotImplemented

    return dump(Overriding, graph(), protocol)


for title, make in {
    "tuple": lambda: (Other, ("overridden",)),
    "state": lambda: (Plain, (), {"a": 1}),
    "string": lambda: "function",
    "none": lambda: None,
    "int": lambda: 5,
    "short": lambda: (Other,),
    "setter": lambda: (Plain, (), {"a": 1}, None, None, setattr),
    "listitems": lambda: (list, (), None, iter([1, 2, 3])),
    "same_class": lambda: (type, ("Plain", (), {})),
}.items():

    def reducer_override_answers(implementation, seen, protocol, make=make):
        class Overriding(implementation.Pickler):
            def reducer_override(self, obj):
                seen.append(short(obj))
                return make() if isinstance(obj, Plain) or obj is function else NotImplemented

        return dump(Overriding, [function, Plain(), Sub(), Plain], protocol)

    reducer_override_answers.__name__ = f"reducer_override_answers_{title}"
    scenario(reducer_override_answers)


@scenario
def reducer_override_on_the_instance(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = type("Sub", (implementation.Pickler,), {})(file, protocol)
    pickler.reducer_override = lambda obj: seen.append(short(obj)) or NotImplemented
    pickler.dump([Plain(), function, 1])
    del pickler.reducer_override
    pickler.dump([Plain()])
    return file.getvalue()


@scenario
def reducer_override_raises(implementation, seen, protocol):
    class Overriding(implementation.Pickler):
        def reducer_override(self, obj):
            raise ZeroDivisionError(short(obj))

    return dump(Overriding, [1, Plain()], protocol)


@scenario
def all_hooks_in_order(implementation, seen, protocol):
    class Hooked(implementation.Pickler):
        def persistent_id(self, obj):
            seen.append(("persistent_id", short(obj)))

        def reducer_override(self, obj):
            seen.append(("reducer_override", short(obj)))
            return NotImplemented

    class Logged(dict):
        def __getitem__(self, key):
            seen.append(("dispatch_table", key.__name__))
            raise KeyError(key)

        def get(self, key, default=None):
            seen.append(("dispatch_table.get", key.__name__))
            return default

    file = io.BytesIO()
    pickler = Hooked(file, protocol)
    pickler.dispatch_table = Logged()
    pickler.dump(graph())
    return file.getvalue()


def other(obj):
    return Other, (type(obj).__name__,)


@scenario
def private_dispatch_table(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    pickler.dispatch_table = {
        Plain: other,
        complex: other,
        list: other,
        function.__class__: other,
        type: other,
    }
    pickler.dump([Plain(), Sub(), 1j, function, Plain, Reduces()])
    return file.getvalue()


@scenario
def chain_map_dispatch_table(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    pickler.dispatch_table = collections.ChainMap({Plain: other}, copyreg.dispatch_table)
    pickler.dump([Plain(), 1j, Sub()])
    return file.getvalue()


@scenario
def private_dispatch_table_hides_the_global_one(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    pickler.dispatch_table = {}
    pickler.dump([1j, Plain()])
    return file.getvalue()


@scenario
def global_dispatch_table(implementation, seen, protocol):
    copyreg.pickle(Plain, other)
    try:
        before = implementation.dumps([Plain(), Sub()], protocol)
    finally:
        del copyreg.dispatch_table[Plain]
    return before, implementation.dumps([Plain(), Sub()], protocol)


@scenario
def dispatch_table_for_a_metaclass(implementation, seen, protocol):
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    pickler.dispatch_table = {Meta: lambda cls: (getattr, (Plain, "__name__"))}
    pickler.dump([MetaMade, MetaMade()])
    return file.getvalue()


class Meta(type):
    pass


class MetaMade(metaclass=Meta):
    pass


@scenario
def find_class_sees_every_global(implementation, seen, protocol):
    class Finder(implementation.Unpickler):
        def find_class(self, module, name):
            seen.append((module, name))
            return super().find_class(module, name)

    data = pickle.dumps(graph()[:-1], protocol)
    return len(Finder(io.BytesIO(data)).load())


@scenario
def find_class_answers_otherwise(implementation, seen, protocol):
    class Finder(implementation.Unpickler):
        def find_class(self, module, name):
            return {"Plain": Other, "function": len}.get(name) or super().find_class(module, name)

    loaded = Finder(io.BytesIO(pickle.dumps([Plain(a=1), function, Sub()], protocol))).load()
    return [short(item) for item in loaded], vars(loaded[0])


for title, answer in {
    "none": None,
    "int": 5,
    "function": len,
    "list": list,
    "raising": ZeroDivisionError,
}.items():

    def find_class_answers(implementation, seen, protocol, answer=answer):
        class Finder(implementation.Unpickler):
            def find_class(self, module, name):
                if answer is ZeroDivisionError:
                    raise answer(name)
                return answer

        return repr(Finder(io.BytesIO(pickle.dumps([Plain()], protocol))).load())

    find_class_answers.__name__ = f"find_class_answers_{title}"
    scenario(find_class_answers)


@scenario
def find_class_on_the_instance(implementation, seen, protocol):
    unpickler = type("Sub", (implementation.Unpickler,), {})(io.BytesIO(pickle.dumps([Plain()], protocol)))
    unpickler.find_class = lambda module, name: seen.append((module, name)) or Plain
    return short(unpickler.load()[0])


@scenario
def find_class_called_directly(implementation, seen, protocol):
    unpickler = implementation.Unpickler(io.BytesIO())
    for arguments in (
        ("builtins", "int"),
        ("__builtin__", "unicode"),
        ("collections", "OrderedDict.fromkeys"),
        ("no_such_module_anywhere", "name"),
        (5, 6),
        ("builtins", 6),
        ("copy_reg", "_reconstructor"),
    ):
        try:
            seen.append(repr(unpickler.find_class(*arguments)))
        except (AttributeError, ImportError, TypeError, KeyError) as error:
            seen.append((type(error), str(error)))


@scenario
def persistent_load_on_the_instance(implementation, seen, protocol):
    class Persistent(implementation.Pickler):
        def persistent_id(self, obj):
            return "x" if obj == 1 else None

    data = dump(Persistent, [1, 2], protocol)
    unpickler = type("Sub", (implementation.Unpickler,), {})(io.BytesIO(data))
    unpickler.persistent_load = lambda pid: seen.append(pid) or "loaded"
    return unpickler.load()


@scenario
def persistent_load_raises(implementation, seen, protocol):
    class Loader(implementation.Unpickler):
        def persistent_load(self, pid):
            raise ZeroDivisionError(pid)

    return Loader(io.BytesIO(b"\x80\x02N\x8c\x01aQ." if protocol else b"Pa\n.")).load()


@scenario
def subclasses_with_their_own_init(implementation, seen, protocol):
    class OwnPickler(implementation.Pickler):
        def __init__(self, log, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.log = log

        def persistent_id(self, obj):
            self.log.append(short(obj))

    class OwnUnpickler(implementation.Unpickler):
        def __init__(self, log, data):
            self.log = log
            super().__init__(io.BytesIO(data))

        def find_class(self, module, name):
            self.log.append(name)
            return super().find_class(module, name)

    file = io.BytesIO()
    OwnPickler(seen, file, protocol).dump([Plain()])
    return short(OwnUnpickler(seen, file.getvalue()).load()[0])


for title, answer in {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "list": [1],
    "empty": [],
}.items():

    def buffer_callback_answers(implementation, seen, answer=answer):
        buffers = [PickleBuffer(b"abc"), PickleBuffer(bytearray(b"def")), PickleBuffer(memoryview(b"ghi"))]
        callback = lambda buffer: seen.append(bytes(buffer)) or answer  # noqa: E731
        return implementation.dumps([buffers, buffers], 5, buffer_callback=callback)

    SCENARIOS.add(f"buffer_callback_answers_{title}", buffer_callback_answers)


def out_of_band(count):
    return pickle.dumps(
        [PickleBuffer(bytearray(b"abc")) for _ in range(count)], 5, buffer_callback=lambda _: None
    )


for title, make in {
    "list": lambda: [b"one", bytearray(b"two")],
    "iterator": lambda: iter([b"one", "not bytes"]),
    "generator": lambda: (item for item in (b"one", None)),
    "longer": lambda: [b"one", b"two", b"three"],
    "tuple": lambda: (memoryview(b"one"), PickleBuffer(b"two")),
    "str": lambda: "ab",
}.items():
    SCENARIOS.add(
        f"buffers_from_{title}",
        lambda implementation, seen, make=make: normal(
            repr(implementation.loads(out_of_band(2), buffers=make())[0:1])
        ),
    )


AUDIT = """
import io, sys
import pickle, {module} as tested
events = []
sys.addaudithook(lambda event, args: events.append((event, args)) if event.startswith("pickle.") else None)
data = [pickle.dumps([int, print, Exception("a")], protocol) for protocol in range(6)]
for item in data:
    tested.loads(item)
    tested.load(io.BytesIO(item))
tested.Unpickler(io.BytesIO()).find_class("os", "getcwd")
print(events)
"""


def test_audit_events_are_equal():
    printed = [
        subprocess.run(
            [sys.executable, "-c", AUDIT.format(module=module)], capture_output=True, text=True, check=True
        ).stdout
        for module in ("_pickle", "cypickle")
    ]
    assert printed[0] == printed[1]
    assert "pickle.find_class" in printed[0]


@pytest.mark.parametrize("name", SCENARIOS)
def test_behaves_as_the_stdlib(name):
    expected, actual = both(SCENARIOS[name])
    assert actual == expected


def test_scenarios_do_not_only_fail():
    outcomes = [both(run)[0] for run in SCENARIOS.values()]
    assert sum(item.error is None for item in outcomes) > len(outcomes) // 2
    assert C_PICKLE.name == "c"
