"""Other software on cypickle, a module for each.  None of it is imported before its module is."""

from importlib import import_module
from types import ModuleType


def host(name: str, extra: str) -> ModuleType:
    """Import a package that an integration is for.

    Args:
        name: The module to import.
        extra: The extra of cypickle that installs it.

    Raises:
        ImportError: It is not installed; the message names the extra.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        top = name.partition(".")[0]
        if missing.name is None or missing.name.partition(".")[0] != top:
            raise
        raise ImportError(
            f'{top} is not installed; `pip install "cypickle[{extra}]"` brings it', name=missing.name
        ) from missing
