"""diskcache: `Cache(folder, disk=Disk)`."""

from __future__ import annotations

from typing import Any

import cypickle
from cypickle._rebase import rebase_class
from cypickle.integrations import host

__all__ = ["Disk"]

_theirs = host("diskcache", "diskcache").Disk

#: diskcache.Disk that pickles by cypickle; it reads what the other has written, and the other way round.
Disk: Any = rebase_class(_theirs, (_theirs,), {"pickle": cypickle}, __name__)
