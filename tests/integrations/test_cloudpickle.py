"""cloudpickle on cypickle: cloudpickle's bytes, by its own reducers."""

import copyreg
import io
import pickle
import sys
import threading

import pytest
from records import dicts, records

import cypickle

cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed: see the extra `hosts`")
ours = pytest.importorskip("cypickle.integrations.cloudpickle")
pytestmark = pytest.mark.hosts


def closure(number):
    return lambda other: number + other


class Base:
    def name(self):
        return "base"


def local_class():
    class Local(Base):
        def name(self):
            return super().name() + " local"

    return Local


OBJECTS = {
    "lambda": lambda: closure(3),
    "class": local_class,
    "instance": lambda: local_class()(),
    "records": records,
    "dicts": dicts,
    "module": lambda: sys,
    "many": lambda: [closure(1), local_class(), {"key": closure(2)}, memoryview(b"abc"), property(len)],
    "method": lambda: local_class()().name,
    "views": lambda: ({1: 2}.keys(), {1: 2}.values(), {1: 2}.items()),
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_the_bytes_are_cloudpickles(name, protocol):
    obj = OBJECTS[name]()
    cloudpickle.dumps(obj, protocol)  # the first time it notes what it has seen, and writes other bytes
    data = ours.dumps(obj, protocol)
    assert data == cloudpickle.dumps(obj, protocol)
    file = io.BytesIO()
    ours.dump(obj, file, protocol)
    assert file.getvalue() == data


def test_what_comes_back_works():
    assert ours.loads(ours.dumps(closure(3)))(4) == 7
    assert ours.loads(ours.dumps(local_class()))().name() == "base local"
    assert pickle.loads(ours.dumps(records())) == records()


def asked_by(module, obj):
    """What the reducer_override of a subclass is asked about."""
    asked = []

    class Logged(module.CloudPickler):
        def reducer_override(self, obj):
            asked.append(obj)
            return (str, ("mine",)) if type(obj) is complex else super().reducer_override(obj)

    file = io.BytesIO()
    Logged(file).dump(obj)
    return asked, file.getvalue()


def test_a_subclasss_hook_is_asked_about_all_that_cloudpickles_is():
    obj = [records(3), closure, len, {1, 2}, 1.5, 1j, object]
    assert asked_by(ours, obj) == asked_by(cloudpickle, obj)
    asked, data = asked_by(ours, obj)
    assert 1j in asked
    assert pickle.loads(data)[5] == "mine"


def test_the_hook_itself_is_asked_about_classes_and_functions_only():
    class Sub(ours.CloudPickler):
        pass

    class Further(ours.CloudPickler):
        reducer_override = ours.CloudPickler.reducer_override
        reducer_override_types = (type,)

    for cls in (ours.CloudPickler, Sub):
        assert cls.reducer_override_types == (type, type(closure))
    assert Further.reducer_override_types == (type,)


def test_what_is_registered_with_copyreg_later_is_found(monkeypatch):
    class Later:
        pass

    for module in (cloudpickle, ours):
        file = io.BytesIO()
        pickler = module.CloudPickler(file)
        pickler.dump(1)
        file.seek(0)
        monkeypatch.setitem(copyreg.dispatch_table, Later, lambda item: (str, ("registered",)))
        pickler.dump(Later())
        assert pickle.loads(file.getvalue()) == "registered"
        monkeypatch.delitem(copyreg.dispatch_table, Later)


def test_the_dispatch_table_of_an_instance(monkeypatch):
    pickler = ours.CloudPickler(file := io.BytesIO())

    def written():
        file.seek(0)
        pickler.clear_memo()
        pickler.dump([1j])
        return pickle.loads(file.getvalue())

    assert pickler.dispatch_table is cloudpickle.CloudPickler.dispatch_table
    monkeypatch.setitem(pickler.dispatch_table, complex, lambda item: (str, ("for all",)))
    assert written() == ["for all"]
    pickler.dispatch_table = own = {complex: lambda item: (str, ("own",))}
    assert pickler.dispatch_table is own
    assert written() == ["own"]
    del pickler.dispatch_table
    with pytest.raises(AttributeError, match="dispatch_table"):
        del pickler.dispatch_table
    assert written() == ["for all"]


def test_register_by_value():
    import records as module

    ours.register_pickle_by_value(module)
    try:
        assert ours.dumps(module.records) == cloudpickle.dumps(module.records)
        assert b"co_" in ours.dumps(module.records) or len(ours.dumps(module.records)) > 200
    finally:
        ours.unregister_pickle_by_value(module)


def test_a_dispatch_table_of_a_subclass_is_used():
    class Sub(ours.Pickler):
        dispatch_table = ours.Pickler.dispatch_table.new_child({complex: lambda number: (list, ())})

    file = io.BytesIO()
    Sub(file).dump(1j)
    assert pickle.loads(file.getvalue()) == []


def test_buffers_stay_out_of_band():
    buffers = []
    data = ours.dumps(pickle.PickleBuffer(b"abc"), 5, buffers.append)
    assert bytes(cypickle.loads(data, buffers=buffers)) == b"abc"


def test_errors_are_cloudpickles():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(pickle.PicklingError, match="deep recursion"):
        ours.dumps(nested)
    while nested:
        nested = nested.pop()
    with pytest.raises(TypeError, match="_thread"):
        ours.dumps(threading.Lock())


def test_types_declared_wrongly_are_refused():
    class Sub(cypickle.Pickler):
        reducer_override_types = [type]  # noqa: RUF012

        def reducer_override(self, obj):
            return NotImplemented

    with pytest.raises(TypeError, match="reducer_override_types must be a tuple of classes"):
        Sub(io.BytesIO()).dump(1)


def test_the_pickler_of_cloudpickle_itself_replaced(monkeypatch):
    expected = ours.dumps([len, 1j])
    monkeypatch.setattr("cloudpickle.cloudpickle.Pickler", ours.Pickler)
    assert cloudpickle.dumps([len, 1j]) == ours.dumps([len, 1j]) == expected
