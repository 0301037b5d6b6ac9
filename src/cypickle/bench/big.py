"""One large buffer: bytes, a bytearray or a numpy array; in-band and out-of-band, to memory and to a file."""

import pickle
import tempfile
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cypickle.bench.data import numpy
from cypickle.bench.registry import PROTOCOL, Make, Way, Workload, add

MB = 10**6


class Scratch:
    """A temporary file that closes itself."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below

    def __del__(self) -> None:
        self.file.close()


def dump_to_file(module: ModuleType) -> Callable[[Any], Scratch]:
    """Return a function that dumps into one temporary file again and again, and returns the file."""
    scratch = Scratch()
    file = scratch.file

    def dump(graph: Any) -> Scratch:
        file.seek(0)
        module.dump(graph, file, PROTOCOL)
        file.flush()
        return scratch

    return dump


def load_from_file(module: ModuleType) -> Callable[[Any], Any]:
    """Return a function that loads a file from its start."""

    def load(scratch: Scratch) -> Any:
        scratch.file.seek(0)
        return module.load(scratch.file)

    return load


def file_parts(scratch: Scratch) -> list[bytes]:
    """Return what the file holds."""
    scratch.file.seek(0)
    return [scratch.file.read()]


def dump_out_of_band(module: ModuleType) -> Callable[[Any], Any]:
    """Return a function from an object to its pickle and the buffers left out of it."""

    def dump(graph: Any) -> tuple[bytes, list[pickle.PickleBuffer]]:
        buffers: list[pickle.PickleBuffer] = []
        return module.dumps(graph, PROTOCOL, buffer_callback=buffers.append), buffers

    return dump


def load_out_of_band(module: ModuleType) -> Callable[[Any], Any]:
    """Return a function from a pickle and its buffers to the object."""

    def load(pickled: tuple[bytes, list[pickle.PickleBuffer]]) -> Any:
        data, buffers = pickled
        return module.loads(data, buffers=buffers)

    return load


def all_parts(pickled: tuple[bytes, list[pickle.PickleBuffer]]) -> list[bytes]:
    """Return the pickle and the contents of its buffers."""
    data, buffers = pickled
    return [data, *(bytes(buffer.raw()) for buffer in buffers)]


def dump_out_of_band_to_file(module: ModuleType) -> Callable[[Any], Scratch]:
    """Return a function that writes the pickle and then its buffers into one temporary file."""
    scratch = Scratch()
    file = scratch.file

    def dump(graph: Any) -> Scratch:
        buffers: list[pickle.PickleBuffer] = []
        file.seek(0)
        module.dump(graph, file, PROTOCOL, buffer_callback=buffers.append)
        for buffer in buffers:
            file.write(buffer.raw())
        file.flush()
        return scratch

    return dump


def load_out_of_band_from_file(size: int) -> Callable[[ModuleType], Callable[[Any], Any]]:
    """Return the `load` of a Way: reads a small pickle and the one buffer of that size behind it."""

    def load(module: ModuleType) -> Callable[[Any], Any]:
        def load_file(scratch: Scratch) -> Any:
            file = scratch.file
            end = file.seek(0, 2)
            file.seek(end - size)
            buffer = bytearray(size)
            file.readinto(buffer)
            file.seek(0)
            return module.load(file, buffers=[buffer])

        return load_file

    return load


def new_bytes(size: int) -> Make:
    """Return a maker of bytes."""
    return lambda rng: rng.randbytes(1000) * (size // 1000)


def new_bytearray(size: int) -> Make:
    """Return a maker of a bytearray."""
    return lambda rng: bytearray(rng.randbytes(1000)) * (size // 1000)


def new_buffer(size: int) -> Make:
    """Return a maker of a PickleBuffer over a bytearray, which can go out-of-band."""
    return lambda rng: pickle.PickleBuffer(new_bytearray(size)(rng))


def new_array(size: int) -> Make:
    """Return a maker of a numpy array of float64."""
    return lambda rng: numpy().full(size // 8, rng.random())


def ways(size: int) -> dict[str, Way | None]:
    """Return the ways that a buffer of that size takes, by the suffix of the workload's name."""
    return {
        "": None,
        "_file": Way(dump_to_file, load_from_file, file_parts),
        "_oob": Way(dump_out_of_band, load_out_of_band, all_parts),
        "_oob_file": Way(dump_out_of_band_to_file, load_out_of_band_from_file(size), file_parts),
    }


ABOUT = {"": "to memory", "_file": "to a file", "_oob": "out-of-band", "_oob_file": "out-of-band, to a file"}


def add_big(kind: str, make: Callable[[int], Make], megabytes: int, *suffixes: str, on_demand: bool) -> None:
    """Register one workload for each suffix (a key of `ways`)."""
    for suffix in suffixes:
        maker = make(megabytes * MB)
        name = f"{kind}_{megabytes}mb{suffix}"
        about = f"{megabytes} MB of {kind.replace('_', ' ')}, {ABOUT[suffix]}"
        way = ways(megabytes * MB)[suffix]
        add(
            Workload(
                name, "big buffers", about, maker, "big", way, on_demand=on_demand, main=name == "bytes_10mb"
            )
        )


for full_size, on_demand in ((10, False), (100, True), (1000, True)):
    if full_size != 100:
        add_big("bytes", new_bytes, full_size, "", "_file", on_demand=on_demand)
    if full_size != 1000:
        add_big("bytearray", new_bytearray, full_size, "", "_file", on_demand=on_demand)
        add_big("bytearray_buffer", new_buffer, full_size, "_oob", "_oob_file", on_demand=on_demand)
        add_big("numpy_frame", new_array, full_size, "", "_file", "_oob", "_oob_file", on_demand=on_demand)
