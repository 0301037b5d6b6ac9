"""Objects that cannot be pickled, by name: each case makes a fresh one. The C pickle refuses at least one
protocol.
"""

import copyreg
import functools
import io
import sys
import threading
import types
from pickle import PickleBuffer

from oracle import Table

CASES = Table()


class Reduces:
    """Reduces to whatever it is given."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return self.value


class ReducesEx:
    """The same by __reduce_ex__."""

    def __init__(self, value):
        self.value = value

    def __reduce_ex__(self, protocol):
        return self.value


class Plain:
    pass


class Unconvertible:
    """Fails when an index, a truth value or a text is asked for."""

    def __repr__(self):
        raise ZeroDivisionError("no repr")


def reduces(name, value, *more):
    """Add cases that reduce to `value()`, by __reduce__ and by __reduce_ex__, alone and inside a list."""
    CASES.add(name, lambda: Reduces(value()))
    CASES.add(f"{name}_ex", lambda: ReducesEx(value()))
    CASES.add(f"{name}_nested", lambda: ["before", {"key": (Reduces(value()), "after")}])


reduces("reduce_to_none", lambda: None)
reduces("reduce_to_int", lambda: 5)
reduces("reduce_to_list", lambda: [Plain, ()])
reduces("reduce_to_bytes", lambda: b"name")
for size in (0, 1, 7, 8):
    reduces(f"reduce_tuple_of_{size}", lambda size=size: (Plain, (), None, None, None, None, 1, 2)[:size])
reduces("reduce_not_callable", lambda: (5, ()))
reduces("reduce_none_callable", lambda: (None, ()))
reduces("reduce_args_none", lambda: (Plain, None))
reduces("reduce_args_list", lambda: (Plain, []))
reduces("reduce_args_str", lambda: (Plain, "ab"))
reduces("reduce_listitems_int", lambda: (Plain, (), None, 5))
reduces("reduce_listitems_list", lambda: (Plain, (), None, [1, 2]))
reduces("reduce_dictitems_int", lambda: (Plain, (), None, None, 5))
reduces("reduce_dictitems_dict", lambda: (Plain, (), None, None, {}))
reduces("reduce_dictitems_not_pairs", lambda: (Plain, (), None, None, iter([1, 2])))
reduces("reduce_dictitems_one_not_pair", lambda: (Plain, (), None, None, iter([1])))
reduces("reduce_dictitems_triples", lambda: (Plain, (), None, None, iter([(1, 2, 3), (1, 2, 3)])))
reduces("reduce_dictitems_singles", lambda: (Plain, (), None, None, iter([(1,), (2,)])))
reduces("reduce_dictitems_lists", lambda: (Plain, (), None, None, iter([[1, 2], [3, 4]])))
reduces("reduce_dictitems_strs", lambda: (Plain, (), None, None, iter(["ab", "cd"])))
reduces("reduce_setter_int", lambda: (Plain, (), {"a": 1}, None, None, 5))
reduces("reduce_setter_str", lambda: (Plain, (), {"a": 1}, None, None, "setter"))
reduces("reduce_to_missing_name", lambda: "no_such_name")
reduces("reduce_to_other_name", lambda: "Plain")
reduces("reduce_to_empty_name", lambda: "")
reduces("reduce_to_dotted_missing", lambda: "Plain.no_such_name")
reduces("reduce_to_locals_name", lambda: "a.<locals>.b")
reduces("reduce_to_surrogate_name", lambda: "\udc80")


def failing(error, count):
    yield from range(count)
    raise error


def failing_pairs(error, count):
    for index in range(count):
        yield index, index
    raise error


for count in (0, 1, 2, 999, 1000, 1001):
    reduces(
        f"reduce_listitems_raise_{count}", lambda n=count: (Plain, (), None, failing(KeyError("list"), n))
    )
    reduces(
        f"reduce_dictitems_raise_{count}",
        lambda n=count: (Plain, (), None, None, failing_pairs(KeyError("dict"), n)),
    )


def newobj(cls, *args):
    raise AssertionError("never called")


newobj.__name__ = newobj.__qualname__ = "__newobj__"
__newobj__ = newobj


def newobj_ex(cls, args, kwargs):
    raise AssertionError("never called")


newobj_ex.__name__ = newobj_ex.__qualname__ = "__newobj_ex__"
__newobj_ex__ = newobj_ex

for origin, plain, extended in (
    ("copyreg", copyreg.__newobj__, copyreg.__newobj_ex__),
    ("own", newobj, newobj_ex),
):
    reduces(f"newobj_no_class_{origin}", lambda f=plain: (f, ()))
    reduces(f"newobj_int_{origin}", lambda f=plain: (f, (5,)))
    reduces(f"newobj_none_{origin}", lambda f=plain: (f, (None,)))
    reduces(f"newobj_other_class_{origin}", lambda f=plain: (f, (int,)))
    reduces(f"newobj_no_new_{origin}", lambda f=plain: (f, (Reduces(5),)))
    reduces(f"newobj_ex_none_{origin}", lambda f=extended: (f, ()))
    reduces(f"newobj_ex_two_{origin}", lambda f=extended: (f, (Reduces, ())))
    reduces(f"newobj_ex_four_{origin}", lambda f=extended: (f, (Reduces, (), {}, 1)))
    reduces(f"newobj_ex_no_class_{origin}", lambda f=extended: (f, (5, (), {})))
    reduces(f"newobj_ex_other_class_{origin}", lambda f=extended: (f, (int, (), {})))
    reduces(f"newobj_ex_args_list_{origin}", lambda f=extended: (f, (Reduces, [], {})))
    reduces(f"newobj_ex_args_none_{origin}", lambda f=extended: (f, (Reduces, None, {})))
    reduces(f"newobj_ex_kwargs_list_{origin}", lambda f=extended: (f, (Reduces, (), [])))
    reduces(f"newobj_ex_kwargs_none_{origin}", lambda f=extended: (f, (Reduces, (), None)))


class HookRaises:
    """Raises from the hook that is named when it is asked for or called."""

    def __init__(self, hook, how):
        object.__setattr__(self, "plan", (hook, how))

    def __getattribute__(self, name):
        hook, how = object.__getattribute__(self, "plan")
        if name == hook:
            if how == "get":
                raise KeyError(name)
            return {"call": fail, "none": None, "arity": takes_three, "junk": 5}[how]
        return object.__getattribute__(self, name)


def fail(*args):
    raise LookupError(len(args))


def takes_three(a, b, c):
    return a, b, c


for hook in ("__reduce_ex__", "__reduce__", "__getstate__", "__class__", "__dict__"):
    for how in ("get", "call", "none", "arity", "junk"):
        if hook in ("__class__", "__dict__") and how != "get":
            continue
        CASES.add(f"{hook}_{how}", lambda hook=hook, how=how: [HookRaises(hook, how)])

for hook in ("__reduce_ex__", "__reduce__", "__getstate__", "__getnewargs__", "__getnewargs_ex__"):
    for what, value in (("none", None), ("int", 5), ("raising", fail), ("arity", takes_three)):
        cls = type(f"Class{hook}{what}", (), {hook: staticmethod(value) if callable(value) else value})
        cls.__module__ = __name__
        globals()[cls.__name__] = cls
        CASES.add(f"class{hook}{what}", lambda cls=cls: {"k": [cls()]})


def newargs(name, hook, value):
    cls = type(name, (), {hook: lambda self: value, "__module__": __name__})
    globals()[name] = cls
    CASES.add(name, lambda: (cls(),))


newargs("NewArgsList", "__getnewargs__", [1])
newargs("NewArgsNone", "__getnewargs__", None)
newargs("NewArgsExNone", "__getnewargs_ex__", None)
newargs("NewArgsExTriple", "__getnewargs_ex__", ((), {}, 1))
newargs("NewArgsExLists", "__getnewargs_ex__", ([], {}))
newargs("NewArgsExNoDict", "__getnewargs_ex__", ((), []))


@CASES.case
def local_function():
    def local():
        return None

    return local


@CASES.case
def local_class():
    class Local:
        pass

    return Local


@CASES.case
def local_instance():
    class Local:
        pass

    return [Local()]


@CASES.case
def lambda_function():
    return lambda: None


@CASES.case
def lambda_in_dict():
    return {"a": [(lambda: None,)]}


@CASES.case
def lambda_as_key():
    return {(lambda: None): 1}


@CASES.case
def lambda_in_set():
    return {lambda: None}


@CASES.case
def lambda_in_frozenset():
    return frozenset([lambda: None])


@CASES.case
def lambda_in_state():
    plain = Plain()
    plain.attribute = lambda: None
    return plain


@CASES.case
def lambda_in_reduce_args():
    return Reduces((Plain, (lambda: None,)))


@CASES.case
def lambda_as_reduce_function():
    return Reduces((lambda: None, ()))


@CASES.case
def lambda_as_setter():
    return Reduces((Plain, (), {}, None, None, lambda a, b: None))


@CASES.case
def lambda_in_listitems():
    return Reduces((Plain, (), None, iter([1, lambda: None])))


@CASES.case
def lambda_in_dictitems():
    return Reduces((Plain, (), None, None, iter([(1, lambda: None)])))


@CASES.case
def lambda_as_dictitems_key():
    return Reduces((Plain, (), None, None, iter([(lambda: None, 1)])))


@CASES.case
def lambda_in_state_pair():
    return Reduces((Plain, (), ({}, {"a": lambda: None})))


for number in (0, 1, 2, 3, 4, 1000, 1001):
    CASES.add(f"lambda_at_{number}_of_list", lambda n=number: [*range(n), lambda: None, 1])
    CASES.add(f"lambda_at_{number}_of_tuple", lambda n=number: (*range(n), lambda: None, 1))
    CASES.add(f"lambda_at_{number}_of_dict", lambda n=number: {**dict.fromkeys(range(n)), n: lambda: None})

for name, make in {
    "generator": lambda: (item for item in ()),
    "module": lambda: io,
    "module_in_list": lambda: [sys],
    "frame": sys._getframe,
    "code": lambda: fail.__code__,
    "lock": threading.Lock,
    "memoryview": lambda: memoryview(b"abc"),
    "mappingproxy": lambda: types.MappingProxyType({}),
    "partial_of_lambda": lambda: functools.partial(lambda: None),
    "property": lambda: property(),
    "cell": lambda: types.CellType(1),
    "function_type": lambda: type(fail),
    "none_type_renamed": lambda: [type(None), NotImplemented, type(sys)],
    "pickle_buffer": lambda: PickleBuffer(b"abc"),
    "pickle_buffer_strided": lambda: PickleBuffer(memoryview(bytearray(b"abcdef"))[::2]),
    "dict_keys": lambda: {}.keys(),
    "descriptor": lambda: Plain.__dict__["__dict__"],
    "weird_repr_reduce": lambda: Reduces((Unconvertible(), ())),
    "traceback_type": lambda: types.TracebackType,
}.items():
    CASES.add(name, make)


class Slotted:
    __slots__ = ("one",)


class UnderMeta(type):
    def __reduce_ex__(cls, protocol):
        raise BufferError("metaclass")


class MetaMade(metaclass=UnderMeta):
    pass


class Renamed:
    pass


@CASES.case
def slots_without_getstate():
    slotted = Slotted()
    slotted.one = 1
    return slotted


def named(module, qualname, name=None):
    """A class that claims a place that is not its own."""
    cls = type(name or qualname.rpartition(".")[2], (), {})
    cls.__module__ = module
    cls.__qualname__ = qualname
    return cls


class Outer:
    class Inner:
        pass


FAILING_MODULE = "tests_module_that_fails_at_import"

for name, make in {
    "not_found": lambda: named(__name__, "NoSuchClass"),
    "not_the_same": lambda: named(__name__, "Plain"),
    "not_the_same_nested": lambda: named(__name__, "Outer.Inner"),
    "nested_not_found": lambda: named(__name__, "Outer.Nobody"),
    "outer_not_found": lambda: named(__name__, "Nobody.Inner"),
    "module_missing": lambda: named("no_such_module_anywhere", "Class"),
    "module_missing_nested": lambda: named("no_such_module_anywhere", "Outer.Inner"),
    "module_is_not_str": lambda: named(5, "Plain"),
    "module_is_none": lambda: named(None, "NoSuchClass"),
    "locals_in_qualname": lambda: named(__name__, "a.<locals>.B"),
    "non_ascii_class": lambda: named(__name__, "Größe"),
    "newline_class": lambda: named(__name__, "New\nLine"),
    "empty_qualname": lambda: named(__name__, "", "Empty"),
    "instance_not_found": lambda: named(__name__, "NoSuchClass")(),
    "instance_not_the_same": lambda: named(__name__, "Plain")(),
    "instance_module_missing": lambda: [named("no_such_module_anywhere", "Class")()],
    "non_ascii_module": lambda: named("größe", "Class"),
}.items():
    CASES.add(f"global_{name}", make)

Größe = type("Größe", (), {"__module__": __name__})
CASES.add("non_ascii_identifier", lambda: Größe)
CASES.add("non_ascii_identifier_instance", lambda: Größe())


class RaisingModule(types.ModuleType):
    def __getattr__(self, name):
        if name not in ("Class", "name"):  # other tests search all modules
            raise AttributeError(name)
        raise ZeroDivisionError(f"no {name}")


RAISING_MODULE = "tests_raising_module"
sys.modules[RAISING_MODULE] = RaisingModule(RAISING_MODULE)
CASES.add("global_module_raises", lambda: named("tests_raising_module", "Class"))
CASES.add("global_module_raises_nested", lambda: [named("tests_raising_module", "Class.Inner")()])


class StateRaises:
    def __getstate__(self):
        raise ZeroDivisionError("state")


class StateOdd:
    """A state that is neither a dict nor a pair is legal to dump."""

    def __getstate__(self):
        return lambda: None


CASES.add("getstate_raises", lambda: {"a": StateRaises()})
CASES.add("getstate_lambda", StateOdd)


class Shouts(str):
    __slots__ = ()

    def __reduce_ex__(self, protocol):
        raise ZeroDivisionError("shout")


class RaisingInt(int):
    def __reduce__(self):
        raise ZeroDivisionError("int")


CASES.add("str_subclass", lambda: {Shouts("a"): 1})
CASES.add("int_subclass", lambda: [1, 2, RaisingInt(5)])
CASES.add("metaclass_reduce_ignored_in_list", lambda: [MetaMade, lambda: None])


class ChangesList(list):
    def __iter__(self):
        raise ZeroDivisionError("iter")


class ChangesDict(dict):
    def items(self):
        raise ZeroDivisionError("items")


class ItemsNone(dict):
    def items(self):
        return None


class ItemsTriples(dict):
    def items(self):
        return [(1, 2, 3)]


CASES.add("list_subclass_iter", lambda: ChangesList([1]))
CASES.add("dict_subclass_items", lambda: ChangesDict({1: 2}))
CASES.add("dict_subclass_items_none", lambda: ItemsNone({1: 2}))
CASES.add("dict_subclass_items_triples", lambda: ItemsTriples({1: 2}))


class Grower:
    """Changes a container while it is being pickled."""

    def __init__(self, change):
        self.change = change

    def __reduce__(self):
        self.change()
        return Plain, ()


def grow_dict(items):
    container = {}
    for index in range(items):
        container[index] = Grower(lambda: container.update({object: 1, type: 2}))
    return container


def shrink_dict():
    container = {index: index for index in range(10)}
    container[3] = Grower(container.clear)
    return container


def grow_set():
    container = set()
    container.update([Grower(lambda: container.update(range(100))), Grower(lambda: container.add(5))])
    return container


CASES.add("dict_grows", lambda: grow_dict(3))
CASES.add("dict_grows_under_last", lambda: grow_dict(1))
CASES.add("dict_shrinks", shrink_dict)
CASES.add("set_grows", grow_set)
# What some versions or all accept: compared all the same.
ACCEPTED = frozenset(
    [
        f"newobj_ex_other_class_{origin}{suffix}"
        for origin in ("copyreg", "own")
        for suffix in ("", "_ex", "_nested")
    ]
    + [f"__reduce___{how}" for how in ("call", "none", "arity", "junk")]
    + ["__dict___get"]
)
