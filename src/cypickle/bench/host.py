"""What a measurement must say about the place where it was made."""

import datetime
import platform
import sys
import sysconfig
from importlib import metadata
from pathlib import Path


def processor() -> str:
    """Return the model of the CPU, or the architecture where nothing tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version_of(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def build() -> str:
    """Return how the interpreter was compiled, as far as its configuration tells."""
    kinds = []
    if hasattr(sys, "gettotalrefcount"):
        kinds.append("debug")
    if "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS") or ""):
        kinds.append("PGO")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        kinds.append("no GIL")
    return " ".join(kinds)


def describe() -> dict[str, str | None]:
    """Return machine, interpreter, versions and date, for the header of a table or a JSON file."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "cpu": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "build": build(),
        "compiler": platform.python_compiler(),
        "cypickle": version_of("cypickle"),
        "numpy": version_of("numpy"),
        "msgspec": version_of("msgspec"),
    }


def headline(host: dict[str, str | None]) -> str:
    """Return the description in one line."""
    built = ", ".join(filter(None, (host["build"], host["compiler"])))
    return (
        f"cypickle {host['cypickle'] or '(not installed)'}, {host['implementation']} {host['python']}"
        f" ({built}), {host['cpu']}, {host['system']}, {host['date']}"
    )
