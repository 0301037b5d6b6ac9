"""Lists, tuples and dicts of atoms and strs, and what ends a run of them: other objects, user code, a frame."""

import pickle
import random
from enum import Enum

import pytest

from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import to_file

SIZES = [0, 255, 256, 65_535, 65_536, 2**30 - 1, 2**30, 2**31, -1, -(2**30), -(2**40)]
TEXTS = ["", "x" * 64, "x" * 65, "y" * 255, "y" * 256, "z" * 17_000]
TEXTS += ["é" * 20, "é" * 127, "é" * 128, "価格" * 40, "価" * 85, "🚀", "🚀" * 64, "\ud800", "q" * 300 + "é"]


def agree(item):
    for protocol in PROTOCOLS:
        assert CYPICKLE.dumps(item, protocol) == C_PICKLE.dumps(item, protocol)


def fresh(text):
    """An equal str that nobody else has."""
    return "".join(list(text))


@pytest.mark.parametrize("count", [1, 5, 15, 16, 17, 40, 999, 1000, 1001, 2500])
def test_numbers_of_one_size_and_of_many(count):
    rng = random.Random(count)
    for size in SIZES:
        numbers = [size] * count
        agree([numbers, tuple(numbers), dict.fromkeys(range(size, size + count))])
        numbers[rng.randrange(count)] = rng.choice(SIZES)
        agree([numbers, tuple(numbers), dict.fromkeys(numbers, size)])
    agree([rng.choice(SIZES) for _ in range(count)])


class Number(int):
    """An int of another type."""


EDGES = [-6, -5, -1, 0, 1, 254, 255, 256, 257, 258, True, False, None, 1.5, Number(7), 2**70, "x"]


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("count", [0, 1, 9, 14, 15, 16, 40, 1200])
def test_ints_of_one_byte_and_what_ends_them(count, edge):
    small = [n % 256 for n in range(count)]
    agree([[*small, edge], [edge, *small], [*small, edge, *small], [*small, edge, 300, *small, 70_000]])
    agree([*small, edge, *small])


@pytest.mark.parametrize("padding", range(65_440, 65_537, 1))
@pytest.mark.parametrize("kind", ["byte", "usual", "mixed", "wide", "float", "text"])
def test_runs_at_the_end_of_a_frame(kind, padding):
    items = {
        "byte": list(range(100)),
        "usual": list(range(100_000, 100_100)),
        "mixed": [1 << n % 31 for n in range(100)],
        "wide": [1 << 40 + n % 20 for n in range(100)],
        "float": [n / 7 for n in range(100)],
        "text": [fresh(f"text {n}") for n in range(100)],
    }[kind]
    for item in (["p" * padding, *items], ["p" * padding, items]):
        assert CYPICKLE.dumps(item, 5) == C_PICKLE.dumps(item, 5)


@pytest.mark.parametrize("shared", [False, True])
def test_texts_of_any_length(shared):
    texts = [text if shared else fresh(text) for text in TEXTS]
    for text in texts:
        agree([[text], (text, 1), {text: text}, {1: text}, [text, [text]], {"key": [text, text]}])
    agree(
        [texts, tuple(texts), dict(zip(texts, texts, strict=True)), dict.fromkeys(map(fresh, texts), texts)]
    )


@pytest.mark.parametrize("text", TEXTS)
def test_texts_at_the_end_of_a_frame(text):
    nbytes = len(text.encode("utf-8", "surrogatepass"))
    for padding in range(max(0, 65_536 - nbytes - 60), 65_536, 1 + nbytes // 40):
        item = [b"p" * padding, fresh(text), {fresh(text): fresh(text)}, (1, fresh(text)), {1: 2}, [3]]
        assert CYPICKLE.dumps(item) == C_PICKLE.dumps(item)


@pytest.mark.parametrize("padding", range(65_440, 65_537, 1))
def test_pairs_at_the_end_of_a_frame(padding):
    item = [
        b"p" * padding,
        {"a": 1, "b": None},
        {1: 2, 300: 3.5, 70_000: True, None: []},
        [{}, [4], (5, (6,))],
    ]
    assert CYPICKLE.dumps(item) == C_PICKLE.dumps(item)


@pytest.mark.parametrize(
    "value", [None, [], [1], (), (2,), {}, {3: 4}, b"b", {5}, frozenset({6}), int, 2**80]
)
def test_anything_may_come_between(value):
    for at in (0, 1, 4):
        items = list(range(5))
        items[at] = value
        pairs = {**dict.fromkeys("abcde", 1), "abcde"[at]: value, 7: value}
        agree([items, tuple(items), pairs, {"x": [pairs]}, ({"y": pairs},)])


@pytest.mark.parametrize(
    "key", [(1, "a"), (1, (2,)), frozenset({1}), b"key", 2**80, 1.5, None, True, int, "é", "k" * 70]
)
def test_keys_of_any_kind(key):
    for value in ("text", fresh("new"), [1], (2, [3]), {4: 5}):
        agree([{key: value}, {"a": 1, key: value, "b": 2}, {1: value, key: [value]}, {key: {key: value}}])


def test_keys_by_place():
    names = [fresh(f"name{number}") for number in range(60)]
    rng = random.Random(1)
    agree([dict.fromkeys(rng.sample(names, rng.randrange(60)), 1) for _ in range(200)])
    agree([{fresh("only"): 1, "name": 2}, {"name": 3, fresh("only"): 4}, {"name": 5, 6: 7, "other": 8}] * 3)


class Member(Enum):
    ONE = 1
    TWO = 2


@pytest.mark.parametrize("known", [2, 250, 253, 256, 300, 5000])
@pytest.mark.parametrize("kind", [str, bytes, object, Member, dict, tuple, int])
def test_what_is_met_again_in_a_row(kind, known):
    """Memo indices around 256, above which they take other opcodes, and what ends the row."""
    make = {
        str: lambda n: f"text{n}",
        bytes: lambda n: b"%d" % n,
        object: lambda n: range(n),
        int: lambda n: n << 40,
    }
    make |= {Member: lambda n: list(Member)[n % 2], dict: lambda n: {n: n}, tuple: lambda n: (n, str(n))}
    rng = random.Random(known)
    items = [make[kind](n) for n in range(known)]
    for other in (fresh("new"), 5, None, Member.ONE, "é", [fresh("below")], 2.5):
        row = rng.choices(items, k=40)
        agree([items, row, [*row, other, *row], [*row, other], [other, *row, fresh("x"), other, other, *row]])
        agree([*items, *items, other, *items])


@pytest.mark.parametrize("known", [5, 400])
@pytest.mark.parametrize("padding", range(65_380, 65_537, 3))
def test_what_is_met_again_at_the_end_of_a_frame(padding, known):
    texts = [f"text{n}" for n in range(known)]
    item = [texts, b"p" * (padding - len(pickle.dumps(texts, 4))), texts * 3, [Member.ONE] * 60]
    assert CYPICKLE.dumps(item) == C_PICKLE.dumps(item)


class Reduced:
    """A key, or an item, whose reduction runs `change`."""

    def __init__(self, change):
        self.change = change

    def __reduce__(self):
        self.change()
        return Reduced, (None,)


def outcome(implementation, make, protocol):
    item = make()
    try:
        return implementation.dumps(item, protocol)
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("change", ["value", "later", "nothing"])
@pytest.mark.parametrize("depth", [0, 1, 60])
def test_a_key_changes_its_dict(depth, change, protocol):
    """The value of a key whose reduction takes it away is written all the same; what comes later is as it is then."""

    def make():
        pairs = {"first": [1], 2: [3]}

        def run():
            if change == "value":
                pairs[key] = None
            elif change == "later":
                pairs["last"] = {"other": []}

        key = Reduced(run)
        pairs[key] = [fresh("taken"), [4]]
        pairs["last"] = [5, fresh("six")]
        item = pairs
        for _ in range(depth):
            item = {"below": item, "beside": [7]}
        return item

    assert outcome(CYPICKLE, make, protocol) == outcome(C_PICKLE, make, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("count", [3, 1500])
def test_runs_after_user_code(count, kind, protocol):
    def make():
        items = [*range(count), [fresh("text")], Reduced(lambda: None), *range(count), [fresh("text"), 1.5]]
        return kind([kind(items), {"key": kind(items)}])

    assert outcome(CYPICKLE, make, protocol) == outcome(C_PICKLE, make, protocol)


def test_frames_that_go_to_a_file():
    rng = random.Random(3)
    item = [
        {fresh(rng.choice(TEXTS[:-1])): rng.choice(SIZES), rng.choice(SIZES): (1, "a")} for _ in range(3000)
    ]
    for protocol in PROTOCOLS:
        assert to_file(CYPICKLE, item, protocol) == to_file(C_PICKLE, item, protocol)
