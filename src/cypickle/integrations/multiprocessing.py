"""multiprocessing and concurrent.futures on cypickle, without a process-wide install().

`get_context()` is multiprocessing's, for contexts whose pipes, queues, pools and managers use cypickle.  Contiguous
buffers of OUT_OF_BAND bytes or more that protocol 5 keeps apart (those of numpy arrays, PickleBuffers) go from their
owner's memory to the pipe, and from the pipe into the memory that the new object gets: nothing is copied between.
Messages are of protocol 5, so arrays arrive as writeable as they were.  multiprocessing itself does likewise from
CPython 3.14 on; before, what was read-only arrives writeable there.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from concurrent.futures import process as futures
from multiprocessing import connection, context, managers, queues
from typing import Any

import cypickle
from cypickle._emitter import configure
from cypickle._forking import ForkingPickler
from cypickle._rebase import rebase_function

__all__ = [
    "OUT_OF_BAND",
    "Connection",
    "ForkingPickler",
    "JoinableQueue",
    "ProcessPoolExecutor",
    "Queue",
    "SimpleQueue",
    "SyncManager",
    "get_context",
]

#: Bytes from which on a buffer travels out-of-band.
OUT_OF_BAND = 1 << 16

_MOST_PARTS = 512  # in one writev(), which takes at least 1024 on Linux, macOS and the BSDs
_SMALL_READ = 1 << 16  # a message up to this size is read in one piece if the pipe has all of it
_PARTS_FOLLOW = -2  # in place of a message's size; multiprocessing itself uses -1 for one of 2 GiB and more


# ---- messages --------------------------------------------------------------------------------------


class _Message:
    """A pickle, in pieces as they were written, and its out-of-band buffers."""

    __slots__ = ("buffers", "pieces")

    def __init__(self, pieces: list[Any], buffers: list[Any]) -> None:
        self.pieces = pieces
        self.buffers = buffers

    def keep(self, buffer: cypickle.PickleBuffer) -> bool:
        """The buffer_callback: true for a buffer that stays in the pickle."""
        raw = buffer.raw()
        if raw.nbytes < OUT_OF_BAND:
            return True
        self.buffers.append(raw)
        return False


class _MessagePickler(cypickle.Pickler):
    """ForkingPickler for a message: no arguments to check, no hooks to look for."""

    def __init__(self, message: _Message) -> None:
        self.dispatch_table = {**ForkingPickler._copyreg_dispatch, **ForkingPickler._extra_reducers}
        configure(self, message.pieces.append, 5, False, message.keep)


class _Messages:
    """In the place of ForkingPickler where queues and connections look for it."""

    @staticmethod
    def dumps(obj: Any) -> _Message:
        message = _Message([], [])
        _MessagePickler(message).dump(obj)
        return message

    @staticmethod
    def loads(message: Any) -> Any:
        if type(message) is _Message:
            (data,) = message.pieces
            return cypickle.loads(data, buffers=message.buffers)
        return cypickle.loads(message)


class Connection(connection.Connection):
    """An end of a pipe, or of a socket, that sends and receives objects by cypickle.

    send_bytes() and recv_bytes() speak multiprocessing's own format.  So does send(), unless the object has
    out-of-band buffers: then the other end has to be a Connection of this class.
    """

    def send(self, obj: Any) -> None:
        """Send an object.

        Raises:
            PicklingError, or what pickling obj raises; OSError: the pipe is closed.
        """
        self._check_closed()  # type: ignore[attr-defined]
        self._check_writable()  # type: ignore[attr-defined]
        self.send_message(_Messages.dumps(obj))

    def recv(self) -> Any:
        """Receive an object.

        Raises:
            EOFError: the other end is closed, and nothing is left; whatever unpickling raises.
        """
        return _Messages.loads(self.recv_message())

    def send_message(self, message: Any) -> None:
        """Send a pickled message, or any bytes-like object as send_bytes() does."""
        if type(message) is not _Message:
            return self.send_bytes(message)
        self._check_closed()  # type: ignore[attr-defined]
        self._check_writable()  # type: ignore[attr-defined]
        pieces, buffers = message.pieces, message.buffers
        # A queue's thread holds what it has sent until the next: not the owners of its buffers, too.
        message.pieces = message.buffers = []
        nbytes = sum(map(len, pieces))
        if not buffers:
            if len(pieces) == 1 and nbytes < _SMALL_READ:
                return self._send(struct.pack("!i", nbytes) + pieces[0])  # type: ignore[attr-defined, no-any-return]
            size = struct.pack("!i", nbytes) if nbytes <= 0x7FFFFFFF else struct.pack("!iQ", -1, nbytes)
            return self._write_all([size, *pieces])
        sizes = [buffer.nbytes for buffer in buffers]
        header = struct.pack(f"!iI{len(sizes)}QQ", _PARTS_FOLLOW, len(sizes), *sizes, nbytes)
        self._write_all([header, *buffers, *pieces])
        return None

    def recv_message(self) -> Any:
        """Receive what send_message() sent, still pickled."""
        self._check_closed()  # type: ignore[attr-defined]
        self._check_readable()  # type: ignore[attr-defined]
        (size,) = struct.unpack("!i", self._read(4))
        if size == _PARTS_FOLLOW:
            (count,) = struct.unpack("!I", self._read(4))
            *sizes, nbytes = struct.unpack(f"!{count + 1}Q", self._read(8 * (count + 1)))
            buffers = [self._read_into(bytearray(nbytes), 0) for nbytes in sizes]
            return _Message([self._read(nbytes)], buffers)
        if size == -1:
            (size,) = struct.unpack("!Q", self._read(8))
        return self._read(size)

    def _recv_bytes(self, maxsize: int | None = None) -> io.BytesIO | None:
        """What recv_bytes() and its like receive a message by."""
        (size,) = struct.unpack("!i", self._read(4))
        if size == _PARTS_FOLLOW:
            raise OSError("a message with out-of-band buffers can be received by recv() only")
        if size == -1:
            (size,) = struct.unpack("!Q", self._read(8))
        if maxsize is not None and size > maxsize:
            return None
        file = io.BytesIO(self._read(size))
        file.seek(0, os.SEEK_END)
        return file

    def _write_all(self, parts: list[Any]) -> None:
        views = [memoryview(part).cast("B") for part in parts if len(part)]
        handle, first = self.fileno(), 0
        while first < len(views):
            written = os.writev(handle, views[first : first + _MOST_PARTS])
            while first < len(views) and written >= len(views[first]):
                written -= len(views[first])
                first += 1
            if written:
                views[first] = views[first][written:]

    def _read(self, nbytes: int) -> bytes | bytearray:
        """Read exactly so many bytes."""
        if nbytes <= _SMALL_READ:
            data = os.read(self._handle, nbytes) if nbytes else b""  # type: ignore[attr-defined]
            if len(data) == nbytes:
                return data
            if not data:
                raise EOFError
        else:
            data = b""
        whole = bytearray(nbytes)
        whole[: len(data)] = data
        return self._read_into(whole, len(data))

    def _read_into(self, whole: bytearray, done: int) -> bytearray:
        """Fill the rest of a bytearray from the pipe."""
        handle = self.fileno()
        with memoryview(whole) as view:
            while done < len(whole):
                nbytes = os.readv(handle, [view[done:]])
                if not nbytes:
                    raise OSError("got end of file during message") if done else EOFError()
                done += nbytes
        return whole


_HAS_PARTS = hasattr(os, "readv")  # not on Windows, whose pipes are no file descriptors

#: What takes the place of ForkingPickler in multiprocessing's functions.
_NAMES = {"_ForkingPickler": _Messages if _HAS_PARTS else ForkingPickler}


def _adopt(stdlib: Any) -> Any:
    """A connection that owns the handle of multiprocessing's, which forgets it."""
    if not _HAS_PARTS:
        methods = {name: rebase_function(getattr(type(stdlib), name), _NAMES) for name in ("send", "recv")}
        stdlib.__class__ = type("Connection", (type(stdlib),), methods)
        return stdlib
    adopted = Connection(stdlib.fileno(), stdlib.readable, stdlib.writable)
    stdlib._handle = None
    return adopted


def _reduce_connection(conn: Connection) -> tuple[Any, ...]:
    rebuild, arguments = connection.reduce_connection(conn)  # type: ignore[attr-defined]
    return _rebuild_connection, (rebuild, arguments)


def _rebuild_connection(rebuild: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return _adopt(rebuild(*arguments))


ForkingPickler.register(Connection, _reduce_connection)


# ---- queues ----------------------------------------------------------------------------------------


class SimpleQueue(queues.SimpleQueue):  # type: ignore[type-arg]
    """multiprocessing.SimpleQueue on cypickle."""

    _reader: Any
    _writer: Any
    _rlock: Any
    _wlock: Any

    def __init__(self, *, ctx: Any) -> None:
        super().__init__(ctx=ctx)
        self.__setstate__((_adopt(self._reader), _adopt(self._writer), self._rlock, self._wlock))

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if _HAS_PARTS:
            self._poll = self._reader.poll

    def get(self) -> Any:
        """Remove and return an object, the oldest."""
        with self._rlock:
            message = _receive(self._reader)
        return _Messages.loads(message)

    def put(self, obj: Any) -> None:
        """Pickle an object and send it."""
        if not _HAS_PARTS:
            return _simple_put(self, obj)  # type: ignore[no-any-return]
        message = _Messages.dumps(obj)
        if self._wlock is None:
            return self._writer.send_message(message)  # type: ignore[no-any-return]
        with self._wlock:
            return self._writer.send_message(message)  # type: ignore[no-any-return]


_simple_put = rebase_function(queues.SimpleQueue.put, _NAMES)  # type: ignore[arg-type]


def _receive(reader: Any) -> Any:
    return reader.recv_message() if _HAS_PARTS else reader.recv_bytes()


class Queue(queues.Queue):  # type: ignore[type-arg]
    """multiprocessing.Queue on cypickle."""

    _feed = staticmethod(rebase_function(queues.Queue._feed, _NAMES))  # type: ignore[attr-defined]
    get = rebase_function(queues.Queue.get, _NAMES)  # type: ignore[arg-type]

    def __init__(self, maxsize: int = 0, *, ctx: Any) -> None:
        super().__init__(maxsize, ctx=ctx)
        self._adopt_pipe()

    def _adopt_pipe(self) -> None:
        self._reader: Any = _adopt(self._reader)
        self._writer: Any = _adopt(self._writer)
        self._reset()

    def _reset(self, after_fork: bool = False) -> None:
        super()._reset(after_fork)  # type: ignore[misc]
        if isinstance(self._reader, Connection):
            self._send_bytes = self._writer.send_message
            self._recv_bytes = self._reader.recv_message


# It starts a thread that runs `Queue._feed`, by this name.
Queue._start_thread = rebase_function(queues.Queue._start_thread, {"Queue": Queue})  # type: ignore[attr-defined]


class JoinableQueue(Queue, queues.JoinableQueue):  # type: ignore[type-arg]
    """multiprocessing.JoinableQueue on cypickle."""


class _SafeQueue(Queue, futures._SafeQueue):
    """The queue by which ProcessPoolExecutor sends calls to its workers."""


class ProcessPoolExecutor(futures.ProcessPoolExecutor):
    """concurrent.futures.ProcessPoolExecutor on cypickle.

    Args:
        mp_context: A context of get_context(), its default if None.  The other arguments are the base class's.
    """

    def __init__(
        self, max_workers: int | None = None, mp_context: Any = None, *args: Any, **options: Any
    ) -> None:
        if not isinstance(mp_context, _Context):
            mp_context = get_context(mp_context.get_start_method() if mp_context else None)
        super().__init__(max_workers, mp_context, *args, **options)
        self._call_queue: Any  # made by the base class
        self._call_queue.__class__ = _SafeQueue
        self._call_queue._adopt_pipe()


# ---- managers --------------------------------------------------------------------------------------


class _Listener(connection.Listener):
    def accept(self) -> Any:
        return _adopt(super().accept())


def _client(*args: Any, **options: Any) -> Any:
    return _adopt(connection.Client(*args, **options))


class _SerializerName(str):
    """Unpickling it imports this module, so that whoever gets a proxy can talk to its manager."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _SerializerName, (str(self),)


SERIALIZER = _SerializerName("cypickle")
managers.listener_client[SERIALIZER] = (_Listener, _client)  # type: ignore[attr-defined]


class SyncManager(managers.SyncManager):
    """multiprocessing.managers.SyncManager on cypickle."""

    def __init__(self, address: Any = None, authkey: bytes | None = None, **options: Any) -> None:
        options.setdefault("serializer", SERIALIZER)
        super().__init__(address, authkey, **options)


# ---- contexts --------------------------------------------------------------------------------------


class _Context(context.BaseContext):
    """What the contexts below add to multiprocessing's."""

    def Pipe(self, duplex: bool = True) -> Any:
        """Return two connected Connections; unless duplex, the first one only receives, and the second only sends."""
        one, other = connection.Pipe(duplex)
        return _adopt(one), _adopt(other)

    def Queue(self, maxsize: int = 0) -> Any:
        """Return a Queue."""
        return Queue(maxsize, ctx=self)

    def JoinableQueue(self, maxsize: int = 0) -> Any:
        """Return a JoinableQueue."""
        return JoinableQueue(maxsize, ctx=self)

    def SimpleQueue(self) -> Any:
        """Return a SimpleQueue."""
        return SimpleQueue(ctx=self)

    def Manager(self) -> Any:
        """Return a SyncManager whose process is running."""
        manager = SyncManager(ctx=self)
        manager.start()
        return manager

    def __reduce__(self) -> tuple[Any, ...]:
        return get_context, (self.get_start_method(),)

    def get_context(self, method: str | None = None) -> Any:
        """Return this context, or that of another start method."""
        return self if method is None else get_context(method)


_contexts: dict[str, Any] = {}


def get_context(method: str | None = None) -> Any:
    """Return a context as multiprocessing.get_context() does, whose pipes, queues and pools use cypickle.

    Args:
        method: "fork", "spawn" or "forkserver"; None for multiprocessing's default.

    Raises:
        ValueError: the platform has no such start method.
    """
    stdlib = context._default_context.get_context(method)
    name = stdlib.get_start_method()
    if name not in _contexts:
        cls = type(context._concrete_contexts[name])  # type: ignore[attr-defined]
        _contexts[name] = type(cls.__name__, (_Context, cls), {"__module__": __name__})()
    return _contexts[name]
