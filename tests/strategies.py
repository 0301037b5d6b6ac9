"""Hypothesis strategies for picklable graphs, with shared references and cycles.

`graphs()` draws a list of nodes, each built from earlier ones, and then links that close cycles, so that an
example shrinks to the few nodes and links that matter.
"""

import datetime
import string
from collections import Counter, OrderedDict, defaultdict, deque
from pickle import PickleBuffer

from hypothesis import strategies as st

import graphs as random_graphs
import shapes

integers = st.one_of(
    st.integers(-300, 300),
    st.integers(),
    st.builds(
        lambda power, delta, sign: sign * (2**power + delta),
        st.sampled_from((7, 8, 15, 16, 31, 32, 63, 64, 127, 2039, 2040, 2047)),
        st.integers(-1, 1),
        st.sampled_from((1, -1)),
    ),
)
floats = st.floats()
texts = st.one_of(
    st.text(string.ascii_lowercase, max_size=8),
    st.text(st.characters(codec=None), max_size=20),
    st.text(st.sampled_from("\ud800\udc00\udfffa\\\n\r\x00\x1a\U0001f600é"), max_size=6),
    st.builds(
        lambda unit, n: unit * n, st.sampled_from(("a", "é", "€", "😀")), st.sampled_from((84, 85, 255, 256))
    ),
)
long_texts = st.builds(
    lambda unit, n: unit * n,
    st.sampled_from(("a", "é", "€")),
    st.integers(65530, 65540),
)
binaries = st.one_of(
    st.binary(max_size=16), st.sampled_from((255, 256, 65535, 65536)).map(lambda n: b"\xff" * n)
)
# Größe is refused below protocol 3.
globals_ = st.sampled_from([value for value in random_graphs.GLOBALS if value is not shapes.Größe])
singletons = st.sampled_from((None, True, False, ..., NotImplemented, (), "", b"", type(None), type(...)))
zones = st.one_of(
    st.none(), st.timedeltas(*[datetime.timedelta(hours=h) for h in (-23, 23)]).map(datetime.timezone)
)
library = st.one_of(
    st.datetimes(timezones=zones).map(lambda moment: moment.replace(fold=0)),
    st.dates(),
    st.times().map(lambda moment: moment.replace(fold=0)),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.uuids(),
    st.complex_numbers(),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 2**70)),
    st.builds(shapes.IntSub, st.integers()),
    st.builds(shapes.StrSub, texts),
    st.builds(shapes.FloatSub, st.floats()),
)
atoms = st.one_of(
    *(integers, integers, texts, texts, floats, singletons, globals_, library, binaries),
    binaries.map(bytearray),
)
rare_atoms = st.one_of(long_texts, st.binary(min_size=1, max_size=9).map(lambda b: b * 9000))
keys = st.one_of(integers, texts, st.tuples(integers, texts), st.none(), binaries)

# How an inner node is built from a list of parts.


def fill(item, parts):
    for index, part in enumerate(parts):
        setattr(item, f"attr{index % 5}", part)
    return item


def pairs(parts):
    return {f"key{index}": part for index, part in enumerate(parts)}


def one(parts):
    return parts[0] if parts else None


def reduced_items(parts):
    item = shapes.ReducedItems()
    item.list, item.dict = parts[1:], pairs(parts[:1])
    return item


def tagged_members(wrap):
    def build(parts):
        return wrap(fill(shapes.Tagged(index), [part]) for index, part in enumerate(parts))

    return build


# Nodes that accept a link are those whose state is stored behind their memo entry.
LINKABLE = {
    "list": list,
    "dict": pairs,
    "plain": lambda parts: fill(shapes.Plain(), parts),
    "record": lambda parts: shapes.Record(len(parts), "record", list(parts), one(parts)),
    "list_sub": shapes.ListSub,
    "dict_sub": lambda parts: shapes.DictSub(pairs(parts)),
    "set_sub": lambda parts: fill(shapes.SetSub(range(len(parts))), parts),
    "frozenset_sub": lambda parts: fill(shapes.FrozenSetSub(range(len(parts))), parts),
    "tuple_sub": shapes.TupleSub,
    "str_sub": lambda parts: fill(shapes.StrSub(len(parts)), parts),
    "bytes_sub": lambda parts: fill(shapes.BytesSub(len(parts)), parts),
    "deque": deque,
    "default_dict": lambda parts: defaultdict(list, pairs(parts)),
    "reduced_state": lambda parts: shapes.ReducedState(one(parts)),
    "reduced_setter": lambda parts: shapes.ReducedSetter(one(parts)),
    "dict_state": lambda parts: shapes.DictState(one(parts)),
    "error": lambda parts: fill(shapes.ShapeError("text"), parts),
}
CLOSED = {
    "tuple": tuple,
    "frozen": lambda parts: shapes.Frozen(len(parts), one(parts)),
    "slotted_state": lambda parts: shapes.SlottedState(one(parts), len(parts)),
    "with_state": lambda parts: shapes.WithState(one(parts)),
    "reduced": lambda parts: shapes.Reduced(*parts),
    "reduced_items": reduced_items,
    "new_args": lambda parts: shapes.NewArgs(one(parts)),
    "new_args_ex": lambda parts: shapes.NewArgsEx(one(parts), key=one(parts[1:])),
    "registered": lambda parts: shapes.Registered(one(parts)),
    "point": lambda parts: shapes.Point(one(parts), one(parts[1:])),
    "ordered_dict": lambda parts: OrderedDict(pairs(parts)),
    "counter": lambda parts: Counter("abc"[: len(parts)]),
    "set_of_instances": tagged_members(set),
    "frozenset_of_instances": tagged_members(frozenset),
    "nested_instance": lambda parts: fill(shapes.Outer.Inner(), parts),
    "with_property": lambda parts: shapes.WithProperty(one(parts)),
}
FROM_PROTOCOL_2 = {
    "slotted": lambda parts: fill_slots(shapes.Slotted(), parts),
    "slotted_and_dict": lambda parts: fill(fill_slots(shapes.SlottedAndDict(), parts), parts),
    "slotted_record": lambda parts: shapes.SlottedRecord(len(parts), one(parts)),
}


def fill_slots(item, parts):
    for name, part in zip(("left", "right"), parts, strict=False):
        setattr(item, name, part)
    return item


def link(target, value):
    """Let `target` hold `value`, which may lead back to it."""
    if type(target) in (list, deque):
        target.append(value)
    elif type(target) in (dict, defaultdict):
        target["link"] = value
    else:
        target.link = value


@st.composite
def graphs(draw, protocol=0, max_nodes=8):
    """A graph that `protocol` takes; the root is the last node or a list of all that nothing holds yet."""
    builders = LINKABLE | CLOSED | (FROM_PROTOCOL_2 if protocol >= 2 else {})
    leaves = st.one_of(atoms, atoms, atoms, atoms, rare_atoms)
    if protocol >= 5:
        leaves |= st.one_of(st.binary(max_size=9), st.binary(max_size=9).map(bytearray)).map(PickleBuffer)
    nodes, targets, free = [], [], []
    for _ in range(draw(st.integers(1, max_nodes))):
        name = draw(st.sampled_from(sorted(builders)))
        parts = draw(st.lists(leaves, max_size=3))
        for index in draw(st.lists(st.integers(0, len(nodes) - 1), max_size=3)) if nodes else ():
            parts.append(nodes[index])
        if free and draw(st.booleans()):
            parts.append(free.pop())
        node = builders[name](parts)
        nodes.append(node)
        free.append(node)
        if name in LINKABLE:
            targets.append(node)
    if targets:
        chosen = st.tuples(st.sampled_from(range(len(targets))), st.sampled_from(range(len(nodes))))
        for target, value in draw(st.lists(chosen, max_size=3)):
            link(targets[target], nodes[value])
    root = nodes[-1] if draw(st.booleans()) else free
    del nodes, targets, free  # what the graph holds once shall have one reference
    return root


plain_data = st.recursive(
    st.one_of(st.none(), st.booleans(), integers, floats, texts, st.binary(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(keys, inner, max_size=5),
        st.frozensets(keys, max_size=5),
        st.sets(keys, max_size=5),
    ),
    max_leaves=30,
)
