"""joblib's dump and hash on cypickle: the same files and the same hashes.

    from cypickle.integrations.joblib import dump, load, hash

dump and hash are joblib's own functions and classes, put upon ExtensiblePickler.  NumpyPickler and
Hasher override save() for a few types only; they say so, and so all else runs compiled.  load is joblib's, unchanged.
"""

from __future__ import annotations

import types
from typing import Any

from cypickle._extensible import ExtensiblePickler
from cypickle._rebase import Declaration, rebase_class, rebase_function
from cypickle.integrations import host

__all__ = ["Hasher", "NumpyHasher", "NumpyPickler", "dump", "hash", "load"]

host("joblib", "joblib")
_numpy_pickle = host("joblib.numpy_pickle", "joblib")
_hashing = host("joblib.hashing", "joblib")

_NAMES = {"Pickler": ExtensiblePickler}


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
)
NumpyHasher: Any = rebase_class(
    _hashing.NumpyHasher,
    (Hasher,),
    {**_NAMES, "Hasher": Hasher},
    __name__,
    saves_like_base=Declaration("save", _hasher_saves_like_base),
)

dump = rebase_function(_numpy_pickle.dump, {"NumpyPickler": NumpyPickler}, module=__name__)
hash = rebase_function(_hashing.hash, {"Hasher": Hasher, "NumpyHasher": NumpyHasher}, module=__name__)
load = _numpy_pickle.load
