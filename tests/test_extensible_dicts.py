"""ExtensiblePicklers that say for which dicts their dispatch does something: as if they had not said it."""

import io
import pickle
from collections import OrderedDict

import pytest

import cypickle
from test_extensible import Plain, declarations_matter, dumped

PURE, OURS = pickle._Pickler, cypickle.ExtensiblePickler


class SavesDictsByName(OURS):
    """Its handler of dicts writes those with a name, and any that equals the other, as a str."""

    dispatch = dict(PURE.dispatch)  # noqa: RUF012
    other = {"x": 1, "y": 2}  # noqa: RUF012
    says = True

    def __init__(self, *args, **named):
        OURS.__init__(self, *args, **named)
        self.handled = 0

    def save_some(self, obj):
        self.handled += 1
        if "name" in obj or obj == self.other:
            self.save(str(obj.get("name", "the other")))
        else:
            PURE.save_dict(self, obj)

    dispatch[dict] = save_some

    def dict_exceptions(self):
        return (SavesDictsByName.dispatch[dict], "name", self.other) if self.says else None


class SavesEachDict(SavesDictsByName):
    says = False


class Strange(str):
    def __eq__(self, other):
        return str.__eq__(self, other) or other == "name"

    def __hash__(self):
        return hash("name")


MANY_DICTS = [
    {},
    {"a": 1},
    {"name": "n"},
    {"name": {"name": "deep"}},
    {"x": 1, "y": 2},
    {"y": 2, "x": 1},
    {"x": 1, "y": 3},
    {"x": 1, "z": 2},
    {"a": 1, "b": {"x": 1, "y": 2}},
    {1: 2, "x": 1},
    {1: 2, 3: 4, "name": "mixed"},
    {Strange("odd"): 1},
    dict.fromkeys(map(str, range(1001))),
    vars(Plain({"x": 1, "y": 2})),
    vars(Plain("v")),
    Plain({"name": "held"}),
    OrderedDict(name="ordered"),
]


@pytest.mark.parametrize("other", [{"x": 1, "y": 2}, {}, {1: 2, "x": 1}, {"value": "v"}])
@pytest.mark.parametrize("protocol", range(6))
def test_dicts_that_a_handler_does_nothing_for(protocol, other, monkeypatch):
    monkeypatch.setattr(SavesDictsByName, "other", other)
    for obj in (MANY_DICTS, *MANY_DICTS):
        assert dumped(SavesDictsByName, obj, protocol) == dumped(SavesEachDict, obj, protocol)


@declarations_matter
def test_the_handler_is_called_for_those_alone():
    pickler = SavesDictsByName(io.BytesIO(), 4)
    pickler.dump([{"a": 1}, {"name": "n"}, {"x": 1, "y": 2}, {"z": 2, "x": 1}, {"b": Plain(1)}])
    assert pickler.handled == 2


def test_a_handler_that_is_exchanged_meanwhile():
    class Exchanges:
        def __init__(self, pickler, **changes):
            self.pickler = pickler
            self.changes = changes

        def __reduce__(self):
            if "handler" in self.changes:
                self.pickler.dispatch[dict] = self.changes["handler"]
            if "other" in self.changes:
                self.pickler.other = self.changes["other"]
            return int, ()

    def outcome(cls):
        pickler = cls(file := io.BytesIO(), 4)
        pickler.dispatch = dict(cls.dispatch)
        pickler.dump(
            [
                {"a": 1},
                {"x": 1, "y": 2},
                Exchanges(pickler, other={"a": 2}),
                {"a": 2},
                {"x": 1, "y": 2},
                Exchanges(pickler, handler=lambda self, obj: self.save("exchanged")),
                {"b": 1},
                Exchanges(pickler, handler=PURE.save_dict),
                {"name": "n"},
                {"a": 2},
            ]
        )
        return file.getvalue()

    assert outcome(SavesDictsByName) == outcome(SavesEachDict)
    assert pickle.loads(outcome(SavesDictsByName))[3:] == [
        "the other", {"x": 1, "y": 2}, 0, "exchanged", 0, {"name": "n"}, {"a": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["_batch_setitems", "memoize", "save_dict", "persistent_id", "reducer_override"]
)
def test_dicts_of_subclasses_that_override_more(name):
    def overridden(base):
        calls = []

        def method(self, *args):
            calls.append(name)
            if name == "persistent_id":
                return "id" if args[0] == "p" else None
            if name == "reducer_override":
                return NotImplemented
            return getattr(OURS, name)(self, *args)

        return type("Sub", (base,), {name: method}), calls

    outcomes = []
    for base in (SavesDictsByName, SavesEachDict):
        cls, calls = overridden(base)
        outcomes.append((dumped(cls, ["p", MANY_DICTS], 4), len(calls)))
    assert outcomes[0] == outcomes[1]
