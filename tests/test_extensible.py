"""ExtensiblePickler beside pickle._Pickler: the same bytes, whatever a subclass overrides, and the same calls."""

import copyreg
import datetime
import gc
import io
import pickle
import sys
from collections import OrderedDict

import pytest

import cypickle
from corpus import CORPUS
from processes import FREE_THREADED

PURE, OURS = pickle._Pickler, cypickle.ExtensiblePickler
declarations_matter = pytest.mark.skipif(
    FREE_THREADED,
    reason="free-threaded builds call every overridden method",
)


class Plain:
    def __init__(self, value):
        self.value = value


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class StateSetter:
    def __reduce__(self):
        return StateSetter, (), {"a": 1}, None, None, setattr


GRAPH = [
    [
        None,
        True,
        0,
        255,
        256,
        65535,
        65536,
        -1,
        2**31 - 1,
        2**31,
        -(2**31),
        -(2**31) - 1,
        2**63,
        -(2**63),
        1.5,
    ],
    "text",
    "t\xe4xt",
    "\ud800",
    "x" * 300,
    b"bytes",
    b"y" * 70_000,
    "z" * 70_000,
    bytearray(b"array"),
    (),
    (1,),
    (1, 2, 3, 4),
    {1, 2},
    frozenset([3]),
    {"key": ["value"], 2: {}},
    OrderedDict(a=1),
    Plain([1]),
    WithMeta(),
    WithMeta,
    datetime.date(2000, 1, 1),
    len,
    Plain,
    int,
    list(range(1001)),
    dict.fromkeys(range(1001)),
    list(range(1000)),
    complex(1, 2),
]


def dumped(cls, obj, protocol, **options):
    file = io.BytesIO()
    pickler = cls(file, protocol, **options)
    try:
        pickler.dump(obj)
    except Exception as error:
        return type(error), str(error)
    return file.getvalue()


def same(change, obj=GRAPH, protocols=range(pickle.HIGHEST_PROTOCOL + 1)):
    """What `change` makes of both classes writes the same bytes, and makes the same calls."""
    for protocol in protocols:
        outcomes = []
        for base in (PURE, OURS):
            log = []
            outcomes.append((dumped(change(base, log), obj, protocol), log))
        assert outcomes[0] == outcomes[1]
        assert isinstance(outcomes[1][0], bytes)
    return outcomes[1][1]


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_the_corpus(name, protocol):
    obj = CORPUS[name]()
    assert dumped(OURS, obj, protocol) == dumped(PURE, obj, protocol)


def test_the_graph_alone(protocol):
    assert dumped(OURS, GRAPH, protocol) == dumped(PURE, GRAPH, protocol)


def test_what_a_subclass_overrides_is_called_in_the_same_order():
    def change(base, log):
        def method(name):
            def override(self, *args, **named):
                log.append((name, type(args[0]).__name__ if args else None))
                return getattr(base, name)(self, *args, **named)

            return override

        return type("Sub", (base,), {name: method(name) for name in names})

    for names in (
        ["save"],
        ["memoize"],
        ["save_reduce"],
        ["save_global"],
        ["_batch_appends"],
        ["_batch_setitems"],
        ["persistent_id"],
        ["save", "memoize", "save_reduce", "save_global", "_batch_appends", "_batch_setitems"],
    ):
        calls = same(change)
        assert {name for name, _ in calls} == set(names)


def test_put_get_and_write():
    def change(base, log):
        class Sub(base):
            def put(self, idx):
                log.append(idx)
                return base.put(self, idx)

            def get(self, i):
                return base.get(self, i)

        return Sub

    assert same(change)

    def rewire(base, log):
        class Sub(base):
            def __init__(self, *args):
                super().__init__(*args)
                write = self.write
                self.write = lambda data: log.append(bytes(data)) or write(data)

        return Sub

    assert same(rewire)


@pytest.mark.parametrize("cls", [int, str, list, dict, tuple, set, type(len), type, Plain, type(None), float])
def test_dispatch_entries(cls):
    def change(base, log):
        def entry(self, obj):
            log.append(type(obj).__name__)
            if obj is not None and cls is not Plain and cls in base.dispatch:
                return base.dispatch[cls](self, obj)
            return self.save_reduce(list, (), obj=obj) if cls is Plain else self.write(b"N")

        return type("Sub", (base,), {"dispatch": {**base.dispatch, cls: entry}})

    assert set(same(change)) == {cls.__name__}


def test_dispatch_that_is_changed_under_way():
    def change(base, log):
        class Sub(base):
            dispatch = base.dispatch.copy()

        def entry(self, obj):
            Sub.dispatch[int] = number
            return base.dispatch[bytes](self, obj)

        def number(self, obj):
            log.append(obj)
            return base.dispatch[int](self, obj)

        Sub.dispatch[bytes] = entry
        return Sub

    assert same(change, [1, b"b", 2, 3]) == [2, 3]


def test_dispatch_with_a_get_of_its_own():
    class Catching(dict):
        def get(self, key, default=None):
            return self[key] if key in self else default if not issubclass(key, type) else self[type]

    def change(base, log):
        return type("Sub", (base,), {"dispatch": Catching(base.dispatch)})

    same(change)


def test_explicit_calls_of_the_base_from_a_save_override():
    def change(base, log):
        class Sub(base):
            def save(self, obj):
                if isinstance(obj, Plain):
                    log.append("plain")
                    obj = ("replaced", obj.value)
                base.save(self, obj)

        return Sub

    assert same(change) == ["plain"]


def test_the_file_is_up_to_date_where_python_code_runs_without_frames():
    def change(base, log):
        class Sub(base):
            def save(self, obj):
                base.save(self, obj)
                if obj == "mark":
                    self._file_write(b"raw")

        return Sub

    same(change, [1, "mark", [2]], protocols=range(4))


def test_frames_committed_by_the_subclass():
    def change(base, log):
        class Sub(base):
            def save(self, obj):
                base.save(self, obj)
                if obj == "mark":
                    self.framer.commit_frame(force=True)
                    self._file_write(b"raw")

        return Sub

    same(change, [1, "mark", [2] * 50_000, "mark"], protocols=(4, 5))


def test_hooks_of_the_c_pickler():
    def change(base, log):
        class Sub(base):
            dispatch_table = copyreg.dispatch_table | {Plain: lambda obj: (list, ())}

            def persistent_id(self, obj):
                log.append(type(obj).__name__)
                return "id" if obj == "text" else None

            def reducer_override(self, obj):
                log.append("override")
                return (dict, ()) if type(obj) is WithMeta else NotImplemented

        return Sub

    same(change)


def test_the_memo_is_a_mapping_from_ids():
    obj = ["a", "b"]
    picklers = [cls(io.BytesIO()) for cls in (PURE, OURS)]
    for pickler in picklers:
        pickler.dump(obj)
    theirs, ours = (pickler.memo for pickler in picklers)
    assert ours == theirs
    assert dict(ours.items()) == theirs
    assert (len(ours), list(ours), set(ours.keys())) == (3, list(theirs), set(theirs))
    assert list(ours.values()) == list(theirs.values())
    assert ours[id(obj)] == (0, obj)
    assert id(obj) in ours
    assert ours.get(1, "none") == "none"
    assert -1 not in ours
    assert "text" not in ours
    with pytest.raises(KeyError):
        ours[1]
    assert ours.copy() == theirs
    assert repr(ours) == repr(theirs)
    for memo in (theirs, ours):
        memo[7] = (9, "odd")
        assert memo.setdefault(8, 1) == 1
        assert memo.pop(8) == 1
        del memo[id("a")]
        memo.update({5: (1, None)})
    assert ours == theirs
    assert 5 in ours
    assert ours[7] == (9, "odd")
    for pickler in picklers:
        pickler.clear_memo()
        assert len(pickler.memo) == 0


def test_a_memo_that_is_assigned_or_changed():
    def change(base, log):
        class Sub(base):
            def save_global(self, obj, name=None):
                if obj is Plain:
                    self.memo = dict(self.memo.items())
                    self.memo[1] = (500, None)
                return base.save_global(self, obj, name)

        return Sub

    same(change)


def test_memoizing_twice_is_refused():
    for cls in (PURE, OURS):
        pickler = cls(io.BytesIO())
        pickler.memoize(pickler)
        with pytest.raises(AssertionError):
            pickler.memoize(pickler)


def test_fast_mode(protocol):
    outcomes = []
    for cls in (PURE, OURS):
        pickler = cls(file := io.BytesIO(), protocol)
        pickler.fast = 1
        pickler.dump([["a"], "a"])
        outcomes.append((file.getvalue(), len(pickler.memo)))
    assert outcomes[0] == outcomes[1]


def test_several_dumps_share_the_memo(protocol):
    outcomes = []
    shared = ["shared"]
    for cls in (PURE, OURS):
        pickler = cls(file := io.BytesIO(), protocol)
        pickler.dump(shared)
        pickler.dump([shared, 1])
        outcomes.append(file.getvalue())
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "obj",
    [
        lambda: None,
        [sys],
        {"key": (i for i in ())},
        type("Odd", (), {"__reduce__": lambda self: 5})(),
        type("Odd", (), {"__reduce__": lambda self: (1,)})(),
        type("Odd", (), {"__reduce__": lambda self: (len, 5)})(),
        type("Odd", (), {"__reduce__": lambda self: (5, ())})(),
        type("Odd", (), {"__reduce__": lambda self: (copyreg.__newobj__, (int,))})(),
    ],
)
def test_errors(obj, protocol):
    theirs, ours = dumped(PURE, obj, protocol), dumped(OURS, obj, protocol)
    assert theirs == ours


def test_nesting_without_end():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    assert dumped(OURS, nested, 4)[0] is RecursionError
    while nested:
        nested = nested.pop()


def test_after_an_error_it_goes_on_as_the_pure_one():
    outcomes = []
    for cls in (PURE, OURS):
        pickler = cls(file := io.BytesIO())
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickler.dump([lambda: None])
        pickler.clear_memo()
        pickler.dump([1])
        outcomes.append(file.getvalue())
    assert outcomes[0] == outcomes[1]


def test_out_of_band_buffers():
    obj = [pickle.PickleBuffer(bytearray(b"abc")), pickle.PickleBuffer(b"def"), bytearray(b"x" * 70_000)]
    outcomes = []
    for cls in (PURE, OURS):
        buffers = []
        outcomes.append(dumped(cls, obj, 5, buffer_callback=lambda item, to=buffers: to.append(bytes(item))))
        assert buffers == [b"abc", b"def"]
    assert outcomes[0] == outcomes[1]


@declarations_matter
def test_declarations_name_the_types_that_methods_are_for():
    class Sub(OURS):
        calls = []  # noqa: RUF012

        def save(self, obj):
            self.calls.append(type(obj))
            OURS.save(self, ("plain",) if isinstance(obj, Plain) else obj)

        def memoize(self, obj):
            raise AssertionError("said to be known")

        def saves_like_base(self, cls):
            return cls is not Plain

        def memoizes(self, cls):
            return cls is not str

    data = dumped(Sub, [Plain(1), "a", "a"], 4)
    assert pickle.loads(data) == [("plain",), "a", "a"]
    assert Sub.calls == [list, Plain]


@declarations_matter
def test_sorted_items():
    class Sub(OURS):
        sorts_items = True
        calls = []  # noqa: RUF012

        def _batch_setitems(self, items, *args):
            self.calls.append(list(items))
            OURS._batch_setitems(self, iter(sorted(items, key=str)), *args)

    odd = {"b": 1, 1: 2}
    data = dumped(Sub, [{"b": 1, "a": 2}, odd, dict.fromkeys(range(1500, 0, -1))], 4)
    loaded = pickle.loads(data)
    assert [list(item)[:2] for item in loaded] == [["a", "b"], ["b", 1], [1, 2]]
    assert Sub.calls == [list(odd.items())]


def test_it_is_a_pickler_of_the_standard_librarys():
    pickler = OURS(io.BytesIO())
    assert isinstance(pickler, PURE)
    assert (pickler.proto, pickler.bin, pickler.fast) == (pickle.DEFAULT_PROTOCOL, True, 0)
    assert pickler.framer.current_frame is None
    assert OURS.__module__ == "cypickle"
    with pytest.raises(TypeError, match="write"):
        OURS(1)
    bare = OURS.__new__(OURS)
    with pytest.raises(pickle.PicklingError, match="__init__"):
        bare.dump(1)


def test_no_garbage_is_left():
    def tracked():
        for _ in range(20):
            pickler = OURS(io.BytesIO())
            pickler.dump(GRAPH)
            dumped(OURS, [lambda: None], 4)
        gc.collect()
        if FREE_THREADED:  # what is freed while other threads might read it waits for the next time
            gc.collect()
        return len(gc.get_objects())

    tracked()
    assert tracked() == tracked()


class Counted:
    calls = 0

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def test_instances_that_have_something_of_their_own():
    shadowing = [
        Counted(a=1),
        Counted(),
        Counted(__reduce_ex__=lambda protocol: (list, ()), b=2),
        Counted(a=3),
    ]
    shadowing += [Counted(__reduce__=lambda: (dict, ())), Counted(__getnewargs__=lambda: ()), Counted(a=1)]
    for protocol in range(2, 6):
        assert dumped(OURS, shadowing[:4], protocol) == dumped(PURE, shadowing[:4], protocol)
        assert dumped(OURS, shadowing, protocol) == dumped(PURE, shadowing, protocol)


def test_a_class_that_changes_under_way():
    def change(base, log):
        class Changing(Plain):
            pass

        Changing.__qualname__ = "Changing"
        globals()["Changing"] = Changing
        changed = [Changing(1), Changing(2), b"now", Changing(3)]

        def entry(self, obj):
            Changing.__getstate__ = lambda self: {"other": 1}
            base.dispatch[bytes](self, obj)

        cls = type("Sub", (base,), {"dispatch": {**base.dispatch, bytes: entry}})
        file = io.BytesIO()
        cls(file, 4).dump(changed)
        log.append(file.getvalue())
        return log

    try:
        assert change(PURE, []) == change(OURS, [])
    finally:
        del globals()["Changing"]


def test_a_pickler_that_writes_late():
    class Writes(io.BytesIO):
        def write(self, data):
            self.calls = getattr(self, "calls", 0) + 1
            return super().write(data)

    class Late(OURS):
        writes_late = True

        def save(self, obj):
            OURS.save(self, obj)

    for obj in (GRAPH, [1, "a", [b"b" * 70_000, 2]]):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert dumped(Late, obj, protocol) == dumped(PURE, obj, protocol)
    file = Writes()
    pickler = Late(file, 3)
    pickler.dump([1, [2], {3: 4}])
    pure = Writes()
    PURE(pure, 3).dump([1, [2], {3: 4}])
    assert file.calls == (pure.calls if FREE_THREADED else 1)
    assert pure.calls > 1
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickler.dump([lambda: None])
    pickler.clear_memo()
    begin = file.tell()
    pickler.dump("after")
    assert pickle.loads(file.getvalue()[begin:]) == "after"
