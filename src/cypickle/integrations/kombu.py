"""kombu and Celery: the serializer "cypickle".

Where cypickle is installed by pip, naming it is enough: kombu finds it by its entry point.  As for kombu's own
"pickle", whoever reads messages has to allow it, by `accept` or Celery's `accept_content`: a message can run any
code that it names.
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

# kombu imports this module for its entry point while it is still being imported itself, or imports the entry point
# from here: so this comes last.  What is disabled before it is registered stays so.
_serialization = host("kombu.serialization", "kombu")
_serialization.registry.disable(CONTENT_TYPE)


def register() -> None:
    """Register the serializer where the entry point is out of sight, as in a checkout that is not installed."""
    _serialization.register("cypickle", *serializer)
