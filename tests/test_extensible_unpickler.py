"""ExtensibleUnpickler beside pickle._Unpickler: the same objects, errors and file positions, and the same calls."""

import copyreg
import io
import os
import pickle

import pytest

from corpus import CORPUS
from hostile import HAND_WRITTEN
from isomorphism import assert_isomorphic
from load_errors import CASES
from processes import FREE_THREADED
from unpickling import (
    FILES,
    OURS,
    PURE,
    EqualsNothing,
    Odd,
    Plain,
    Wrapper,
    close_files,
    graphs,
    reads_raw_data,
    same,
    seen,
    shown,
    unchanged,
    with_raw_data,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    close_files()


def logging_entry(base, log, op):
    """An entry for dispatch that notes what it finds and leaves."""

    def entry(self):
        file = self._file_read.__self__
        log.append((op, *seen(self, file)))
        base.dispatch[op](self)
        log.append(seen(self, file))

    return entry


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_the_corpus(name, protocol):
    try:
        data = pickle.dumps(CORPUS[name](), protocol)
    except Exception:
        return  # nothing to load: this protocol cannot write it
    same(unchanged, data + b"what follows")


@pytest.mark.parametrize("name", sorted(HAND_WRITTEN))
def test_every_opcode(name):
    same(unchanged, HAND_WRITTEN[name][0] + b"what follows")


@pytest.mark.parametrize("name", sorted(CASES))
def test_errors(name):
    data, options = CASES[name]
    same(unchanged, data, **options)


def calls_of(change):
    """How many calls are seen of what is overridden, with all pickles: the same as with the pure class."""
    pickles = [*graphs(), *(data for data, _ in HAND_WRITTEN.values())]
    return sum(len(same(change, data)) for data in pickles)


@pytest.mark.parametrize("op", sorted(PURE.dispatch))
def test_each_entry_of_dispatch(op):
    def change(base, log):
        return type("Sub", (base,), {"dispatch": {**base.dispatch, op: logging_entry(base, log, op)}})

    assert calls_of(change)


def test_all_entries_of_dispatch_at_once():
    def change(base, log):
        return type("Sub", (base,), {"dispatch": {op: logging_entry(base, log, op) for op in base.dispatch}})

    for data in [pickle.dumps([{"a": Plain(1)}, (1, 2, 3), {4}], protocol) for protocol in range(6)]:
        assert same(change, data)


def hook_logger(base, log, name, *, instance=False):
    def hook(self, *args):
        log.append((name, [shown(item) for item in args], *seen(self, self._file_read.__self__)))
        return getattr(base, name)(self, *args)

    class OfInstance(base):
        def __init__(self, *args, **named):
            super().__init__(*args, **named)
            setattr(self, name, lambda *args: hook(self, *args))

    return OfInstance if instance else type("OfClass", (base,), {name: hook})


@pytest.mark.parametrize("instance", [False, True])
@pytest.mark.parametrize(
    "name", ["find_class", "pop_mark", "_instantiate", "get_extension", "_decode_string", "persistent_load"]
)
def test_methods(name, instance):
    def change(base, log):
        return hook_logger(base, log, name, instance=instance)

    assert calls_of(change)


def test_persistent_load(protocol):
    class Writer(pickle.Pickler):
        def persistent_id(self, obj):
            return str(obj) if type(obj) is int else None

    file = io.BytesIO()
    Writer(file, protocol).dump([1, [2, (3,)], {"a": 4}, Plain(5)])

    def change(base, log):
        class Sub(base):
            def persistent_load(self, pid):
                log.append((pid, *seen(self, self._file_read.__self__)))
                return int(pid)

        return Sub

    assert len(same(change, file.getvalue())) == 5


@pytest.mark.parametrize(("empty", "add"), [(b"}", b"%bK\x02s"), (b"}", b"(%bK\x02u"), (b"\x8f", b"(%b\x90")])
def test_keys_that_compare_themselves(empty, add):
    first = b"c%b\nEqualsNothing\n)\x81" % EqualsNothing.__module__.encode()
    data = b"\x80\x04%b%b%b%b." % (empty, add % first, add % b"\x8c\x03key", add % b"\x8c\x01z")

    def change(base, log):
        class Sub(base):
            def __init__(self, file):
                super().__init__(file)
                EqualsNothing.asked = lambda: log.append(seen(self, file))

        return Sub

    assert same(change, data)


@pytest.mark.parametrize("name", ["read", "readline", "readinto", "append", "stack", "metastack", "memo"])
def test_attributes_replaced_under_way(name):
    class Stack(list):
        pass

    def replaced(self, log):
        old = getattr(self, name)
        if name in ("stack", "metastack", "memo"):
            return {"stack": Stack, "metastack": Stack, "memo": type("Memo", (dict,), {})}[name](old)

        def method(*args):
            log.append((name, shown(args[0]) if args else None))
            return old(*args)

        return method

    def change(base, log):
        def entry(self):
            base.dispatch[pickle.BININT2[0]](self)
            if not log:
                log.append("replaced")
                setattr(self, name, replaced(self, log))

        return type("Sub", (base,), {"dispatch": {**base.dispatch, pickle.BININT2[0]: entry}})

    for data in [
        *graphs(),
        pickle.dumps([300, [bytearray(b"abc")], {1: 2}, "a", "a", (300, (1, 2, 3, 4))], 5),
    ]:
        same(change, data)


def test_a_property_in_the_place_of_an_attribute():
    for name in ("stack", "append", "memo", "read", "_unframer"):

        def change(base, log, name=name):
            def get(self):
                log.append(name)
                return self.__dict__["own"]

            def put(self, value):
                self.__dict__["own"] = value

            return type("Sub", (base,), {name: property(get, put)})

        assert same(change, pickle.dumps([1, (2, "a")], 4))

    def names(base, log):
        class Sub(base):
            def __setattr__(self, name, value):
                log.append(name)
                super().__setattr__(name, value)

        return Sub

    assert same(names, pickle.dumps([1, (2, 3)]))


def test_dispatch_of_another_kind():
    class Counting(dict):
        def __getitem__(self, key):
            self.log.append(key)
            return super().__getitem__(key)

        def __missing__(self, key):
            raise LookupError(key)

    def change(base, log):
        dispatch = Counting(base.dispatch)
        dispatch.log = log
        return type("Sub", (base,), {"dispatch": dispatch})

    for data in [*graphs(), b"\xff"]:
        assert same(change, data)


def test_dispatch_that_is_changed_under_way():
    def change(base, log):
        class Sub(base):
            dispatch = base.dispatch.copy()

        def entry(self):
            base.dispatch[pickle.BININT2[0]](self)
            Sub.dispatch[pickle.BININT1[0]] = logging_entry(base, log, pickle.BININT1[0])

        Sub.dispatch[pickle.BININT2[0]] = entry
        return Sub

    assert len(same(change, pickle.dumps([1, 2, 300, 3, [4]], 4))) == 4


def test_entries_of_an_instance():
    def change(base, log):
        class Sub(base):
            def __init__(self, file):
                super().__init__(file)
                self.dispatch = {**self.dispatch, pickle.NONE[0]: logging_entry(base, log, pickle.NONE[0])}

        return Sub

    assert len(same(change, pickle.dumps([None, 1, None], 4))) == 4


def test_a_method_alone_is_not_an_entry(protocol):
    def change(base, log):
        return type("Sub", (base,), {"load_build": lambda self: log.append(1), "load_none": log.append})

    assert same(change, pickle.dumps([Plain(1), None], protocol)) == []


@pytest.mark.parametrize("kind", FILES)
def test_an_override_that_reads_from_the_file(kind, protocol):
    assert len(same(reads_raw_data, with_raw_data(protocol) + b"rest", FILES[kind])) == 4


@pytest.mark.parametrize("kind", FILES)
def test_files(kind):
    for data in graphs():
        same(unchanged, data + b"rest", FILES[kind])
        same(unchanged, data[:-1], FILES[kind])
        same(unchanged, data[: len(data) // 2], FILES[kind])


def test_a_file_of_another_class_is_asked_the_same(protocol):
    calls = []
    for cls in (PURE, OURS):
        file = Odd(pickle.dumps([1, "a", [Plain(2)], 2**70], protocol))
        cls(file).load()
        calls.append(file.calls)
    assert calls[0] == calls[1]


def test_a_pipe_is_not_read_ahead_of_need(protocol):
    reader, writer = os.pipe()
    with open(reader, "rb") as file, open(writer, "wb", 0) as other_end:
        unpickler = OURS(file)
        for item in ([1, 2], "text", Plain(3)):
            other_end.write(pickle.dumps(item, protocol))
            assert_isomorphic(unpickler.load(), item)


def test_several_loads_share_the_memo(protocol):
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol)
    shared = ["shared"]
    pickler.dump(shared)
    pickler.dump([shared, 1])
    for make in FILES.values():
        results = []
        for cls in (PURE, OURS):
            unpickler = cls(make(file.getvalue()))
            first, second = unpickler.load(), unpickler.load()
            assert second == [["shared"], 1]
            assert second[0] is first
            results.append(unpickler.memo)
        assert results[0] == results[1]


def test_items_pushed_by_a_subclass():
    def change(base, log):
        def entry(self):
            self.append("pushed")
            self.stack.append("again")
            base.dispatch[pickle.NONE[0]](self)

        return type("Sub", (base,), {"dispatch": {**base.dispatch, pickle.NONE[0]: entry}})

    same(change, pickle.dumps([None, 1, [None, None]], 4))
    same(change, pickle.dumps((None, 1), 4))


@pytest.mark.parametrize("leave", [b"}", b"]", b"(", b"N"])
def test_entering_again(leave, protocol):
    """A hook that loads by the same object: what it leaves is what the outer load goes on with."""
    inner = pickle.dumps([1, (2, "a")], protocol)

    def change(base, log):
        class Sub(base):
            inside = False
            dispatch = base.dispatch.copy()

            def entry(self):
                if self.inside:
                    base.dispatch[pickle.TUPLE2[0]](self)
                    return
                self.inside = True
                log.append(shown(self.load()))
                log.append(seen(self, self._file_read.__self__))

            dispatch[pickle.TUPLE2[0]] = entry

        return Sub

    same(change, b"\x80\x02](K\x01\x86" + inner + leave + b"K\x05a.")


def test_stop_in_other_ways():
    def change(base, log):
        def entry(self):
            raise pickle._Stop("stopped early")

        return type("Sub", (base,), {"dispatch": {**base.dispatch, pickle.NONE[0]: entry}})

    for data in graphs():
        same(change, data)
    assert OURS.load(change(OURS, [])(io.BytesIO(b"]N"))) == "stopped early"


def test_without_initialisation():
    bare = OURS.__new__(OURS)
    with pytest.raises(pickle.UnpicklingError, match="__init__"):
        bare.load()
    with pytest.raises(AttributeError):
        OURS(1)


def test_arguments():
    for options in (
        {"encoding": "bytes"},
        {"encoding": "latin-1"},
        {"errors": "ignore"},
        {"fix_imports": False},
    ):
        for data in (b"U\x02\xe9a.", b"T\x02\x00\x00\x00\xe9a.", b"S'\\xe9'\n.", b"c__builtin__\nxrange\n."):
            same(unchanged, data, **options)
    data = pickle.dumps([pickle.PickleBuffer(b"abc")], 5, buffer_callback=lambda buffer: None)
    same(unchanged, data, buffers=[b"abc"])
    same(unchanged, data, buffers=[])
    same(unchanged, data)


def test_extension_codes():
    copyreg.add_extension(__name__, "Plain", 0xF0)
    try:
        for protocol in (2, 4):
            same(unchanged, pickle.dumps([Plain(1), Plain(2)], protocol))
    finally:
        copyreg.remove_extension(__name__, "Plain", 0xF0)


def test_it_is_an_unpickler_of_the_standard_librarys():
    unpickler = OURS(io.BytesIO(b"N."))
    assert isinstance(unpickler, PURE)
    assert OURS.__module__ == "cypickle"
    assert OURS.dispatch.keys() == PURE.dispatch.keys()
    unpickler.load()
    theirs = PURE(io.BytesIO(b"N."))
    theirs.load()
    assert list(vars(unpickler)) == list(vars(theirs))


def test_a_declaration_names_the_types_that_build_is_for(protocol):
    class Sub(OURS):
        dispatch = OURS.dispatch.copy()
        calls = []  # noqa: RUF012
        asked = []  # noqa: RUF012

        def load_build(self):
            self.calls.append(type(self.stack[-2]))
            OURS.load_build(self)

        dispatch[pickle.BUILD[0]] = load_build

        def builds_like_base(self, cls):
            self.asked.append(cls)
            return cls is Plain

    data = pickle.dumps([Plain(1), Wrapper(2), Plain(3), Wrapper(4)], protocol)
    loaded = Sub(io.BytesIO(data)).load()
    assert [vars(item) for item in loaded] == [{"value": 1}, {"nbytes": 2}, {"value": 3}, {"nbytes": 4}]
    assert Sub.calls == ([Plain, Wrapper] * 2 if FREE_THREADED else [Wrapper] * 2)
    assert Sub.asked == ([] if FREE_THREADED else [Plain, Wrapper])
