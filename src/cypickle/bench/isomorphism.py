"""Whether two object graphs have the same shape: the same types, values, sharing and cycles."""

import pickle
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType
from typing import Any

#: Compared by type and value; whether two of them are one object is an accident.
ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
#: Compared by identity: pickle stores them by name.
NAMED: tuple[type, ...] = (type, FunctionType, BuiltinFunctionType)
BUFFERS = (bytearray, memoryview, pickle.PickleBuffer)
#: One object may stand for many equal ones.
SHAREABLE = (*ATOMS, tuple, frozenset)

Pair = tuple[Any, Any]


def same_atoms(left: Any, right: Any) -> bool:
    """Compare atoms so that a NaN equals itself and 0.0 differs from -0.0."""
    return repr(left) == repr(right) if isinstance(left, float | complex) else bool(left == right)


def set_pairs(left: Any, right: Any) -> Iterator[Pair] | None:
    """Pair the elements of sets by equality, or in iteration order where elements equal only themselves."""
    if len(left) != len(right):
        return None
    partners = {item: item for item in right}
    if all(item in partners for item in left):
        return ((item, partners[item]) for item in left)
    return zip(left, right, strict=True)


def children(left: Any, right: Any) -> Iterator[Pair] | None:
    """Return the pairs of parts that have to match, or None if the two differ already."""
    if type(left) in (list, tuple):
        return zip(left, right, strict=True) if len(left) == len(right) else None
    if type(left) is dict:
        if len(left) != len(right):
            return None
        return zip(
            (part for item in left.items() for part in item),
            (part for item in right.items() for part in item),
            strict=True,
        )
    if type(left) in (set, frozenset):
        return set_pairs(left, right)
    reduced, other = left.__reduce_ex__(5), right.__reduce_ex__(5)
    if isinstance(reduced, str) or isinstance(other, str):
        return iter(()) if reduced == other and left is right else None
    # The optional items are iterators: make them lists, which can be compared.
    parts = [list(part) if n > 2 and part is not None else part for n, part in enumerate(reduced[:5])]
    others = [list(part) if n > 2 and part is not None else part for n, part in enumerate(other[:5])]
    return zip(parts, others, strict=True) if len(parts) == len(others) else None


def isomorphic(left: Any, right: Any) -> bool:
    """Return whether two graphs are the same but for the identity of their objects.

    Every object that can change must have exactly one counterpart: sharing and cycles are compared. Instances
    are compared by what `__reduce_ex__` says of them: state that they hide from pickle is not seen.
    """
    pairs: list[Iterator[Pair]] = [iter([(left, right)])]
    partner: dict[int, int] = {}
    reverse: dict[int, int] = {}
    alive: list[Any] = []
    while pairs:
        for one, two in pairs[-1]:
            if type(one) is not type(two):
                return False
            if isinstance(one, NAMED):
                if one is not two:
                    return False
                continue
            if type(one) in ATOMS:
                if not same_atoms(one, two):
                    return False
                continue
            if isinstance(one, BUFFERS):
                if memoryview(one) != memoryview(two):
                    return False
                continue
            if id(one) in partner or id(two) in reverse:
                known = partner.get(id(one)) == id(two) and reverse.get(id(two)) == id(one)
                if known:
                    continue
                if type(one) not in SHAREABLE:
                    return False
            partner[id(one)], reverse[id(two)] = id(two), id(one)
            alive += (one, two)
            inner = children(one, two)
            if inner is None:
                return False
            pairs.append(inner)
            break
        else:
            pairs.pop()
    return True
