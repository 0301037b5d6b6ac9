"""Arrays and numbers of numpy: the bytes of pickle, whether they are written by what is known of them or by asking."""

import copyreg
import io
import pickle
import random
import tracemalloc

import pytest

import cypickle
from cypickle._emitter import take_general_way
from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import both

numpy = pytest.importorskip("numpy", reason="numpy is not installed")
pytestmark = pytest.mark.hosts

NUMBERS = numpy.typecodes["AllInteger"] + numpy.typecodes["AllFloat"] + "?"
OTHERS = [">f8", ">i2", "S3", "S1", "U2", "M8[s]", "m8", "m8[ns]", "V4", "f8,i4", "O"]


class Subclass(numpy.ndarray):
    pass


class Number(numpy.float64):
    pass


def made(random, dtype, shape):
    """An array of this kind, for one that is not plain a view of a larger one."""
    array = numpy.zeros(shape, dtype)
    if array.dtype.kind in "iufb":
        array[...] = random.randrange(2) or 100
    kind = random.choice(
        ["plain"] * 6 + ["fortran", "strided", "reversed", "read only", "view", "subclass", "metadata"]
    )
    if kind == "fortran":
        return numpy.asfortranarray(array)
    if kind == "strided":
        return numpy.repeat(array, 2, axis=0)[::2] if array.ndim else array
    if kind == "reversed":
        return array[::-1] if array.ndim else array
    if kind == "read only":
        array.flags.writeable = False
    if kind == "view":
        return array.view()
    if kind == "subclass":
        return array.view(Subclass)
    if kind == "metadata":
        return array.astype(numpy.dtype(array.dtype, metadata={"unit": "m"}))
    return array


def graph(seed, count):
    """A list of arrays and numbers, some of them more than once, with other objects in between."""
    draw = random.Random(seed)
    shapes = [(3,), (1,), (0,), (), (2, 3), (2, 0), (2, 1, 2), (1, 2, 1, 2), (300,), (9000,), (70_000,)]
    weights = [9, 5, 2, 2, 5, 1, 3, 2, 3, 1, 1]
    dtypes = draw.sample([*NUMBERS, *OTHERS], 5)
    objects = []
    for _ in range(count):
        dtype = draw.choice(dtypes)
        what = draw.random()
        if what < 0.5:
            objects.append(made(draw, dtype, *draw.choices(shapes, weights)))
        elif what < 0.8:
            objects.append(numpy.array([draw.randrange(100)]).astype(dtype)[0])
        elif what < 0.9 and objects:
            objects.append(draw.choice(objects))
        else:
            objects.append(
                draw.choice([1, "C", b"b", numpy.dtype(dtype), [numpy.float64(0.5)], (numpy.ndarray,), (0,)])
            )
    return objects


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed, protocol):
    objects = graph(seed, 40)
    expected = pickle.dumps(objects, protocol)
    for _ in range(2):
        assert cypickle.dumps(objects, protocol) == expected
    take_general_way(True)
    try:
        assert cypickle.dumps(objects, protocol) == expected
    finally:
        take_general_way(False)


@pytest.mark.parametrize("code", NUMBERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_kind_of_number(protocol, code):
    array = numpy.arange(3).astype(code)
    objects = [array, array + 1, array[0], array[1], array.reshape(3, 1), array[2], array[:0], array]
    assert cypickle.dumps(objects, protocol) == pickle.dumps(objects, protocol)
    loaded = cypickle.loads(cypickle.dumps(objects, protocol))
    assert [one.dtype for one in loaded] == [one.dtype for one in objects]
    assert all(map(numpy.array_equal, loaded, objects))
    assert loaded[0] is loaded[-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [8180, 16_000, 64])
def test_frames_end_in_between(size, protocol):
    arrays = [numpy.arange(size + index, dtype="i8") for index in range(2_000_000 // (8 * size))]

    def scenario(implementation, seen):
        file = io.BytesIO()
        implementation.Pickler(file, protocol).dump(arrays)
        return file.getvalue(), implementation.dumps(arrays, protocol)

    theirs, ours = both(scenario)
    assert ours == theirs


class Hooked:
    """What a subclass of Pickler is asked about each object."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked = []

    def persistent_id(self, obj):
        self.asked.append(type(obj))
        return "id" if isinstance(obj, numpy.float32) else None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hooks_are_asked(protocol):
    objects = [numpy.arange(3), numpy.float32(1), numpy.arange(4), numpy.float64(2), numpy.float64(3)]

    def scenario(implementation, seen):
        file = io.BytesIO()
        hooked = type("Pickler", (Hooked, implementation.Pickler), {})(file, protocol)
        hooked.dump(objects)
        seen.append(hooked.asked)
        table = implementation.Pickler(file, protocol)
        table.dispatch_table = {numpy.ndarray: lambda array: (list, (array.tolist(),))}
        table.dump(objects)
        return file.getvalue()

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("in_band", [False, True])
def test_buffers_are_offered(in_band):
    arrays = [numpy.arange(3), numpy.arange(4), numpy.arange(4)[::2], numpy.ones((2, 2), order="F")]

    def scenario(implementation, seen):
        def keep(buffer):
            seen.append(bytes(buffer.raw()))
            return in_band

        return implementation.dumps(arrays, 5, buffer_callback=keep)

    theirs, ours = both(scenario)
    assert ours == theirs


def test_reducers_registered_meanwhile_are_called():
    objects = [numpy.arange(3), numpy.float64(1), numpy.arange(4), numpy.float64(2)]
    for implementation in (C_PICKLE, CYPICKLE):
        implementation.dumps(objects)
    registered = {
        numpy.ndarray: lambda array: (list, (array.tolist(),)),
        numpy.float64: lambda n: (float, (float(n),)),
    }
    try:
        for cls, reducer in registered.items():
            copyreg.pickle(cls, reducer)
        assert cypickle.dumps(objects) == pickle.dumps(objects)
    finally:
        for cls in registered:
            del copyreg.dispatch_table[cls]
    assert cypickle.dumps(objects) == pickle.dumps(objects)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_subclasses_of_numbers(protocol):
    objects = [
        Number(1),
        numpy.float64(1),
        Number(2),
        numpy.longdouble(1),
        numpy.clongdouble(2),
        numpy.bool_(True),
    ]
    assert cypickle.dumps(objects * 2, protocol) == pickle.dumps(objects * 2, protocol)


@pytest.mark.parametrize("protocol", [4, 5])
def test_the_arrays_keep_their_size(protocol):
    """A buffer would leave a description of itself with each of them."""
    arrays = [numpy.arange(4.0) for _ in range(2000)]
    cypickle.dumps(arrays[:3], protocol)
    tracemalloc.start()
    try:
        cypickle.dumps(arrays, protocol)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 8 * len(arrays)


def test_the_arrays_keep_nothing():
    """Nothing of them is held: the array can be resized."""
    array = numpy.arange(3)
    for protocol in PROTOCOLS:
        cypickle.dumps([numpy.arange(2), array, array[:2]], protocol)
        array.resize(len(array) + 1, refcheck=False)
        memoryview(array).release()
    assert len(array) == 3 + len(PROTOCOLS)


@pytest.mark.parametrize("protocol", [4, 5])
def test_any_allocation_may_fail(protocol):
    _testcapi = pytest.importorskip("_testcapi", reason="no _testcapi")
    objects = [
        numpy.arange(3.0),
        numpy.float64(1),
        *(numpy.arange(4.0 + n) for n in range(10)),
        numpy.float64(2),
    ]
    cypickle.dumps(objects, protocol)
    for start in range(200):
        _testcapi.set_nomemory(start, start + 1)
        try:
            dumped = cypickle.dumps(objects, protocol)
        except (MemoryError, SystemError):  # the latter from numpy, which returns a value with an error set
            continue
        finally:
            _testcapi.remove_mem_hooks()
        # Not the same bytes: where numpy cannot import what it needs, it reduces in another way.
        loaded = pickle.loads(dumped)
        assert [str(o) for o in loaded] == [str(o) for o in objects], start
