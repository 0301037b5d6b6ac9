"""Objects, classes and registries that user code changes while they are being pickled, and other traps.

The bytes, or the error, must be those of the running C pickle.
"""

import copyreg
import io
import itertools
import pickle
import sys
import types
import weakref

import pytest

from oracle import Table, both

SCENARIOS = Table()
scenario = SCENARIOS.scenario


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Sub(Plain):
    pass


class Other:
    pass


class Bare:
    """Its attributes need no dictionary."""


class Container(list):
    """A list that changes another one while it is reduced."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def __reduce__(self):
        self.change()
        return Other, ()


def mutating(name, make):
    def run(implementation, seen, protocol):
        return implementation.dumps(make(), protocol)

    run.__name__ = f"mutation_{name}"
    scenario(run)


def list_that(change, size=5, at=2):
    items = list(range(size))
    items[at] = Container(lambda: change(items))
    return items


mutating("list_grows", lambda: list_that(lambda items: len(items) < 50 and items.append(99)))
mutating("list_shrinks", lambda: list_that(lambda items: items.pop()))
mutating("list_clears", lambda: list_that(lambda items: items.clear()))
mutating("list_grows_over_a_batch", lambda: list_that(lambda items: items.extend(range(1000)), 999, 998))
mutating("list_shrinks_in_second_batch", lambda: list_that(lambda items: items.clear(), 1500, 1200))
mutating("list_single_clears", lambda: list_that(lambda items: items.clear(), 1, 0))
mutating("list_single_grows", lambda: list_that(lambda items: len(items) < 3 and items.append(1), 1, 0))


def dict_that(change, size=5, at=2):
    items = {f"k{index}": index for index in range(size)}
    items[f"k{at}"] = Container(lambda: change(items))
    return items


mutating("dict_grows", lambda: dict_that(lambda items: items.update(new=1)))
mutating("dict_shrinks", lambda: dict_that(lambda items: items.popitem()))
mutating("dict_clears", lambda: dict_that(lambda items: items.clear()))
mutating("dict_value_replaced", lambda: dict_that(lambda items: items.update(k4="replaced")))
mutating("dict_single_clears", lambda: dict_that(lambda items: items.clear(), 1, 0))
mutating("dict_single_replaced", lambda: dict_that(lambda items: items.update(k0=7), 1, 0))
mutating("dict_large_grows", lambda: dict_that(lambda items: items.update(new=1), 1500, 1200))


for _size, _at in [(3, 1), (5, 0), (5, 4), (1000, 1), (1001, 999), (2001, 1500)]:
    mutating(
        f"dict_key_moves_to_the_end_{_size}_{_at}",
        lambda size=_size, at=_at: dict_that(lambda items: items.update(k0=items.pop("k0", 0)), size, at),
    )


def set_that(change):
    items = set()
    items.update([Hashed(lambda: change(items)) for _ in range(3)])
    return items


class Hashed:
    def __init__(self, change):
        self.change = change

    def __reduce__(self):
        self.change()
        return Other, ()


mutating("set_grows", lambda: set_that(lambda items: items.update(range(100))))


def state_that(change):
    plain = Plain(a=1)
    plain.b = Container(lambda: change(plain))
    plain.c = 3
    return plain


mutating("state_attribute_added", lambda: state_that(lambda plain: setattr(plain, "d", 4)))
mutating("state_attribute_deleted", lambda: state_that(lambda plain: delattr(plain, "c")))
mutating("state_attribute_replaced", lambda: state_that(lambda plain: setattr(plain, "c", "new")))
mutating("state_replaced", lambda: state_that(lambda plain: plain.__dict__.clear()))
mutating("state_dict_swapped", lambda: state_that(lambda plain: setattr(plain, "__dict__", {"z": 1})))


def bare_state_that(change, depth):
    bare = Bare()
    bare.a = [1]
    bare.b = Container(lambda: change(bare))
    bare.c = [3]
    bare.d = 4
    nested = [bare]
    for _ in range(depth):
        nested = [nested]
    return nested


BARE_CHANGES = {
    "added": lambda bare: setattr(bare, "e", 5),
    "deleted": lambda bare: delattr(bare, "d"),
    "replaced": lambda bare: setattr(bare, "d", "new"),
    "cleared": lambda bare: bare.__dict__.clear(),
    "swapped": lambda bare: setattr(bare, "__dict__", {"z": 1}),
    "swapped_same_size": lambda bare: setattr(bare, "__dict__", {"q": 1, "r": 2, "s": 3, "t": [4]}),
    "swapped_then_deleted": lambda bare: (setattr(bare, "__dict__", {"q": 1}), delattr(bare, "q")),
    "class": lambda bare: setattr(bare, "__class__", Other),
}
for _name, _change in BARE_CHANGES.items():
    for _depth in (0, 60):
        mutating(f"bare_state_{_name}_{_depth}", lambda f=_change, depth=_depth: bare_state_that(f, depth))


mutating("class_of_instance_swapped", lambda: state_that(lambda plain: setattr(plain, "__class__", Sub)))


@scenario
def open_shared_tuple(implementation, seen, protocol):
    """The tuple is walked twice before it is memoised, and so is the list that nobody else refers to."""
    inner = []
    outer = (inner, 1)
    inner.append(outer)
    del inner
    return implementation.dumps(outer, protocol)


@scenario
def open_shared_tuple_in_instances(implementation, seen, protocol):
    plain = Plain()
    plain.pair = (["unique"], {"k": "unique too"}, plain)
    return implementation.dumps([(plain.pair, 2), plain], protocol)


@scenario
def open_shared_frozenset(implementation, seen, protocol):
    plain = Plain()
    frozen = frozenset([plain])
    plain.items = [frozen, "unique"]
    return implementation.dumps(frozen, protocol)


class SelfReducing:
    def __init__(self):
        self.parts = ["a"]

    def __reduce__(self):
        return SelfReducing, (), {"own": self.parts, "again": (self.parts, [self])}


class CycleInArguments:
    """Refers to itself in its own arguments: never ends in theory, by identity of a cached tuple."""

    def __init__(self, *args):
        self.arguments = (["unique"],)

    def __reduce__(self):
        return CycleInArguments, self.arguments


@scenario
def reduce_shares_its_parts(implementation, seen, protocol):
    return implementation.dumps([SelfReducing(), CycleInArguments()] * 2, protocol)


REGISTRY = weakref.WeakValueDictionary()


class Registered(list):
    """Hands itself out again by a weak reference."""

    def __reduce_ex__(self, protocol):
        return list, (list(REGISTRY.values()),)


class Kept(list):
    pass


@scenario
def objects_handed_out_again_by_weakrefs(implementation, seen, protocol):
    container = [Kept(["only here"]), [Kept(["nested"])], Registered()]
    REGISTRY["a"] = container[0]
    REGISTRY["b"] = container[1][0]
    return implementation.dumps(container, protocol)


class Hands:
    """Hands out a sibling which has been pickled, and which nobody else refers to."""

    def __init__(self, container):
        self.container = container

    def __reduce__(self):
        return list, ([*self.container[:2], self.container[0][0]],)


@scenario
def siblings_handed_out_again(implementation, seen, protocol):
    container = [["unique 1", "x" * 50], ("unique", 2.5, b"bytes" * 9)]
    container.append(Hands(container))
    return implementation.dumps(container, protocol)


@scenario
def temporaries_are_not_confused(implementation, seen, protocol):
    """A reduce value's parts die early, and their addresses come back."""

    class Table(dict):
        def get(self, key, default=None):
            return default

        def __getitem__(self, key):
            if key is Plain:
                return lambda obj: (list, ([[str(obj.number) * 3], (obj.number, "x")],))
            raise KeyError(key)

    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    pickler.dispatch_table = Table()
    pickler.dump([Plain(number=number) for number in range(300)])
    return file.getvalue()


class Changes:
    """Runs `change` when it is reduced."""

    def __init__(self, change):
        self.change = change

    def __reduce__(self):
        self.change()
        return Other, ()


def reduce_to_other(obj):
    return Other, ()


@scenario
def copyreg_changes_under_way(implementation, seen, protocol):
    changes = Changes(lambda: copyreg.dispatch_table.__setitem__(Plain, reduce_to_other))
    try:
        return implementation.dumps([Plain(a=1), changes, Plain(a=2)], protocol)
    finally:
        copyreg.dispatch_table.pop(Plain, None)


@scenario
def copyreg_entry_removed_under_way(implementation, seen, protocol):
    copyreg.dispatch_table[Plain] = reduce_to_other
    changes = Changes(lambda: copyreg.dispatch_table.pop(Plain))
    return implementation.dumps([Plain(a=1), changes, Plain(a=2)], protocol)


for hook, value in {
    "__reduce__": reduce_to_other,
    "__reduce_ex__": lambda self, protocol: (Other, ()),
    "__getstate__": lambda self: {"changed": 1},
    "__getnewargs__": lambda self: ("changed",),
    "__getnewargs_ex__": lambda self: (("changed",), {"k": 1}),
    "__slots__": ("unknown",),
    "__setstate__": lambda self, state: None,
    "__qualname__": "NoSuchName",
    "__module__": "no_such_module_anywhere",
}.items():

    def class_changes(implementation, seen, protocol, hook=hook, value=value):
        class_ = type("Changing", (), {"__module__": __name__})
        globals()["Changing"] = class_
        first, second = class_(), class_()
        first.a = second.a = [1]
        return implementation.dumps([first, Changes(lambda: setattr(class_, hook, value)), second], protocol)

    class_changes.__name__ = f"class_changes{hook}"
    scenario(class_changes)

    def base_changes(implementation, seen, protocol, hook=hook, value=value):
        base = type("BaseOfChanging", (), {"__module__": __name__})
        class_ = type("Changing", (base,), {"__module__": __name__})
        globals()["Changing"] = class_
        first, second = class_(), class_()
        before = implementation.dumps([first, second], protocol)
        setattr(base, hook, value)
        try:
            after = implementation.dumps([first, second], protocol)
        except (pickle.PicklingError, TypeError, AttributeError, ImportError) as error:
            after = type(error)
        return before, after

    base_changes.__name__ = f"base_changes{hook}"
    scenario(base_changes)


@scenario
def module_replaced_under_way(implementation, seen, protocol):
    module = types.ModuleType("tests_replaced_module")
    module.Class = type("Class", (), {"__module__": module.__name__})
    sys.modules[module.__name__] = module
    first, second = module.Class(), module.Class()
    changes = Changes(lambda: sys.modules.pop(module.__name__))
    try:
        return implementation.dumps([first, changes, second, [module.Class]], protocol)
    finally:
        sys.modules.pop(module.__name__, None)


@scenario
def name_rebound_between_dumps(implementation, seen, protocol):
    module = types.ModuleType("tests_rebound_module")
    module.Class = cls = type("Class", (), {"__module__": module.__name__})
    sys.modules[module.__name__] = module
    try:
        seen.append(implementation.dumps([cls(), cls], protocol))
        module.Class = None
        return implementation.dumps([cls(), cls], protocol)
    finally:
        del sys.modules[module.__name__]


for name in (
    "__reduce_ex__",
    "__reduce__",
    "__getstate__",
    "__getnewargs__",
    "__class__",
    "__dict__",
    "__slots__",
):

    def instance_attribute(implementation, seen, protocol, name=name):
        plain = Plain(a=1)
        plain.__dict__[name] = lambda *args: (Other, ())
        return implementation.dumps([plain], protocol)

    instance_attribute.__name__ = f"instance_attribute{name}"
    scenario(instance_attribute)


@scenario
def instance_reduce_ex_is_used(implementation, seen, protocol):
    plain = Plain(a=1)
    plain.__reduce_ex__ = Bound()
    return implementation.dumps([plain, Plain(a=1)], protocol)


class Bound:
    def __call__(self, protocol=None):
        return Other, ()


@scenario
def dict_with_odd_keys(implementation, seen, protocol):
    plain = Plain(a=1)
    plain.__dict__.update({5: 6, None: 7, ("t",): 8})
    plain.__dict__[StrKey("sub")] = 9
    return implementation.dumps([plain, plain.__dict__, Plain(a=2)], protocol)


class StrKey(str):
    __slots__ = ()


@scenario
def dict_is_shared_and_materialised(implementation, seen, protocol):
    plain, twin = Plain(a=1, b=[2]), Plain()
    twin.__dict__ = plain.__dict__
    vars(plain)
    return implementation.dumps([plain.__dict__, plain, twin, Plain(c=1)], protocol)


class ClassLies:
    @property
    def __class__(self):
        return Plain


class GetattrAnswers:
    def __getattr__(self, name):
        if name.startswith(("__get", "__set")):
            raise AttributeError(name)
        return lambda *args: (Other, ())


class GetattributeCounts:
    log = []  # noqa: RUF012

    def __init__(self):
        self.a = 1

    def __getattribute__(self, name):
        type(self).log.append(name) if name != "__class__" else None
        return object.__getattribute__(self, name)


class SlotBase:
    __slots__ = ("one", "two")


class SlotAndDict(SlotBase):
    __slots__ = ("__dict__", "__weakref__", "three")


class SlotThenDict(SlotBase):
    pass


class Mangled:
    __slots__ = ("_Other__odd", "__private")

    def fill(self):
        self.__private = 1
        self._Other__odd = 2
        return self


class SlotString:
    __slots__ = "single"


class Meta(type):
    def __call__(cls, *args):
        return type.__call__(cls)


class MetaMade(metaclass=Meta):
    def __init__(self):
        self.a = 1


class DictProperty:
    def __init__(self):
        object.__setattr__(self, "real", 1)

    @property
    def __dict__(self):
        return {"pretended": 1}


class DescriptorClash:
    def __init__(self):
        self.__dict__["clash"] = "in the dict"

    @property
    def clash(self):
        raise ZeroDivisionError


def slotted(cls, *names):
    made = cls()
    for name in names:
        setattr(made, name, [name])
    return made


for title, make in {
    "class_lies": ClassLies,
    "getattr_answers": GetattrAnswers,
    "getattribute_counts": GetattributeCounts,
    "slots_empty": SlotBase,
    "slots_some": lambda: slotted(SlotBase, "two"),
    "slots_and_dict": lambda: slotted(SlotAndDict, "one", "three", "own"),
    "slots_then_dict": lambda: slotted(SlotThenDict, "two", "own"),
    "slots_mangled": lambda: Mangled().fill(),
    "slots_string": lambda: slotted(SlotString, "single"),
    "metaclass": MetaMade,
    "dict_property": DictProperty,
    "descriptor_clash": DescriptorClash,
    "str_key": lambda: {StrKey("a"): StrKey("a"), "a": "b"},
    "exception": lambda: KeyError("a", [1]),
    "namespace": lambda: types.SimpleNamespace(a=[1], b=2),
    "bound_method": lambda: [Plain(a=1).__init__, [].append],
    "empty_instances": lambda: [Plain(), Sub(), Plain()],
}.items():

    def odd_class(implementation, seen, protocol, make=make):
        GetattributeCounts.log.clear()
        made = make()
        for _ in range(5):  # the class may be remembered after some dumps
            first = implementation.dumps([made, [made]], protocol)
            seen.append(first)
        loaded = implementation.loads(first)
        return loaded[0] is loaded[1][0], type(loaded[0])

    odd_class.__name__ = f"odd_{title}"
    scenario(odd_class)


@scenario
def attribute_lookups_are_the_same(implementation, seen, protocol):
    counted = GetattributeCounts()
    GetattributeCounts.log.clear()
    data = implementation.dumps(counted, protocol)
    seen.extend(GetattributeCounts.log)
    return data


class ListSub(list):
    pass


@scenario
def entries_taken_out_and_put_back(implementation, seen, protocol):
    """The size stays; where gaps have been left behind, the iterator of a dict's items ends early, without an error."""
    if protocol and sys.version_info >= (3, 15):
        return  # its own pickle crashes
    for removed, size, at, taken in itertools.product((0, 2), range(1, 6), range(5), (0, 1, 3)):
        items = {f"r{index}": index for index in range(removed)}

        def rotate(items=items, taken=taken):
            for _ in range(2):
                key = list(items)[taken % len(items)]
                items[key] = items.pop(key)

        items |= {f"k{index}": index for index in range(size)}
        items[f"k{min(at, size - 1)}"] = Container(rotate)
        for index in range(removed):
            del items[f"r{index}"]
        try:
            seen.append(implementation.dumps(items, protocol))
        except RuntimeError as error:
            seen.append(str(error))


class DictSub(dict):
    pass


class SetSub(set):
    pass


class TupleSub(tuple):
    pass


@scenario
def repeated_dumps_of_a_class(implementation, seen, protocol):
    """What is remembered about a class after its first dumps changes nothing."""
    for cls, content in ((ListSub, "ab"), (DictSub, [("a", 1)]), (SetSub, "a"), (TupleSub, "ab")):
        for _ in range(6):
            made = cls(content)
            seen.append(implementation.dumps([made, cls()], protocol))
            made.attribute = "own"
            seen.append(implementation.dumps([made, cls()], protocol))


@scenario
def repeated_keys_and_strings(implementation, seen, protocol):
    """Keys met again in the same and in other positions, equal and identical, interned and made."""
    keys = ["".join(["k", str(index % 7)]) for index in range(40)]
    rows = [{key: index, "same": key, sys.intern("inter"): None} for index, key in enumerate(keys)]
    rows += [Plain(**{key: [key]}) for key in keys]
    return implementation.dumps(rows, protocol)


@pytest.mark.parametrize("name", SCENARIOS)
def test_behaves_as_the_stdlib(name):
    expected, actual = both(SCENARIOS[name])
    assert actual == expected
