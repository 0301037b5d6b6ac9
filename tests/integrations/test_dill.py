"""dill on cypickle: dill's bytes for all that dill can pickle."""

import io
import logging
import pickle
import threading

import pytest
from records import dicts, records

dill = pytest.importorskip("dill", reason="dill is not installed: see the extra `hosts`")
ours = pytest.importorskip("cypickle.integrations.dill")
pytestmark = pytest.mark.hosts


class Recursive:
    def __init__(self):
        self.me = self
        self.call = lambda: self


def generated():
    class Local:
        attribute = [1, 2]  # noqa: RUF012

        def method(self):
            return self.attribute

    return Local


OBJECTS = {
    "dicts": dicts,
    "records": records,
    "lambda": lambda: lambda x: x + 1,
    "class": generated,
    "instance": lambda: generated()(),
    "recursive": Recursive,
    "module dict": lambda: vars(pickle),
    "dict with a name": lambda: {"__name__": "pickle", "other": 1},
    "lock": lambda: [threading.Lock()],
    "cell": lambda: (lambda x: lambda: x)(1).__closure__,
    "type": lambda: [type, int, type(None)],
    "slice": lambda: slice(1, 2),
    "views": lambda: {1: 2}.items(),
    "module": lambda: pickle,
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("recurse", [False, True])
def test_the_bytes_are_dills(name, protocol, recurse):
    obj = OBJECTS[name]()
    data = ours.dumps(obj, protocol, recurse=recurse)
    assert data == dill.dumps(obj, protocol, recurse=recurse)
    file = io.BytesIO()
    ours.dump(obj, file, protocol, recurse=recurse)
    assert file.getvalue() == data


def test_what_comes_back_works():
    assert ours.loads(ours.dumps(lambda x: x + 1))(2) == 3
    back = ours.loads(ours.dumps(Recursive()))
    assert back.call() is back.me is back
    assert ours.load(io.BytesIO(dill.dumps(dicts()))) == dicts()


def test_arrays_and_functions_of_numpy():
    numpy = pytest.importorskip("numpy")
    for obj in ([numpy.arange(3), numpy.sin, numpy.dtype("f4")], numpy.float64(1), numpy.ones((2, 2)).T):
        assert ours.dumps(obj) == dill.dumps(obj)


def test_what_is_registered_later_is_found():
    class Special:
        pass

    assert ours.dumps(Special()) == dill.dumps(Special())

    @dill.register(Special)
    def save_special(pickler, obj):
        pickler.save_reduce(list, ([1, 2],), obj=obj)

    try:
        assert ours.loads(ours.dumps([Special()])) == [[1, 2]]
    finally:
        del dill.Pickler.dispatch[Special]


def saved_by(module, obj):
    """What a subclass with a dispatch and a save() of its own has saved, and the pickle."""
    saved = []

    class Sub(module.Pickler):
        dispatch = module.Pickler.dispatch.copy()

        def save(self, obj, save_persistent_id=True):
            saved.append(repr(obj))
            super().save(obj, save_persistent_id)

    Sub.dispatch[complex] = lambda pickler, obj: pickler.save_reduce(str, ("mine",), obj=obj)
    file = io.BytesIO()
    Sub(file).dump(obj)
    return saved, file.getvalue()


def test_a_subclasss_dispatch_and_save_are_used():
    saved, data = saved_by(ours, [1j, {"a": 1}, (2.5,)])
    assert (saved, data) == saved_by(dill, [1j, {"a": 1}, (2.5,)])
    assert pickle.loads(data)[0] == "mine"
    assert "2.5" in saved


def test_its_trace_tells_about_dicts(caplog):
    dill.detect.trace(True)
    try:
        with caplog.at_level(logging.INFO, logger="dill"):
            assert ours.dumps([{"a": 1}]) == dill.dumps([{"a": 1}])
    finally:
        dill.detect.trace(False)


def test_dicts_like_those_of_modules():
    main = dill._dill._main_module
    copied = dict(vars(main))
    same_length = {f"key {n}": n for n in range(len(copied))}
    alike = {**copied, "__name__": "elsewhere"}
    for obj in (
        vars(main), [copied, copied], same_length, alike, {"__name__": 1}, {"__name__": "no module"}, {}, {1: 2},
        {"__name__": "pickle", **vars(pickle)}, [vars(pickle), vars(main)],
    ):  # fmt: skip
        assert outcome(ours, obj) == outcome(dill, obj)


def outcome(module, obj):
    """The bytes, or the error."""
    try:
        return module.dumps(obj)
    except Exception as error:
        return type(error), str(error)


def test_sessions():
    """dump_module() writes the main module by Pickler, which then looks at each dict."""
    files = []
    for module in (ours, dill):
        pickler = module.Pickler(file := io.BytesIO(), 4)
        pickler._main = pickle
        pickler._session, pickler._first_pass = True, True
        pickler.dump([{"a": 1}, vars(pickle), {"b": 2}, vars(pickle)])
        files.append(file.getvalue())
    assert files[0] == files[1]


def test_use_everywhere():
    theirs = dill.dumps
    ours.use_everywhere()
    try:
        assert dill.dumps is ours.dumps
        assert dill.copy([1]) == [1]
    finally:
        ours.use_everywhere(False)
    assert dill.dumps is theirs
