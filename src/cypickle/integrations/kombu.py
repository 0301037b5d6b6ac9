"""kombu and Celery: the serializer "cypickle".

Where cypickle is installed by pip, naming it is enough: kombu finds it by its entry point.
"""

from __future__ import annotations

from typing import Any

import cypickle
from cypickle.integrations import host

__all__ = ["CONTENT_TYPE", "register", "serializer"]

CONTENT_TYPE = "application/x-cypickle"


def _dumps(obj: Any) -> bytes:
    return cypickle.dumps(obj, cypickle.HIGHEST_PROTOCOL)


#: Arguments of kombu.serialization.register, after the name.
serializer = (_dumps, cypickle.loads, CONTENT_TYPE, "binary")


def register() -> None:
    """Register the serializer where the entry point is out of sight, as in a checkout that is not installed."""
    host("kombu.serialization", "kombu").register("cypickle", *serializer)
