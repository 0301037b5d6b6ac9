"""Nodes of syntax trees are written as their reducer has it, whatever has become of their attributes."""

import ast
import copy
import inspect
import io
import pickle
import sys

import pytest

import cypickle
from cypickle import _emitter
from oracle import both

SOURCE = """
class C(B, k=1):
    def f(self, *a: int, b=(yield)) -> None:
        return [-x for x in a if x < b] or f'{a!r}'
"""


def node(code="x = f(1)"):
    """The value of an assignment, and the assignment: a Call, an Assign."""
    assign = ast.parse(code).body[0]
    return [assign.value, assign]


class Own(ast.Name):
    """A subclass of one's own, which has the reducer of all nodes."""


class OwnFields(ast.AST):
    _fields = ("one", "two")


class ListedFields(ast.AST):
    _fields = ["one", "two"]  # noqa: RUF012


class Meta(type):
    """Says another thing about the fields each time."""

    @property
    def _fields(cls):
        return ("two",)


class MadeByMeta(ast.AST, metaclass=Meta):
    pass


class Reducing(ast.Name):
    def __reduce__(self):
        return (str, ("reduced",))


class Asked(str):
    """A key that looks like a field to those who compare, and is none by identity."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return str.__eq__(self, other)


def given(made, items=(), **attributes):
    vars(made).update(items, **attributes)
    return made


def reordered(made):
    items = list(vars(made).items())[::-1]
    vars(made).clear()
    vars(made).update(items)
    return made


def without(made, *names):
    for name in names:
        vars(made).pop(name, None)
    return made


NODES = {
    "as parsed": node,
    "a module": lambda: ast.parse(SOURCE),
    "a large module": lambda: ast.parse(inspect.getsource(inspect)),
    "the first field is missing": lambda: [without(item, "func", "targets") for item in node()],
    "the second is missing": lambda: [without(item, "args", "value") for item in node()],
    "the last is missing": lambda: [without(item, "keywords", "type_comment") for item in node()],
    "no attributes": lambda: [without(item, *list(vars(item))) for item in node()],
    "nothing to write": lambda: [ast.Load(), ast.Add(), given(ast.Load(), one=1), ast.Load(), ast.Pass()],
    "one attribute": lambda: [without(item, *list(vars(item))[1:]) for item in node()],
    "others between": lambda: [reordered(given(item, more=1)) for item in node()],
    "more": lambda: [given(item, more=[1], __getstate__=2) for item in node()],
    "many": lambda: [given(item, **{f"n{n}": n for n in range(1200)}) for item in node()],
    "keys that are no str": lambda: [given(item, {1: 2}) for item in node()],
    "keys of a subclass of str": lambda: [
        given(without(item, "args"), {Asked("args"): 2}) for item in node()
    ],
    "equal keys that are not the same": lambda: [
        given(without(item, "func", "targets"), {"".join(["fu", "nc"]): 1, "".join(["targ", "ets"]): 2})
        for item in node()
    ],
    "itself": lambda: [given(item, loop=item) for item in node()],
    "a dictionary of two": lambda: [given(item, own=vars(item)) for item in node()],
    "shared": lambda: [*node(), *node()] * 2,
    "a subclass": lambda: [Own("a", ast.Load()), given(Own("a", ast.Load()), more=1)],
    "own fields": lambda: [OwnFields(1, 2), OwnFields(1), OwnFields(), OwnFields(1, 2)],
    "listed fields": lambda: [ListedFields(1, 2), ListedFields(1), ListedFields()],
    "fields by a metaclass": lambda: [given(MadeByMeta(), two=1), given(MadeByMeta(), one=1)],
    "a reducer of its own": lambda: [Reducing("a", ast.Load()), Own("a", ast.Load())],
}
if sys.version_info < (3, 13):
    del NODES["fields by a metaclass"]  # the constructor refuses them


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", NODES)
def test_the_bytes_are_those_of_the_reducer(name, protocol):
    def scenario(implementation, seen):
        graph = NODES[name]()
        first, second = implementation.dumps(graph, protocol), implementation.dumps(graph, protocol)
        assert first == second
        return first

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("name", ["as parsed", "a module", "own fields", "nothing to write"])
def test_in_the_memo_of_a_pickler_that_goes_on(name):
    def scenario(implementation, seen):
        file = io.BytesIO()
        pickler = implementation.Pickler(file, 5)
        graph = NODES[name]()
        pickler.dump(graph)
        pickler.dump([vars(item) for item in (graph if isinstance(graph, list) else [graph])])
        pickler.dump(graph)
        return file.getvalue()

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize(
    "place", [lambda item: [item, item], lambda item: {"key": item}, lambda item: (item,)]
)
def test_a_node_that_is_in_an_assigned_memo(place):
    def scenario(implementation, seen):
        known, *others = [name(text) for text in "abcdefg"]
        file = io.BytesIO()
        pickler = implementation.Pickler(file, 5)
        pickler.memo = {id(known): (0, known)}
        pickler.dump([*others, place(known), name()])
        return file.getvalue()

    cypickle.dumps([name(), name()], 5)  # their class has a plan by now
    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("padding", range(65530 - 40, 65536 + 3))
def test_at_the_end_of_a_frame(padding):
    for nodes in (node(), node("x = -y + 1"), [ast.Load(), ast.Name("a", ast.Load()), OwnFields(1, 2)]):
        graph = [*nodes, "p" * padding, *nodes[:1], *copy.deepcopy(nodes)]
        for more in (graph, graph[2:]):
            assert cypickle.dumps(more, 5) == pickle.dumps(more, 5)


class Changing:
    """A part of a node, whose reduction changes what is being written."""

    def __init__(self, change):
        self.change = change

    def __reduce__(self):
        self.change()
        return str, ("changed",)


def name(text="a"):
    """A Name as the parser makes them, with a str that nobody else has."""
    return ast.parse(text + "_" * 40).body[0].value


def twice_the_same(make):
    """The bytes of a graph, with the ways of this module known from another graph, and without any shortcut."""

    def scenario(implementation, seen):
        return implementation.dumps(make(), 5)

    theirs, ours = both(scenario)
    assert ours == theirs
    _emitter.take_general_way(True)
    try:
        assert cypickle.dumps(make(), 5) == theirs.value
    finally:
        _emitter.take_general_way(False)


FORMS = {
    "as parsed": name,
    "with a hook": lambda: given(name(), __reduce__=lambda: (int, (7,))),
    "with another hook": lambda: given(name(), __reduce_ex__=lambda protocol: (int, (8,))),
    "with a hook for a first name": lambda: reordered(given(name(), __reduce__=lambda: (int, (7,)))),
    "with more": lambda: given(name(), more=name()),
    "reordered": lambda: reordered(name()),
    "with a hole": lambda: given(without(given(name(), hole=1), "hole"), last=2),
    "without the first": lambda: without(name(), "id"),
    "of another name": lambda: given(name(), id=name(), ctx=[name(), {}, (1, name())]),
    "empty": lambda: without(name(), *vars(name())),
    "with a shared dictionary": lambda: given(name(), own=vars(name())),
    "a chain": lambda: given(name(), id=given(name(), id=given(name(), id="end"))),
}


@pytest.mark.parametrize("second", FORMS)
@pytest.mark.parametrize("first", FORMS)
def test_nodes_of_one_class_in_several_forms(first, second):
    twice_the_same(lambda: [FORMS[form]() for form in (first, second, first, first, second, second, first)])
    twice_the_same(
        lambda: [{"left": FORMS[first](), "right": (FORMS[second](), FORMS[first]())} for _ in range(3)]
    )
    twice_the_same(lambda: given(FORMS[first](), inner=FORMS[second](), after=FORMS[first]()))


@pytest.mark.parametrize("at", ["id", "ctx", "lineno", "last"])
@pytest.mark.parametrize("change", ["more", "fewer", "others", "the class", "nothing", "error"])
@pytest.mark.parametrize("depth", [0, 1, 60])
def test_a_node_changes_under_way(depth, change, at):
    def scenario(implementation, seen):
        below = name()

        def run():
            if change == "more":
                given(below, more=[name()])
            elif change == "fewer":
                without(below, "col_offset", "end_col_offset")
            elif change == "others":
                vars(below).clear()
                given(below, other=1, and_more=name())
            elif change == "the class":
                Own._fields = ("id", "ctx")
            elif change == "error":
                raise KeyError(change)

        item = given(below, {at: [Changing(run)]})
        for _ in range(depth):
            item = given(name(), id=item)
        try:
            return implementation.dumps([name(), item, name(), Own("b", ast.Load())], 5)
        except RuntimeError as error:
            return str(error)

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("padding", range(65_250, 65_537))
def test_a_row_at_the_end_of_a_frame(padding):
    tree = ast.parse("f(a, b=c)\nf(d, e=f)")
    graph = [copy.deepcopy(tree), b"p" * padding, tree, name()]
    assert cypickle.dumps(graph, 5) == pickle.dumps(graph, 5)


def test_fields_that_change():
    graph = [OwnFields(1, 2), OwnFields(1)]
    try:
        for fields in (
            ("one", "two"),
            ("two", "one"),
            ("one",),
            (),
            ("one", "three", "two"),
            ["one"],
            ("one", 2),
            ("one", "one"),
            ("one", "two", "one"),
            None,
        ):
            OwnFields._fields = fields
            theirs, ours = both(lambda implementation, seen: implementation.dumps(graph, 5))
            assert ours == theirs, fields
    finally:
        OwnFields._fields = ("one", "two")


def test_what_is_written_can_be_loaded():
    tree = ast.parse(SOURCE)
    assert ast.dump(cypickle.loads(cypickle.dumps(tree)), include_attributes=True) == ast.dump(
        tree, include_attributes=True
    )
