"""A running Pickler or Unpickler refuses to be run again, on every version; and it comes to no harm."""

import io
import pickle

import pytest

from implementations import CYPICKLE


class Plain:
    pass


REENTRY = {
    "persistent_id": lambda self, obj: self.dump(1),
    "reducer_override": lambda self, obj: self.dump(1),
}


@pytest.mark.parametrize("hook", REENTRY)
def test_reentry_of_a_running_pickler_is_refused(hook):
    """On every version; the stdlib's crashes or goes astray on some."""
    cls = type("Reentering", (CYPICKLE.Pickler,), {hook: REENTRY[hook]})
    pickler = cls(io.BytesIO())
    with pytest.raises(RuntimeError):
        pickler.dump([Plain()])


AGAIN = {
    "dump": lambda pickler: pickler.dump(1),
    "init": lambda pickler: pickler.__init__(io.BytesIO()),
    "clear_memo": lambda pickler: pickler.clear_memo(),
    "memo": lambda pickler: setattr(pickler, "memo", {}),
    "memo_clear": lambda pickler: pickler.memo.clear(),
    "memo_copy": lambda pickler: pickler.memo.copy(),
}


@pytest.mark.parametrize("again", AGAIN)
def test_use_of_a_running_pickler_by_its_file_is_harmless(again):
    """Refused with RuntimeError, or done without harm; afterwards the Pickler works."""
    errors = []

    class File:
        def write(self, data):
            if not errors:
                errors.append(None)
                try:
                    AGAIN[again](pickler)
                except RuntimeError as error:
                    errors.append(error)
            return len(data)

    pickler = CYPICKLE.Pickler(File(), 4)
    shared = ["a" * 100_000, "b"]
    pickler.dump([shared, shared, "b" * 100_000])
    assert errors
    if again == "dump":
        assert type(errors[-1]) is RuntimeError
    pickler.__init__(file := io.BytesIO(), 4)
    pickler.dump([shared, shared])
    assert file.getvalue() == pickle.dumps([shared, shared], 4)


def test_reentry_of_a_running_unpickler_is_refused():
    class Reentering(CYPICKLE.Unpickler):
        def find_class(self, module, name):
            return self.load()

    with pytest.raises(RuntimeError):
        Reentering(io.BytesIO(pickle.dumps([Plain()]))).load()


def test_reentry_of_a_running_unpickler_by_its_file_is_refused():
    class File(io.BytesIO):
        def read(self, size=-1):
            unpickler.load()
            return super().read(size)

    unpickler = CYPICKLE.Unpickler(File(pickle.dumps([1])))
    with pytest.raises(RuntimeError):
        unpickler.load()


def test_nested_use_of_the_functions_is_allowed(implementation, protocol):
    """A hook may call dumps: another object does the work."""

    class Nested(implementation.Pickler):
        def persistent_id(self, obj):
            return repr(implementation.dumps(obj, protocol)) if type(obj) is int else None

    class Loader(implementation.Unpickler):
        def persistent_load(self, pid):
            return implementation.loads(implementation.dumps(pid))

    file = io.BytesIO()
    Nested(file, protocol).dump([1, "a"])
    file.seek(0)
    loaded = Loader(file).load()
    assert loaded == [repr(implementation.dumps(1, protocol)), "a"]
