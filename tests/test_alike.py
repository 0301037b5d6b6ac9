"""Instances that follow each other are loaded by what the one before was like: here the next is unlike it."""

import dataclasses
import datetime
import gc
import pickle
import random

import pytest

import cypickle
from isomorphism import assert_isomorphic
from oracle import outcome
from test_leaks import assert_stable


class Plain:
    pass


class Slots:
    __slots__ = ("a", "b", "c", "d")


@dataclasses.dataclass(slots=True)
class Record:
    a: object
    b: object
    c: object = None
    d: object = None


class Changing:
    """Changes the class of its neighbours as it is loaded."""

    def __reduce__(self):
        return change, ()


def change():
    Plain.__setstate__ = lambda self, state: vars(self).update(state, changed=True)
    return "changed"


def filled(cls, **attributes):
    made = cls.__new__(cls)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


shared = ["shared"]
VALUES = [
    lambda: 7,
    lambda: 70_000,
    lambda: -1,
    lambda: 2**40,
    lambda: 1.5,
    lambda: "text %d" % random.randrange(10),  # noqa: UP031
    lambda: "é",
    lambda: "x" * 300,
    lambda: None,
    lambda: True,
    lambda: b"bytes",
    list,
    lambda: [1, 2, 3],
    lambda: [1, [2, "t"], {"k": 3}],
    lambda: ["a", "b"],
    lambda: (1, "two"),
    lambda: {"k": [1]},
    lambda: shared,
    lambda: "a",
    lambda: Plain,
    lambda: datetime.date(2020, 1, 2),
    lambda: filled(Plain, a=1, b=2),
    lambda: filled(Slots, a=1, b=[2]),
    lambda: filled(Record, a=1, b=[2], c=3, d=4),
]


def graph(rng, count):
    """Instances of mostly one class and mostly the same attributes, some of which refer to those before."""
    made = []
    cls = Plain
    names = ["a", "b", "c"]
    for _ in range(count):
        if rng.random() < 0.1:
            cls = rng.choice([Plain, Slots, Record])
        if rng.random() < 0.2:
            names = rng.sample("abcd", rng.randrange(5))
        one = filled(cls, **{name: rng.choice(VALUES)() for name in names})
        if cls is Record:
            for name in set("abcd") - set(names):
                setattr(one, name, rng.choice(VALUES)())
        if made and rng.random() < 0.1 and names:
            setattr(one, names[0], rng.choice([one, made, made[-1]]))
        made.append(one)
    return made


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("seed", range(40))
def test_graphs(seed, protocol):
    made = graph(random.Random(seed), 60)
    data = pickle.dumps(made, protocol)
    assert_isomorphic(pickle.loads(data), cypickle.loads(data))


@pytest.mark.parametrize("cls", [Plain, Slots, Record])
def test_every_prefix(cls):
    made = [filled(cls, a=n, b=f"text {n}", c=[n, 1.5], d=n / 7) for n in range(4)]
    data = pickle.dumps(made)
    for end in range(len(data)):
        for short in (data[:end], data[:end] + b".", data[:end] + b"000000000."):
            ours, theirs = outcome(cypickle.loads, short), outcome(pickle.loads, short)
            assert (ours.error, ours.message) == (theirs.error, theirs.message)


@pytest.mark.parametrize("cls", [Plain, Slots, Record])
def test_memos_and_frames_may_end_anywhere(cls):
    for padding in [*range(20, 70), *range(65_300, 65_540, 3)]:
        made = [["p"] * 3, "p" * padding if padding > 100 else list(map(str, range(padding)))]
        made += [filled(cls, a=n, b=f"text {n}", c=[n, 1.5], d=n / 7) for n in range(5)]
        data = pickle.dumps(made)
        assert_isomorphic(pickle.loads(data), cypickle.loads(data))


def alike(cls, states):
    """A pickle of instances with states given as opcodes, behind the names 'a' and 'b' in the memo."""
    name = f"c{cls.__module__}\n{cls.__name__}\n".encode()
    start = b"\x80\x04(" + name + b"\x940\x8c\x01a\x94\x8c\x01b\x94"
    return start + b"".join(b"h\x00)\x81\x94" + state for state in states) + b"t."


PLAIN = b"}\x94(h\x01K\x01h\x02K\x02ub"
SLOTS = b"N}\x94(h\x01K\x01h\x02K\x02u\x86\x94b"
ODD = {
    "twice": b"}\x94(h\x01K\x01h\x01G\x3f\xf8\0\0\0\0\0\0ub",
    "twice, with more": b"}\x94(h\x01K\x01h\x02K\x02h\x01K\x03ub",
    "swapped": b"}\x94(h\x02K\x01h\x01K\x02ub",
    "none": b"}\x94b",
    "empty": b"}\x94(ub",
    "a name without a value": b"}\x94(h\x01ub",
    "no str": b"}\x94(K\x01K\x02ub",
    "no such name": b"}\x94(h\x63K\x02ub",
    "no such value": b"}\x94(h\x01h\x63ub",
    "not built": b"}\x94(h\x01K\x01u0",
    "built later": b"}\x94(h\x01K\x01u(0b",
    "its own state": b"}\x94(h\x01h\x04h\x02h\x04ub",
    "itself": b"}\x94(h\x01h\x03h\x02h\x03ub",
    "asked for": b"}\x94(h\x01K\x01h\x02K\x02ubh\x04",
    "changed afterwards": b"}\x94(h\x01K\x01h\x02K\x02ubh\x04h\x01K\x09s0",
    "put elsewhere": b"}\x94(h\x01K\x01q\x04h\x02K\x02ub",
    "a list": b"}\x94(h\x01]\x94(K\x01K\x02eh\x02K\x02ub",
    "a list that goes on": b"}\x94(h\x01]\x94(K\x01e(K\x02eK\x03ah\x02K\x02ub",
    "a list that never ends": b"}\x94(h\x01]\x94(K\x01h\x02K\x02ub",
    "no text": b"}\x94(h\x01\x8c\x01\xffh\x02K\x02ub",
    "no text, memoised": b"}\x94(h\x01\x8c\x02a\xff\x94h\x02K\x02ub",
    "no text in a list": b"}\x94(h\x01]\x94(K\x01\x8c\x01\xffeh\x02K\x02ub",
    "no text in a list, and one that is not short": b"}\x94(h\x01]\x94(K\x01\x8c\x01\xffeh\x02]\x94(K\x02)eub",
    "slots": SLOTS,
    "slots twice": b"N}\x94(h\x01K\x01h\x01K\x02u\x86\x94b",
    "slots, not built": b"N}\x94(h\x01K\x01h\x02K\x02u\x86\x940",
    "slots and attributes": b"}\x94(h\x01K\x01h\x02K\x02u}\x94(h\x01K\x03u\x86\x94b",
    "slots, asked for": SLOTS + b"h\x04h\x05",
    "only the pair memoised": b"N}(h\x01K\x01h\x02K\x02u\x86\x94b",
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("cls", "usual"), [(Plain, PLAIN), (Slots, SLOTS)])
def test_an_odd_one_between(cls, usual, odd):
    one, *more = [ODD[odd]] * 3
    for states in ([usual, one, usual], [usual, usual, one, usual], [one, *more, usual], [one, usual]):
        data = alike(cls, states)
        for _ in range(2):
            ours, theirs = outcome(cypickle.loads, data), outcome(pickle.loads, data)
            assert (ours.error, ours.message) == (theirs.error, theirs.message)
            if ours.error is None:
                assert_isomorphic(theirs.value, ours.value)


class Aliased:
    __slots__ = ("a", "b")


Aliased.c = Aliased.a


@dataclasses.dataclass(slots=True, frozen=True)
class Listed:
    a: object
    c: object
    b: object


Listed.c = Listed.a


class Mortal:
    dead = 0

    def __del__(self):
        Mortal.dead += 1


def slotted_states(cls, states, memoised):
    """A pickle of instances whose slots, named by the letters of a state, are filled with objects of their own."""
    name, value = (f"c{__name__}\n{one.__name__}\n".encode() for one in (cls, Mortal))
    data = (
        b"\x80\x04(" + name + b"\x94" + b"".join(b"\x8c\x01%c\x94" % one for one in b"abc") + value + b"\x94"
    )
    memo = b"\x94" if memoised else b""
    for state in states:
        items = b"".join(b"h%c" % (1 + "abc".index(letter)) + b"h\x04)\x81" for letter in state)
        data += b"h\x00)\x81" + memo + b"N}" + memo + b"(" + items + b"u\x86" + memo + b"b"
    return data + b"t."


@pytest.mark.parametrize("memoised", [False, True])
@pytest.mark.parametrize(
    ("cls", "states"),
    [
        (Slots, ["ab", "b", "bb"]),
        (Slots, ["ab", "b"] + ["bb"] * 100),
        (Slots, ["abc", "aba", "ab", "aab", "b", "bab", "bb"]),
        (Aliased, ["ab", "b", "ac", "ca"]),
        (Aliased, ["cb", "b", "a", "cac", "ac", *["ca"] * 100]),
    ],
)
def test_what_one_slot_held_before_is_released(cls, states, memoised):
    """A name that comes twice, or two names of one slot, after each has been learnt in its place."""
    data = slotted_states(cls, states, memoised)
    held = sum(len({"a" if cls is Aliased and name == "c" else name for name in state}) for state in states)
    for loads in (pickle.loads, cypickle.loads, cypickle.loads):
        Mortal.dead = 0
        value = loads(data)
        assert Mortal.dead == sum(map(len, states)) - held
        del value
        gc.collect()
        assert Mortal.dead == sum(map(len, states))


@pytest.mark.parametrize("memoised", [b"", b"\x94"])
def test_what_two_fields_of_one_slot_held_is_released(memoised):
    names = [f"c{__name__}\n{one.__name__}\n".encode() for one in (Listed, Mortal)]
    state = b"h\x00)\x81" + memoised + b"]" + memoised + b"(" + b"h\x01)\x81" * 3 + b"eb"
    data = b"\x80\x04(" + names[0] + b"\x94" + names[1] + b"\x94" + state * 5 + b"t."
    for loads in (pickle.loads, cypickle.loads, cypickle.loads):
        Mortal.dead = 0
        value = loads(data)
        assert Mortal.dead == 5
        del value
        gc.collect()
        assert Mortal.dead == 15


@pytest.mark.parametrize("memoised", [False, True])
def test_floats_that_one_slot_held_before_are_released(memoised):
    for cls, states in ((Slots, ["ab", "b"] + ["bb"] * 100), (Aliased, ["ab", "b"] + ["ac"] * 100)):
        data = slotted_states(cls, states, memoised).replace(b"h\x04)\x81", b"G\x3f\xf8\0\0\0\0\0\0")
        assert_stable(lambda data=data: cypickle.loads(data))


def test_the_class_changes_meanwhile():
    made = [filled(Plain, a=n, b=n) for n in range(3)]
    data = pickle.dumps(
        [*made, filled(Plain, a=Changing(), b=2), *(filled(Plain, a=n, b=n) for n in range(3))]
    )
    seen = []
    for module in (pickle, cypickle):
        try:
            seen.append([vars(one) for one in module.loads(data)])
        finally:
            del Plain.__setstate__
    assert seen[0] == seen[1]
    assert "changed" in seen[1][-1]


def test_what_is_loaded_may_be_changed_and_collected():
    data = pickle.dumps([filled(Plain, a=n, b=[n]) for n in range(5)])
    for one in cypickle.loads(data):
        assert gc.is_tracked(one)
        assert list(vars(one)) == ["a", "b"]
        one.c = one
        del one.a
        assert vars(one) == {"b": one.b, "c": one}


def test_nothing_leaks():
    data = pickle.dumps(graph(random.Random(1), 60))

    def run():
        cypickle.loads(data)
        for end in range(0, len(data), 97):
            outcome(cypickle.loads, data[:end])

    assert_stable(run)


STATES = [
    bytes(rng.choices([0, 1, 2, 5, 12, 13, 23, 24, 59, 60, 128, 129, 140, 141, 151, 255], k=10))
    for rng in map(random.Random, range(300))
]


@pytest.mark.parametrize(("cls", "size"), [(datetime.date, 4), (datetime.datetime, 10), (datetime.time, 6)])
def test_odd_states_of_dates_and_times(cls, size):
    for state in STATES:
        for arguments in (
            (state[:size],),
            (state[:size], None),
            (state[:size], datetime.UTC),
            (state[1:size],),
        ):
            reduced = pickle.dumps([filled(Called, call=(cls, arguments)) for _ in range(2)])
            ours, theirs = outcome(cypickle.loads, reduced), outcome(pickle.loads, reduced)
            assert (ours.error, ours.message) == (theirs.error, theirs.message)
            if ours.error is None:
                assert [one.__reduce_ex__(4) for one in ours.value] == [
                    one.__reduce_ex__(4) for one in theirs.value
                ]


class Called:
    def __reduce__(self):
        return self.call


def test_more_classes_than_are_remembered():
    """Each is looked over again, in the place of another, while instances of all of them are loaded."""
    made = {}
    for n in range(900):
        body = {"__module__": __name__} | ({"__slots__": ("a", "b")} if n % 3 == 0 else {})
        made[f"Made{n}"] = type(f"Made{n}", (), body)
    globals().update(made)
    try:
        graph_of_all = [filled(cls, a=n, b=[n]) for _ in range(3) for n, cls in enumerate(made.values())]
        data = pickle.dumps(graph_of_all)
        for _ in range(2):
            assert_isomorphic(graph_of_all, cypickle.loads(data))
    finally:
        for name in made:
            del globals()[name]
