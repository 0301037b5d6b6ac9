"""What a plan of the emitter must not assume: found by comparing with the stdlib, each on its own."""

import ast
import dataclasses
import gc
import io
import pickle
import subprocess
import sys
from collections import Counter, OrderedDict
from fractions import Fraction
from pathlib import PurePosixPath

import pytest

import cypickle
from oracle import both


class Slotted:
    __slots__ = ("first",)

    def __init__(self, first):
        self.first = first


class Path(PurePosixPath):
    pass


@dataclasses.dataclass(frozen=True, slots=True)
class Fields:
    first: int
    second: object = None


def same(obj, protocols=range(6)):
    for protocol in protocols:
        assert cypickle.dumps(obj, protocol) == pickle.dumps(obj, protocol)


@pytest.mark.parametrize("make", [Slotted, Fields, lambda n: Counter([n]), lambda n: Fraction(n, 7)])
def test_frames_may_end_anywhere_in_an_object(make):
    for padding in range(65_380, 65_540):
        same(["p" * padding, make(1), make(2)], (4, 5))


def reduced():
    return int, ()


@pytest.mark.parametrize("make", [lambda: Counter("a"), lambda: Path("a")])
def test_a_reducer_of_the_instance_itself(make):
    shadowing = make()
    try:
        shadowing.__reduce__ = reduced
    except AttributeError:
        pytest.skip("instances have no attributes of their own here")
    same([make(), make(), shadowing, make()])


def test_a_plan_that_the_collector_gives_to_another_class():
    """Iterating allocates, so the collector may run, so a finalizer may dump instances of classes with these places."""
    places = (id(OrderedDict) >> 5) & 1020  # four, and more classes than that
    classes = []
    others = []
    while len(others) < 12 and len(classes) < 20_000:
        classes.append(type(f"Other{len(others)}", (), {"__module__": __name__}))
        if (id(classes[-1]) >> 5) & 1020 == places:
            others.append(classes[-1])
            globals()[classes[-1].__name__] = classes[-1]
    for first in range(0, len(others), 6):

        class Finalized:
            def __del__(self, first=first):
                for other in others[first : first + 6]:
                    cypickle.dumps([other(), other()], 5)

        cypickle.dumps([OrderedDict(a=1), OrderedDict(a=2)], 5)
        cycle = Finalized()
        cycle.itself = cycle
        del cycle
        threshold = gc.get_threshold()
        items = [OrderedDict(a=n) for n in range(50)]
        expected = pickle.dumps(items, 5)
        gc.set_threshold(1)
        try:
            actual = cypickle.dumps(items, 5)
        finally:
            gc.set_threshold(*threshold)
        assert actual == expected


def test_fields_taken_away_from_a_frozen_dataclass():
    items = [Fields(1, 2), Fields(3, [4])]
    same(items)
    field = Fields.__dataclass_fields__.pop("second")
    try:
        same(items)
    finally:
        Fields.__dataclass_fields__["second"] = field
    same(items)


class Assigning(io.BytesIO):
    """A file that changes an object when it is written to."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def write(self, data):
        self.change()
        return super().write(data)


@pytest.mark.parametrize("make", [Slotted, Fields])
@pytest.mark.parametrize("attribute", [None, "first"])
def test_the_state_is_that_from_before_anything_was_written(make, attribute):
    for padding in range(65_400, 65_540):
        written = []
        for implementation in (pickle, cypickle):
            item = make("before")

            def change(item=item):
                if attribute is not None:
                    object.__setattr__(item, attribute, "after")
                elif hasattr(item, "first"):
                    object.__delattr__(item, "first")

            file = Assigning(change)
            try:
                implementation.Pickler(file, 5).dump(["p" * padding, make(0), item])
            except AttributeError as error:  # it was written to before the object's turn
                written.append(str(error))
            else:
                written.append(file.getvalue())
        assert written[0] == written[1], padding


def test_loading_fractions_obeys_what_the_class_says():
    data = pickle.dumps([Fraction(1, 3)])
    cypickle.loads(data)

    def refuse(self, name, value):
        raise ValueError(name)

    Fraction.__setattr__ = refuse
    try:
        with pytest.raises(ValueError, match="_numerator"):
            cypickle.loads(data)
    finally:
        del Fraction.__setattr__
    assert cypickle.loads(data) == [Fraction(1, 3)]


def moved(items, *keys):
    for key in keys:
        items.move_to_end(key)
    return items


def behind_its_back(change):
    """An OrderedDict whose dictionary is changed as no method of its own would."""
    items = OrderedDict(a=1, b=2, c=3)
    change(items)
    return items


def attributed(items, **attributes):
    vars(items).update(attributes)
    return items


class Equal(str):
    """A key that is compared by code of its own."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return str.__eq__(self, other)


ORDERED = {
    "empty": lambda: OrderedDict(),
    "one": lambda: OrderedDict(a=1),
    "moved": lambda: moved(OrderedDict(a=1, b=2, c=3, d=4), "b", "a"),
    "cut": lambda: [
        item for item in [OrderedDict.fromkeys("abcdef", 1)] if [item.pop("c"), item.popitem(last=False)]
    ],
    "cleared and filled": lambda: [
        item for item in [OrderedDict(a=1)] if item.clear() is None and not item.update(b=2)
    ],
    "as many as are looked at": lambda: OrderedDict.fromkeys(range(32)),
    "one more": lambda: OrderedDict.fromkeys(range(33)),
    "many": lambda: moved(OrderedDict.fromkeys(map(str, range(3000))), "7", "1"),
    "other keys": lambda: OrderedDict({(1, 2): 1, None: 2, 1.5: 3, b"4": 4}),
    "keys with code": lambda: OrderedDict({Equal("a"): 1, "b": 2}),
    "other values": lambda: moved(OrderedDict(a=[1], b={}, c=OrderedDict(d=[2])), "a"),
    "attributes": lambda: attributed(OrderedDict(a=1), more=2),
    "attributes gone": lambda: attributed(attributed(OrderedDict(a=1), more=2)).__dict__.clear(),
    "set behind its back": lambda: behind_its_back(lambda items: dict.__setitem__(items, "d", 4)),
    "deleted behind its back": lambda: behind_its_back(lambda items: dict.__delitem__(items, "b")),
    "both": lambda: behind_its_back(
        lambda items: [dict.__delitem__(items, "b"), dict.__setitem__(items, "d", 4)]
    ),
    "emptied behind its back": lambda: behind_its_back(dict.clear),
}


@pytest.mark.parametrize("name", ORDERED)
def test_ordered_dicts_are_written_in_their_order(name):
    for protocol in range(6):

        def dumped(implementation, seen, protocol=protocol):
            made = [OrderedDict(z=0), ORDERED[name](), ORDERED[name]()]
            return implementation.dumps([*made, made], protocol)

        theirs, ours = both(dumped)
        assert ours == theirs


def test_a_reducer_of_a_syntax_tree_itself():
    shadowing = ast.Name("a", ast.Load())
    shadowing.__reduce__ = reduced
    same([ast.Name("b", ast.Load()), ast.Name("c", ast.Load()), shadowing])


WITHOUT_DATACLASSES = """
import sys
import cypickle

class Stateful:
    def __getstate__(self):
        return [1]

    def __setstate__(self, state):
        self.state = state

assert "dataclasses" not in sys.modules
print(cypickle.loads(cypickle.dumps([Stateful()]))[0].state)
"""


def test_a_getstate_in_a_program_without_dataclasses():
    """A __getstate__ is not that of frozen dataclasses where the module is not even imported."""
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_DATACLASSES], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "[1]\n", "")
