"""Small pickles: calls of loads() in each form, and dicts that are filled without asking CPython for each pair."""

import gc
import itertools
import pickle
import random
import sys
import types

import pytest

import cypickle
from processes import run_python

HEAD = b"\x80\x04"
DICT = b"}\x94("


def text(value, *, memoised=True):
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(data)]) + data + b"\x94" * memoised


def outcome(loads, data):
    """What a load gives, with what only the dict itself knows, or the class of its error."""
    try:
        value = loads(data)
    except Exception as error:
        return type(error)
    if type(value) is dict:
        return repr(value), sys.getsizeof(value), gc.is_tracked(value), repr([value[key] for key in value])
    return repr(value)


def same(data):
    expected = outcome(pickle.loads, data)
    assert outcome(cypickle.loads, data) == expected
    return expected


def names(rng, count, alphabet="ab\0z\x7fé€\U0001f600", most=20):
    found = {}
    while len(found) < count:
        found["".join(rng.choices(alphabet, k=rng.randrange(most)))] = None
    return list(found)


@pytest.mark.parametrize("count", [*range(1, 14), 21, 22, 42, 43, 85, 86, 87, 171, 400])
@pytest.mark.parametrize("alphabet", ["ab\0", "abé€\U0001f600", "abcdefghijklmnop"])
def test_dicts_of_any_size(count, alphabet):
    rng = random.Random(count)
    for _ in range(5):
        keys = names(rng, count, alphabet)
        values = rng.choices([0, 7.5, None, "text", 10**6, True, (), [1], {"a": 1}], k=count)
        value = dict(zip(keys, values, strict=True))
        for protocol in (4, 5):
            data = pickle.dumps(value, protocol)
            same(data)
            loaded = cypickle.loads(data)
            assert cypickle.dumps(loaded, protocol) == pickle.dumps(pickle.loads(data), protocol)
            for key in (*names(rng, 30, alphabet), *keys):
                loaded[key] = value[key] = key
                assert loaded.pop("zz", None) is value.pop("zz", None)
            assert loaded == value
            assert list(loaded) == list(value)


def test_short_names_are_told_apart():
    """What is known of a name that was met before is not taken for another's."""
    every = ["".join(some) for n in range(1, 7) for some in itertools.product("a\0b", repeat=n)]
    every += [
        f"{head}{middle}{tail}"
        for head in ("abcdefgh", "abcdefgx")
        for middle in ("", "1", "2345678", "23456789")
        for tail in ("x", "abcdefgh")
    ]
    for _ in range(2):
        for start in range(0, len(every), 5):
            value = {name: number for number, name in enumerate(every[start : start + 5])}
            loaded = cypickle.loads(pickle.dumps(value, 5))
            assert [hash(name) for name in loaded] == [hash(str(name.encode(), "utf-8")) for name in value]
            assert [loaded[name] for name in value] == list(value.values())


def test_names_that_share_a_place():
    for bits in (3, 4, 5):
        keys = [key for key in map(str, range(5000)) if hash(key) & (1 << bits) - 1 == 3][: 1 << bits]
        value = dict.fromkeys(keys, 1)
        assert same(pickle.dumps(value, 5))[0] == repr(value)


@pytest.mark.parametrize("between", [0, 1, 4, 5, 9])
@pytest.mark.parametrize("again", [text("ab"), text("ab", memoised=False), b"h\x01"])
def test_a_name_that_comes_twice(between, again):
    others = b"".join(text(str(n)) + b"K\x05" for n in range(between))
    found = same(HEAD + DICT + text("ab") + b"K\x01" + others + again + b"K\x02u.")
    assert found[0].startswith("{'ab': 2")
    same(HEAD + b"(" + DICT + text("ab") + b"K\x01" + others + again + b"K\x02uh\x00t.")


@pytest.mark.parametrize(
    "inside",
    [
        b"u", text("a") + b"u", text("a"), b"K\x01K\x02u", text("a") + b"K\x01" + text("b") + b"u",
        text("a") + b"h\x00u", text("a") + b"h\x09u", b"h\x09K\x01u", text("a") + b"K\x01s", text("a") + b"K\x01t",
        text("a") + b"K\x01(K\x02tu", text("a") + b"}\x94(" + text("b") + b"K\x01uu}\x94(" + text("c") + b"Nu0",
        text("a") + b"K\x01u}", text("a") + b"K\x01u}\x940", text("a") + b"K\x01u}\x94(", text("a") + b"K\x01u}\x94(0",
        b"\x8c\x02\xff\xfeK\x01u", text("a") + b"\x8c\x02\xff\xfeu", text("a") + b"K\x01u(",
        text("a") + b"c__builtin__\nint\n)Ru", text("a") + b"C\x01x\x94u", b"K\x01" + text("a") + b"u",
        b"h\x00K\x01u", text("a") + b"K\x01" + text("b") + b"h\x00" + text("c") + b"K\x02u",
        text("a") + b"]\x94(K\x01K\x02e" + text("b") + b"]\x94" + text("c") + b"(K\x01lu",
    ],
)  # fmt: skip
def test_what_is_no_dict_of_atoms(inside):
    whole = HEAD + DICT + inside + b"."
    for data in [whole, whole + b"tail of some length", HEAD + b"(" + DICT + inside + b"K\x07t."]:
        same(data)
    for end in range(len(whole)):
        same(whole[:end])
        same(whole[:end] + b"N" * 12)


@pytest.mark.parametrize("off", [-2, -1, 0, 1, 2, 2**32, 2**63])
@pytest.mark.parametrize("size", [3, 20, 5000, 40_000])
def test_frames_of_another_length(off, size):
    body = b"]\x94(" + b"K\x01" * (size // 2) + b"e."
    length = (len(body) + off) % 2**64
    for tail in (b"", b"tail"):
        same(b"\x80\x05\x95" + length.to_bytes(8, "little") + body + tail)
        same(b"\x80\x09\x95" + length.to_bytes(8, "little") + body + tail)


def test_forms_of_calls():
    value = {"name": "text", "number": 10**5}
    data = pickle.dumps(value, 5)
    for same_data in (
        data,
        bytearray(data),
        memoryview(data),
        type("Data", (bytes,), {})(data),
        memoryview(data)[:],
    ):
        assert cypickle.loads(same_data) == value
    assert cypickle.loads(data, encoding="latin1") == cypickle.loads(data, buffers=None) == value
    assert cypickle.loads(b"U\x01\xe9.", encoding="latin1") == "é"
    assert cypickle.loads(b"U\x01\xe9.", encoding="bytes") == b"\xe9"
    for wrong in [(), (data, data), (None,), ("text",), (memoryview(data)[::2],)]:
        with pytest.raises((TypeError, BufferError)):
            cypickle.loads(*wrong)
    with pytest.raises(TypeError):
        cypickle.loads(data=data)
    with pytest.raises(UnicodeDecodeError):
        cypickle.loads(b"U\x01\xe9.")


class Loads:
    """Loads something in its turn, and then fails or not."""

    def __init__(self, data, fails):
        self.args = data, fails

    def __reduce__(self):
        return load_in_turn, self.args


def load_in_turn(data, fails):
    value = cypickle.loads(data)
    if fails:
        raise ZeroDivisionError
    return value


def test_loads_inside_loads():
    for fails in (False, True):
        data = pickle.dumps({"a": 1}, 5)
        for depth in range(20):
            data = pickle.dumps({"inner": Loads(data, fails and depth == 3), "more": depth}, 5)
        if fails:
            with pytest.raises(ZeroDivisionError):
                cypickle.loads(data)
        else:
            assert repr(cypickle.loads(data)).count("inner") == 20
    again = b"c" + __name__.encode() + b"\nload_again\n)R."
    with pytest.raises(RecursionError):
        cypickle.loads(again)
    assert cypickle.loads(pickle.dumps({"a": 1}, 5)) == {"a": 1}


def load_again():
    return cypickle.loads(b"c" + __name__.encode() + b"\nload_again\n)R.")


DROPPED = """
import functools, pickle, cypickle

class Drops:
    def __reduce__(self):
        return drop, ()

def drop():
    load.__setstate__((len, (b"",), {}, None))
    return bytes(10**6), bytes(2 * 10**6)

for loads in (pickle.loads, cypickle.loads):
    load = functools.partial(loads, pickle.dumps([Drops(), *range(10**6)], 5))
    dropped, *rest = load()
    assert rest == list(range(10**6)) and load() == 0
"""


def test_data_that_the_caller_drops():
    run = run_python("-c", DROPPED, seconds=60)
    assert run.returncode == 0, run.stderr


class Finder:
    """Finds, when it is finalized, the dict that it was a value of, and makes that the names of a function."""

    made = None

    def __del__(self):
        for found in gc.get_objects():
            if type(found) is dict and found.get("found") == "by this":
                Finder.made = types.FunctionType((lambda: len).__code__.replace(), found)
                for _ in range(100):
                    Finder.made()


@pytest.mark.parametrize("before", [0, 1, 2, 6, 8])
@pytest.mark.parametrize("between", [0, 1, 2])
def test_a_dict_that_a_finalizer_finds(before, between):
    """What CPython knows of its keys by then does not outlive the next one."""
    others = [text(str(n)) + b"K\x05" for n in range(before + between)]
    pairs = [text("found") + text("by this"), *others[:before]]
    pairs += [
        text("value") + b"c" + __name__.encode() + b"\nFinder\n)\x81",
        text("value") + b"K\x05",
        *others[before:],
    ]
    data = HEAD + DICT + b"".join(pairs) + text("len") + b"K\x07u."
    for loads in (pickle.loads, cypickle.loads):
        loads(data)
        assert Finder.made() == Finder.made.__globals__["len"] == 7
        Finder.made = None
