"""Each refusal with its class, message and notes: those of the running C pickle, found out on the spot."""

import copyreg
import io
import pickle

import pytest

import dump_errors
import load_errors
from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import HAS_PATH_NOTES, Table, both, dump_bytes, dump_outcomes, outcome

SCENARIOS = Table()


@pytest.mark.parametrize("name", dump_errors.CASES)
def test_dump_refuses_as_the_stdlib_does(name):
    make = dump_errors.CASES[name]
    results = dump_outcomes(make)
    for protocol, expected, actual in results:
        assert (protocol, actual) == (protocol, expected)
    assert name in dump_errors.ACCEPTED or any(expected.error for _, expected, _ in results)


@pytest.mark.parametrize("name", dump_errors.CASES)
def test_a_failed_dump_writes_no_more_than_a_prefix_of_frames(name):
    """What is in the file after a failure never is a pickle that loads."""
    for protocol in PROTOCOLS:
        written, result = dump_bytes(CYPICKLE, dump_errors.CASES[name](), protocol)
        if result.error is None:
            assert written.endswith(pickle.STOP)
        else:
            assert outcome(C_PICKLE.loads, written).error is not None


@pytest.mark.parametrize("name", load_errors.CASES)
def test_load_refuses_as_the_stdlib_does(name):
    data, options = load_errors.CASES[name]
    expected = outcome(C_PICKLE.loads, data, **options)
    assert outcome(CYPICKLE.loads, data, **options) == expected
    assert name in load_errors.ACCEPTED or expected.error is not None


@pytest.mark.parametrize("name", load_errors.CASES)
def test_load_from_a_file_refuses_as_the_stdlib_does(name):
    data, options = load_errors.CASES[name]
    expected = outcome(C_PICKLE.load, io.BytesIO(data), **options)
    assert outcome(CYPICKLE.load, io.BytesIO(data), **options) == expected
    assert name in load_errors.ACCEPTED or expected.error is not None


@pytest.mark.parametrize("name", load_errors.LENIENT)
def test_load_accepts_what_the_stdlib_accepts(name):
    data, options = load_errors.LENIENT[name]
    expected = outcome(C_PICKLE.loads, data, **options)
    assert expected.error is None
    actual = outcome(CYPICKLE.loads, data, **options)
    assert (actual.error, repr(actual.value)) == (None, repr(expected.value))


@pytest.mark.skipif(not HAS_PATH_NOTES, reason="the stdlib's errors carry notes from 3.14 on")
def test_notes_are_compared():
    _, expected, actual = dump_outcomes(dump_errors.CASES["lambda_in_dict"])[-1]
    assert expected.notes == actual.notes != ()


def pickler(implementation, protocol=5, **options):
    return implementation.Pickler(io.BytesIO(), protocol, **options)


@SCENARIOS.case
def dump_without_write(implementation, seen):
    implementation.dump([1], object())


@SCENARIOS.case
def dump_with_write_none(implementation, seen):
    class File:
        write = None

    implementation.dump([1], File())


@SCENARIOS.case
def dump_with_write_raising(implementation, seen):
    class File:
        def write(self, data):
            raise OSError(28, "No space left on device")

    implementation.dump([1], File())


@SCENARIOS.case
def dump_with_write_attribute_raising(implementation, seen):
    class File:
        @property
        def write(self):
            raise ZeroDivisionError("write")

    implementation.dump([1], File())


@SCENARIOS.case
def dump_large_with_write_raising(implementation, seen):
    class File:
        def write(self, data):
            seen.append(len(data))
            if len(seen) > 1:
                raise OSError(28, "No space left on device")

    implementation.dump(["a" * 200_000, "b" * 200_000], File(), 4)


@SCENARIOS.case
def load_without_methods(implementation, seen):
    implementation.load(object())


@SCENARIOS.case
def load_with_read_only(implementation, seen):
    class File:
        def read(self, size):
            return b""

    implementation.load(File())


@SCENARIOS.case
def load_with_readline_only(implementation, seen):
    class File:
        def readline(self):
            return b""

    implementation.load(File())


@SCENARIOS.case
def load_with_read_attribute_raising(implementation, seen):
    class File:
        @property
        def read(self):
            raise ZeroDivisionError("read")

        readline = read

    implementation.load(File())


for method in ("read", "readline", "peek", "readinto"):

    def load_with_raising(implementation, seen, method=method):
        class File(io.BytesIO):
            pass

        def fail(self, *args):
            raise OSError(5, f"{method} failed")

        setattr(File, method, fail)
        file = File(b"I1\n." if method == "readline" else pickle.dumps([1, b"a" * 1_000_000]))
        return len(repr(implementation.load(file)))

    SCENARIOS.add(f"load_with_{method}_raising", load_with_raising)


for title, data in {
    "str": "text",
    "none": None,
    "int": 5,
    "list": [1],
    "strided": memoryview(b"abcdef")[::2],
}.items():
    SCENARIOS.add(f"loads_{title}", lambda implementation, seen, data=data: implementation.loads(data))

for title, options in {
    "bad_encoding": {"encoding": "no-such-encoding"},
    "bad_errors": {"errors": "no-such-handler"},
    "encoding_not_str": {"encoding": 5},
    "errors_not_str": {"errors": 5},
    "encoding_null": {"encoding": "a\0b"},
    "errors_null": {"errors": "a\0b"},
    "encoding_surrogate": {"encoding": "\udc80"},
    "buffers_int": {"buffers": 5},
}.items():
    SCENARIOS.add(
        f"loads_{title}",
        lambda implementation, seen, options=options: implementation.loads(b"U\x01\xff.", **options),
    )
    SCENARIOS.add(
        f"load_{title}",
        lambda implementation, seen, options=options: implementation.load(
            io.BytesIO(b"U\x01\xff."), **options
        ),
    )

for title, protocol in {
    "too_high": 6,
    "much_too_high": 10**6,
    "too_high_for_c": 10**30,
    "too_low_for_c": -(10**30),
    "str": "4",
    "float": 4.0,
    "object": object(),
}.items():
    SCENARIOS.add(
        f"dumps_protocol_{title}", lambda implementation, seen, p=protocol: implementation.dumps([], p)
    )
    SCENARIOS.add(
        f"dump_protocol_{title}",
        lambda implementation, seen, p=protocol: implementation.dump([], io.BytesIO(), p),
    )
    SCENARIOS.add(
        f"pickler_protocol_{title}",
        lambda implementation, seen, p=protocol: pickler(implementation, p) and None,
    )

for protocol in range(5):
    SCENARIOS.add(
        f"buffer_callback_at_{protocol}",
        lambda implementation, seen, p=protocol: implementation.dumps([], p, buffer_callback=seen.append),
    )
    SCENARIOS.add(
        f"pickler_buffer_callback_at_{protocol}",
        lambda implementation, seen, p=protocol: (
            pickler(implementation, p, buffer_callback=seen.append) and None
        ),
    )


@SCENARIOS.case
def buffer_callback_not_callable(implementation, seen):
    implementation.dumps(pickle.PickleBuffer(b"abc"), 5, buffer_callback=5)


@SCENARIOS.case
def buffer_callback_raises(implementation, seen):
    def callback(buffer):
        raise ZeroDivisionError("callback")

    implementation.dumps([pickle.PickleBuffer(b"abc")], 5, buffer_callback=callback)


@SCENARIOS.case
def released_buffer(implementation, seen):
    buffer = pickle.PickleBuffer(b"abc")
    buffer.release()
    implementation.dumps([buffer], 5)


@SCENARIOS.case
def released_buffer_out_of_band(implementation, seen):
    buffer = pickle.PickleBuffer(b"abc")
    buffer.release()
    implementation.dumps([buffer], 5, buffer_callback=seen.append)


@SCENARIOS.case
def strided_buffer_out_of_band(implementation, seen):
    buffer = pickle.PickleBuffer(memoryview(bytearray(b"abcdef"))[::2])
    implementation.dumps([buffer], 5, buffer_callback=lambda buffer: None)


def persistent(name, pid, protocols=PROTOCOLS):
    for protocol in protocols:

        def scenario(implementation, seen, protocol=protocol):
            class Persistent(implementation.Pickler):
                def persistent_id(self, obj):
                    return pid if obj == "target" else None

            Persistent(io.BytesIO(), protocol).dump(["before", "target"])

        SCENARIOS.add(f"persistent_id_{name}_at_{protocol}", scenario)


persistent("non_ascii", "größe", [0])
persistent("surrogate", "\udc80", [0])
persistent("lambda", lambda: None, [1, 2, 3, 4, 5])
persistent("raising_str", dump_errors.Unconvertible(), [0])


@SCENARIOS.case
def persistent_id_raises(implementation, seen):
    class Persistent(implementation.Pickler):
        def persistent_id(self, obj):
            raise ZeroDivisionError("pid")

    Persistent(io.BytesIO()).dump([1])


@SCENARIOS.case
def persistent_id_arity(implementation, seen):
    class Persistent(implementation.Pickler):
        def persistent_id(self):
            return None

    Persistent(io.BytesIO()).dump([1])


def fast_cycle(kind):
    def scenario(implementation, seen):
        container = kind()
        instance = dump_errors.Plain()
        instance.attribute = container
        if kind is dict:
            container["self"] = instance
        else:
            container.append(instance)
        fast = pickler(implementation)
        fast.fast = True
        fast.dump(container)

    return scenario


SCENARIOS.add("fast_list_cycle", fast_cycle(list))
SCENARIOS.add("fast_dict_cycle", fast_cycle(dict))


@SCENARIOS.case
def fast_list_inside_itself(implementation, seen):
    container = []
    container.append(container)
    fast = pickler(implementation)
    fast.fast = True
    fast.dump(container)


@SCENARIOS.case
def fast_dict_inside_itself(implementation, seen):
    container = {}
    container["key"] = container
    fast = pickler(implementation)
    fast.fast = True
    fast.dump(container)


for code in (0, -1, 0x80000000, 10**20, "1", 1.5, None):

    def bad_extension(implementation, seen, code=code):
        key = (dump_errors.__name__, "Renamed")
        copyreg._extension_registry[key] = code
        try:
            return implementation.dumps(dump_errors.Renamed, 2)
        finally:
            del copyreg._extension_registry[key]

    SCENARIOS.add(f"extension_code_{code!r}", bad_extension)


@SCENARIOS.case
def copyreg_not_callable(implementation, seen):
    copyreg.dispatch_table[dump_errors.Plain] = 5
    try:
        implementation.dumps([dump_errors.Plain()], 2)
    finally:
        del copyreg.dispatch_table[dump_errors.Plain]


@SCENARIOS.case
def copyreg_returns_junk(implementation, seen):
    copyreg.dispatch_table[dump_errors.Plain] = lambda obj: 5
    try:
        implementation.dumps([dump_errors.Plain()], 2)
    finally:
        del copyreg.dispatch_table[dump_errors.Plain]


@SCENARIOS.case
def dispatch_table_not_a_mapping(implementation, seen):
    with_table = pickler(implementation)
    with_table.dispatch_table = 5
    with_table.dump([dump_errors.Plain()])


@SCENARIOS.case
def dispatch_table_raises(implementation, seen):
    class Table(dict):
        def __getitem__(self, key):
            raise ZeroDivisionError("table")

    with_table = pickler(implementation)
    with_table.dispatch_table = Table()
    with_table.dump([dump_errors.Plain()])


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_fails_as_the_stdlib_does(name):
    expected, actual = both(SCENARIOS[name])
    assert actual == expected
    assert expected.error is not None


def test_dumper_is_usable_after_a_failure(implementation):
    """A failed dump leaves a Pickler that clear_memo makes as good as new."""
    file = io.BytesIO()
    reused = implementation.Pickler(file, 4)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        reused.dump(["shared", lambda: None])
    reused.clear_memo()
    file.seek(0)
    file.truncate()
    reused.dump(["shared", "shared"])
    assert implementation.loads(file.getvalue()) == ["shared", "shared"]
