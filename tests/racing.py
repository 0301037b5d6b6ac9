"""Threads that pickle and load while others change everything under them.

    python racing.py NAME SECONDS [MODULE]

MODULE: cypickle, or pickle to see what the standard library makes of it.  Prints how often each function came to its
end and how often it met an error that it may meet, and fails on any other error.  What crashes is the module or the
interpreter, so the tests run this as a program.
"""

import collections
import copyreg
import faulthandler
import importlib
import io
import itertools
import sys
import threading
import types
from collections import Counter

ACCEPTED = (RuntimeError, EOFError, BufferError)
REFUSED = "already used"  # says whoever meets another thread at the same Pickler or Unpickler
THREADS = 2  # for each function
RACES = {}

pickling = None  # the module that is tried
SHARED = {}  # by name: what a pickle may refer to


def race_of(*accepted, changing=True):
    """Register a function that gives the functions to be run, and the errors that these may meet.

    Where nothing is changing, they meet none.
    """

    def register(make):
        RACES[make.__name__] = make, accepted, changing
        return make

    return register


def run(functions, accepted, seconds):
    """Each function over and over in its threads, and once more when they are over: how it ended, and how often."""
    counts, unexpected, over = Counter(), [], threading.Event()

    def repeat(function):
        while not over.is_set():
            try:
                function()
                counts[function.__name__, "done"] += 1
            except accepted:
                counts[function.__name__, "refused"] += 1
            except BaseException as error:
                unexpected.append(error)
                over.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=repeat, args=(function,)) for function in functions * THREADS]
    for thread in threads:
        thread.start()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    if unexpected:
        raise unexpected[0]
    for function in functions:
        try:
            function()
        except accepted as error:
            if REFUSED in str(error):
                raise  # no thread is left that could use it
    return counts


class Plain:
    def __init__(self, *parts):
        self.parts = list(parts)
        self.name = "".join(["na", "me"])


class Other(Plain):
    pass


class Slots:
    __slots__ = ("left", "right")


class Reduced:
    def __init__(self, value=None):
        self.value = value

    def __reduce__(self):
        return Reduced, (self.value,)


class Yielding:
    """Pickled by Python code, so that other threads get a turn with the GIL, too."""

    def __reduce__(self):
        return str, ()


FRESH = itertools.count()


def fresh():
    """New objects that nobody else has, of most kinds that dumps() tells apart."""
    i = next(FRESH)
    slots = Slots()
    slots.left = [i]
    return [
        f"text {i}", i << 40, i / 7, [i, [i]], (i, [i]), {i: [i]}, {i, f"{i}"}, frozenset([i, f"{i}"]), bytearray(9),
        f"bytes {i}".encode(), Plain(i), slots, Reduced([i]), Yielding(), collections.deque([i]),
        collections.OrderedDict(a=i), collections.Counter([i]), collections.defaultdict(list, a=[i]),
    ]  # fmt: skip


def dump_of(shared, lowest=2):
    """A function that dumps it, by one protocol after the other, and loads what comes out."""
    protocols = itertools.cycle(range(lowest, 6))

    def dump():
        pickling.loads(pickling.dumps(shared, next(protocols)))

    return dump


@race_of(IndexError)
def lists():
    shared = fresh() * 10

    def change():
        shared.extend(fresh())
        shared[3:9] = fresh()
        shared.pop()
        if len(shared) > 300:
            shared.clear()

    return dump_of(shared), dump_of([shared, (shared,)]), change


@race_of()
def dicts():
    shared = {str(i): fresh() for i in range(30)}

    def change():
        for i in range(30):
            shared[str(i)] = fresh()
            shared.pop(str(i * 7 % 30), None)

    return dump_of(shared), change


@race_of()
def replaced_values():
    """The size stays, so that nothing is noticed."""
    shared = {str(i): [i] for i in range(100)}
    items = [[i] for i in range(100)]

    def change():
        for i in range(100):
            shared[str(i)] = [i, str(i)]
            items[i] = [i, str(i)]

    return dump_of(shared, 0), dump_of(items, 0), change


@race_of()
def sets():
    shared = {f"a {i}" for i in range(50)}

    def change():
        shared.update(f"a {next(FRESH)}" for _ in range(9))
        shared.difference_update(list(shared)[:30])

    return dump_of(shared, 0), dump_of([shared, frozenset(["a"])], 0), change


@race_of()
def instances():
    shared = [Plain(Plain(), Slots()) for _ in range(20)]

    def change():
        for item in shared:
            item.parts = fresh()
            item.__dict__ = {"parts": fresh(), f"a{next(FRESH)}": []}
            item.__class__ = Other if type(item) is Plain else Plain
            item.extra = fresh()
            del item.extra

    return dump_of(shared), change


@race_of(AttributeError)
def slots():
    shared = [Slots() for _ in range(20)]

    def change():
        for item in shared:
            item.left = fresh()
            item.right = item.left
            del item.left

    return dump_of(shared), change


@race_of(IndexError, KeyError)
def collections_of_c():
    """An OrderedDict is changed, but not dumped: 3.13t itself crashes in the iterator of its items."""
    shared = [
        collections.deque(range(50)),
        collections.OrderedDict.fromkeys(range(50)),
        collections.Counter(range(50)),
        collections.defaultdict(list, dict.fromkeys(range(50))),
    ]

    def change():
        shared[0].append(fresh())
        shared[0].popleft()
        for table in shared[1:]:
            table[next(FRESH)] = fresh()
            table.pop(next(iter(table)))

    return dump_of(shared[0]), dump_of(shared[2:]), change


@race_of()
def bytearrays():
    """3.13t itself miscounts the exports of a bytearray that two threads read, so one reads while others change it."""
    shared = [bytearray(b"a" * 5000), bytearray(b"b" * 200_000)]
    views = [pickling.PickleBuffer(item) for item in shared]
    in_band = dump_of(shared)
    one_at_a_time = threading.Lock()

    def change():
        for item in shared:
            item[:100] = b"c" * 100

    def dump():
        with one_at_a_time:
            in_band()

    def out_of_band():
        with one_at_a_time:
            buffers = []
            data = pickling.dumps(views, 5, buffer_callback=buffers.append)
            pickling.loads(data, buffers=buffers)

    return dump, out_of_band, change


@race_of(ValueError)
def pickle_buffers():
    """3.13t itself miscounts the exports of a bytearray, so these are of bytes; and it cannot release twice at once."""
    kept = [b"a" * 5000, b"b" * 5000]
    one_at_a_time = threading.Lock()
    shared = [pickling.PickleBuffer(kept[0])]

    def dump():
        pickling.dumps(list(shared), 5)

    def change():
        with one_at_a_time:
            shared[0].release()
            shared[0] = pickling.PickleBuffer(kept[1])

    return dump, change


@race_of(ValueError, TypeError, AttributeError, ImportError, KeyError, IndexError, OverflowError, MemoryError)
def changing_input():
    """Whatever is read is one state of the data, or garbage: an object or an exception."""
    data = bytearray(pickling.dumps([{"name": "x" * 40, "numbers": list(range(300))}] * 3, 4))
    shared = memoryview(data)
    kept = bytes(data)

    def load():
        pickling.loads(shared)

    def from_file():
        file = types.SimpleNamespace(read=lambda n: shared[:n], readline=lambda: shared)
        pickling.Unpickler(file).load()

    def change():
        for i in range(0, len(data), 3):
            data[i] = 0x4B
            data[i] = kept[i]

    return load, from_file, change


@race_of(changing=False)
def parallel_loads():
    graph = [fresh() for _ in range(20)]
    data = [pickling.dumps(graph, protocol) for protocol in range(2, 6)]
    turns = itertools.cycle(range(4))

    def load():
        assert len(pickling.loads(data[next(turns)])) == 20

    def from_file():
        assert len(pickling.load(io.BytesIO(data[next(turns)]))) == 20

    return load, from_file


class Hooked:
    """Of a Pickler and an Unpickler."""

    def persistent_id(self, obj):
        return obj if type(obj) is str and obj.startswith("pid") else None

    def persistent_load(self, pid):
        return pid


@race_of(AttributeError)
def one_pickler():
    pickler = type("Pickler", (Hooked, pickling.Pickler), {})(io.BytesIO())
    plain = type("Pickler", (pickling.Pickler,), {})(
        io.BytesIO()
    )  # what is assigned to it goes to its own hook
    graph = [fresh(), "pid", {"a": fresh()}]

    def dump():
        pickler.dump(graph)
        plain.dump(graph)

    def clear():
        pickler.clear_memo()
        pickler.memo.clear()

    def copy_memo():
        pickler.memo = pickler.memo.copy()
        pickler.memo = pickler.memo

    def tables():
        pickler.dispatch_table = {Reduced: lambda obj: (Reduced, ())}
        _ = pickler.dispatch_table
        del pickler.dispatch_table

    def hooks():
        plain.persistent_id = lambda obj: None
        _ = plain.persistent_id
        pickler.fast = pickler.bin = 1
        pickler.fast = 0

    def again():
        pickler.__init__(io.BytesIO())

    return dump, clear, copy_memo, tables, hooks, again


@race_of(AttributeError, IndexError, KeyError, ValueError, TypeError, ImportError)
def one_unpickler():
    data = pickling.dumps([fresh(), {"a": fresh()}])
    file = types.SimpleNamespace(read=io.BytesIO(data * 500).read, readline=lambda: b"")
    unpickler = type("Unpickler", (Hooked, pickling.Unpickler), {})(file)
    plain = type("Unpickler", (pickling.Unpickler,), {})(file)  # as with one_pickler

    def load():
        unpickler.load()
        plain.load()

    def clear():
        unpickler.memo.clear()

    def copy_memo():
        unpickler.memo = unpickler.memo.copy()
        unpickler.memo = dict.fromkeys(range(100), "memoised")
        unpickler.memo = unpickler.memo

    def hooks():
        plain.persistent_load = lambda pid: None
        _ = plain.persistent_load

    def again():
        unpickler.__init__(io.BytesIO(data * 5))

    return load, clear, copy_memo, hooks, again


@race_of(AttributeError, TypeError)
def classes():
    """Hooks of a class come and go, and its name is another one's for a while."""
    here = sys.modules[__name__]
    shared = [Plain(1), Reduced(2), Slots(), Plain, Reduced]
    original = Plain
    dump = dump_of(shared)

    def change():
        Plain.__getstate__ = lambda self: {"a": 1}
        Plain.__setstate__ = lambda self, state: None
        Plain.__reduce_ex__ = lambda self, protocol: (Reduced, (protocol,))
        Reduced.__setattr__ = lambda self, name, value: None
        here.Plain = Other
        here.Plain = original
        for cls, name in ((Plain, "__getstate__"), (Plain, "__setstate__"), (Plain, "__reduce_ex__")):
            if name in vars(cls):
                delattr(cls, name)
        if "__setattr__" in vars(Reduced):
            del Reduced.__setattr__

    return dump, change


@race_of()
def dispatch_tables():
    table = {}
    graph = [Plain(), Reduced(), 1j, Slots()]

    def private():
        pickler = pickling.Pickler(io.BytesIO())
        pickler.dispatch_table = table
        pickler.dump(graph)

    def change():
        for target in (copyreg.dispatch_table, table):
            for cls in (Plain, Reduced, Slots):
                target[cls] = lambda obj: (str, ())
                target.pop(cls, None)
            for i in range(50):
                target[type(f"C{i}", (), {})] = str
        for cls in [cls for cls in copyreg.dispatch_table if cls.__name__.startswith("C")]:
            copyreg.dispatch_table.pop(cls, None)
        table.clear()

    return dump_of(graph), private, change


@race_of(ValueError, TypeError)
def extensions():
    """python/cpython#157125, and what dumps() looks up."""
    data = b"\x80\x02\x82\xf0."

    def load():
        pickling.loads(data)

    def change():
        copyreg.clear_extension_cache()
        copyreg._inverted_registry[0xF0] = ("".join(["built", "ins"]), "".join(["l", "ist"]))
        copyreg._extension_registry["builtins", "list"] = 0xF0
        copyreg._extension_registry.pop(("builtins", "list"), None)

    change()
    return load, dump_of([list, dict]), change


@race_of(AttributeError, ImportError)
def names_of_python2():
    """python/cpython#157122 and 157123."""
    import _compat_pickle

    data = b"c__builtin__\nxrange\n."

    def load():
        pickling.loads(data)

    def change():
        _compat_pickle.NAME_MAPPING["__builtin__", "xrange"] = (
            "".join(["built", "ins"]),
            "".join(["ran", "ge"]),
        )
        _compat_pickle.REVERSE_NAME_MAPPING["builtins", "range"] = (
            "".join(["__buil", "tin__"]), "".join(["xran", "ge"]))  # fmt: skip
        _compat_pickle.IMPORT_MAPPING["queue"] = "".join(["Que", "ue"])

    return load, dump_of([range], 0), change


def shared_state():
    return SHARED["state"]


class ManySlots:
    __slots__ = tuple(f"field_{i}" for i in range(300))


@race_of(AttributeError)
def states():
    """python/cpython#157124: BUILD of what reducing gives, while another thread changes it."""
    SHARED["state"] = {f"field_{i}": i for i in range(300)}
    here = __name__.encode()
    state = b"c%b\nshared_state\n)R" % here
    data = [
        b"\x80\x04c%b\nReduced\n)\x81%bb." % (here, state),
        b"\x80\x04c%b\nManySlots\n)\x81N%b\x86b." % (here, state),
    ]

    def load():
        pickling.loads(data[0])
        pickling.loads(data[1])

    def change():
        for i in range(0, 300, 3):
            SHARED["state"].pop(f"field_{i}", None)
            SHARED["state"][f"field_{i}"] = object()

    return load, change


@race_of()
def memos():
    """python/cpython#157126 and 150505."""
    pickler, unpickler = pickling.Pickler(io.BytesIO()), pickling.Unpickler(io.BytesIO())
    for_pickler = {i: (i, object()) for i in range(300)}
    for_unpickler = {i: object() for i in range(300)}

    def assign():
        pickler.memo = for_pickler
        unpickler.memo = for_unpickler

    def change():
        for i in range(300):
            for_pickler.pop(i, None)
            for_unpickler.pop(i, None)
            for_pickler[i] = (i, object())
            for_unpickler[i] = object()

    return assign, change


@race_of(TypeError, KeyError, IndexError, AttributeError, StopIteration)
def failures():
    """What says where it failed looks at the containers again."""
    shared = [{f"{i}": [i, threading.Lock()] for i in range(20)}, [threading.Lock(), Plain(threading.Lock())]]

    def change():
        for i in range(20):
            shared[0].pop(f"{i}", None)
            shared[0][f"{i}"] = [i, threading.Lock()]
        shared[1].append(Plain(threading.Lock()))
        del shared[1][0]

    return dump_of(shared[0]), dump_of(shared[1]), change


@race_of(AttributeError, KeyError, AssertionError, IndexError)
def extensible():
    """The file is none of CPython's, which two threads cannot write to on 3.13t."""
    kind = getattr(pickling, "ExtensiblePickler", None) or importlib.import_module("pickle")._Pickler
    pickler = kind(types.SimpleNamespace(write=len))
    graph = [fresh(), Plain()]

    def dump():
        pickler.dump(graph)

    def own():
        kind(io.BytesIO(), 4).dump(graph)

    def small():
        pickler.dump(None)

    def clear():
        pickler.clear_memo()

    def change():
        graph[0] = fresh()
        graph.append([])
        del graph[2:]

    return dump, own, small, clear, change


def main(name, seconds, module="cypickle"):
    global pickling
    pickling = importlib.import_module(module)
    faulthandler.enable()
    make, accepted, changing = RACES[name]
    if changing:
        accepted = (*ACCEPTED, pickling.PickleError, *accepted)
    for (function, end), count in sorted(run(make(), accepted, float(seconds)).items()):
        print(function, end, count)


if __name__ == "__main__":
    main(*sys.argv[1:])
