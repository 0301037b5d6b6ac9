"""joblib's dump and hash on cypickle: the same files and the same hashes.

    from cypickle.integrations.joblib import dump, load, hash

They are joblib's own functions and classes, put upon ExtensiblePickler and ExtensibleUnpickler.  NumpyPickler and
Hasher override save() for a few types only; they say so, and so all else runs compiled.
"""

from __future__ import annotations

import pickle
import types
from functools import wraps
from typing import Any

from cypickle._extensible import ExtensiblePickler, ExtensibleUnpickler
from cypickle._rebase import Declaration, rebase_class, rebase_function
from cypickle.integrations import host

__all__ = ["Hasher", "NumpyHasher", "NumpyPickler", "NumpyUnpickler", "dump", "hash", "load"]

host("joblib", "joblib")
_numpy_pickle = host("joblib.numpy_pickle", "joblib")
_hashing = host("joblib.hashing", "joblib")

_NAMES = {"Pickler": ExtensiblePickler, "Unpickler": ExtensibleUnpickler}


def _file_saves_like_base(self: Any, cls: type) -> bool:
    """NumpyPickler.save looks at the exact type."""
    return self.np is None or cls not in (self.np.ndarray, self.np.matrix, self.np.memmap)


def _hasher_saves_like_base(self: Any, cls: type) -> bool:
    """Hasher.save and NumpyHasher.save look for instances of these."""
    special = (types.MethodType, types.BuiltinMethodType)
    numpy = getattr(self, "np", None)
    return not issubclass(cls, special if numpy is None else (*special, numpy.ndarray, numpy.dtype))


def _memoizes(self: Any, cls: type) -> bool:
    """Hasher.memoize leaves these out."""
    return not issubclass(cls, (bytes, str))


NumpyPickler: Any = rebase_class(
    _numpy_pickle.NumpyPickler,
    (ExtensiblePickler,),
    _NAMES,
    __name__,
    saves_like_base=Declaration("save", _file_saves_like_base),
)
Hasher: Any = rebase_class(
    _hashing.Hasher,
    (ExtensiblePickler,),
    _NAMES,
    __name__,
    saves_like_base=Declaration("save", _hasher_saves_like_base),
    memoizes=Declaration("memoize", _memoizes),
    sorts_items=Declaration("_batch_setitems", True),
    writes_late=True,
)
_rebased: Any = rebase_class(
    _hashing.NumpyHasher,
    (Hasher,),
    {**_NAMES, "Hasher": Hasher},
    __name__,
)
_save = ExtensiblePickler.save
_KINDS = frozenset("?biufc")  # those whose arrays are buffers


class NumpyHasher(_rebased):  # type: ignore[misc]
    """joblib's, with shortcuts for plain arrays and for the dtypes that are numpy's own, of which there is one each."""

    saves_like_base: Any = Declaration("save", _hasher_saves_like_base)

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._array = self.np.ndarray
        self._dtypes: dict[int, tuple[Any, bytes]] = {}  # by id: the dtype, and what is hashed of it

    def _hashed(self, dtype: Any) -> bytes:
        """What joblib hashes of a dtype that there is one of; empty for others."""
        entry = self._dtypes.get(id(dtype))
        if entry is None:
            known = dtype.isbuiltin == 1 and dtype.kind in _KINDS and not dtype.metadata
            entry = dtype, b"_HASHED_DTYPE" + pickle.dumps(dtype) if known else b""
            self._dtypes[id(dtype)] = entry
        return entry[1]

    def save(self, obj: Any) -> None:
        """What joblib's does."""
        if type(obj) is self._array:
            dtype = obj.dtype
            entry = self._dtypes.get(id(dtype))
            if (entry[1] if entry else self._hashed(dtype)) and obj.ndim == 1 and obj.flags.c_contiguous:
                self._hash.update(obj)
                _save(self, (self._array, ("HASHED", dtype, obj.shape, obj.strides)))
                return
        else:
            entry = self._dtypes.get(id(obj))
            hashed = entry[1] if entry else isinstance(obj, self.np.dtype) and self._hashed(obj)
            if hashed:
                self._hash.update(hashed)
                return
        _rebased.save(self, obj)


def _builds_like_base(self: Any, cls: type) -> bool:
    """NumpyUnpickler.load_build looks for instances of these."""
    return not issubclass(cls, (_numpy_pickle.NDArrayWrapper, _numpy_pickle.NumpyArrayWrapper))


NumpyUnpickler: Any = rebase_class(
    _numpy_pickle.NumpyUnpickler,
    (ExtensibleUnpickler,),
    _NAMES,
    __name__,
    builds_like_base=Declaration("load_build", _builds_like_base),
)

dump = rebase_function(_numpy_pickle.dump, {"NumpyPickler": NumpyPickler}, module=__name__)
_their_hash = _hashing.hash  # whatever takes its place in joblib later
_hash = rebase_function(_their_hash, {"Hasher": Hasher, "NumpyHasher": NumpyHasher})
_unpickle = rebase_function(_numpy_pickle._unpickle, {"NumpyUnpickler": NumpyUnpickler})
load = rebase_function(_numpy_pickle.load, {"_unpickle": _unpickle}, module=__name__)


@wraps(_their_hash, assigned=("__doc__", "__annotations__"))
def hash(obj: Any, *args: Any, **named: Any) -> Any:
    try:
        return _hash(obj, *args, **named)
    except TypeError:
        # Of what a dict holds: joblib then takes the hashes of its items, having hashed some of it already.
        return _their_hash(obj, *args, **named)
