"""Where hooks are looked for: on instances as Python does it, never on the classes of classes."""

import io

import pytest

from implementations import C_PICKLE


def function():
    return None


class Policy:
    """What somebody passes hooks on to."""

    dispatch_table = {complex: lambda number: (str, ("by the table",))}  # noqa: RUF012

    def persistent_id(self, obj):
        return "seven" if obj == 7 else None

    def reducer_override(self, obj):
        return (str, ("overridden",)) if obj is function else NotImplemented

    def persistent_load(self, pid):
        return "found", pid


def passing_on(base, how):
    """A subclass whose hooks are found by __getattr__ or __getattribute__."""

    def __init__(self, *arguments):
        self.policy = Policy()
        base.__init__(self, *arguments)

    def find(self, name):
        hooks = ("persistent_id", "dispatch_table", "reducer_override", "persistent_load")
        if name in hooks:
            return getattr(object.__getattribute__(self, "policy"), name)
        if how == "__getattr__":
            raise AttributeError(name)
        return base.__getattribute__(self, name)

    return type("Passing", (base,), {"__init__": __init__, how: find})


@pytest.mark.parametrize("how", ["__getattr__", "__getattribute__"])
def test_hooks_that_only_an_attribute_access_finds(how, cy):
    def run(module):
        file = io.BytesIO()
        pickler = passing_on(module.Pickler, how)(file, 4)
        pickler.dump([7, 1j, function])
        loaded = passing_on(module.Unpickler, how)(io.BytesIO(b"\x80\x04K\x07Q.")).load()
        return file.getvalue(), loaded

    try:
        expected = run(C_PICKLE)
    except Exception as error:
        with pytest.raises(type(error)):
            run(cy)
    else:
        assert run(cy) == expected


def test_classes_of_classes_are_not_asked_for_hooks(implementation):
    class Meta(type):
        @property
        def persistent_id(cls):
            raise ZeroDivisionError

        persistent_load = dispatch_table = persistent_id

    class Found(Meta):
        persistent_id = implementation.Pickler.__dict__["persistent_id"]
        dispatch_table = property(lambda cls: implementation.Pickler.dispatch_table)

    class Pickler(implementation.Pickler, metaclass=Meta):
        pass

    class Unpickler(implementation.Unpickler, metaclass=Meta):
        pass

    class Hooked(implementation.Pickler, metaclass=Found):
        dispatch_table = Policy.dispatch_table
        persistent_id = Policy.persistent_id

    file = io.BytesIO()
    Pickler(file).dump([7])
    assert Unpickler(io.BytesIO(file.getvalue())).load() == [7]
    Hooked(file := io.BytesIO()).dump([7, 1j])
    assert b"seven" in file.getvalue()
    assert b"by the table" in file.getvalue()
