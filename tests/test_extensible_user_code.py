"""ExtensiblePickler when user code does what it can, and how deep it goes: as pickle._Pickler, without a crash."""

import io
import pickle
import sys
import threading

import pytest

import cypickle
from processes import FREE_THREADED, SANITIZED

PURE, OURS = pickle._Pickler, cypickle.ExtensiblePickler


class Plain:
    def __init__(self, value=None):
        self.value = value


class Reducing:
    def __init__(self, *value):
        self.value = value

    def __reduce__(self):
        return self.value


class Sub(OURS):
    def save_int(self, obj):
        self.save_long(obj)


def outcome(function):
    try:
        return function()
    except Exception as error:
        return type(error), str(error)


# ---- depth


def lists(depth):
    top = item = []
    for _ in range(depth):
        item.append(deeper := [])
        item = deeper
    return top


def tuples(depth):
    item = ()
    for _ in range(depth):
        item = (item,)
    return item


def dicts(depth):
    top = item = {}
    for _ in range(depth):
        item["key"] = deeper = {}
        item = deeper
    return top


def instances(depth):
    top = item = Plain()
    for _ in range(depth):
        item.value = deeper = Plain()
        item = deeper
    return top


def reduced(depth):
    item = 1
    for _ in range(depth):
        item = Reducing(int, (item,))
    return item


def take_apart(obj):
    """Bottom up: an interpreter may not survive the end of what is nested this deep."""
    parts = []
    while True:
        parts.append(obj)
        inner = obj.value if isinstance(obj, (Plain, Reducing)) else obj
        if isinstance(inner, dict):
            inner = list(inner.values())
        if isinstance(inner, tuple) and inner and inner[0] is int:
            inner = inner[1]
        if isinstance(inner, (list, tuple)):
            if not inner:
                break
            inner = inner[0]
        if not isinstance(inner, (list, tuple, dict, Plain, Reducing)):
            break
        obj = inner
    del obj, inner
    while parts:
        parts.pop()


@pytest.fixture
def high_limit():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(before)


def on_stack(size, function):
    """Call it in a thread that has so many bytes of C stack; 0: in this one."""
    if not size:
        return function()
    found = []
    before = threading.stack_size(size)
    thread = threading.Thread(target=lambda: found.append(function()))
    try:
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    return found[0]


def dump(cls, obj, protocol=4):
    cls(file := io.BytesIO(), protocol).dump(obj)
    return file.getvalue()


@pytest.mark.parametrize("stack", [0, 256 * 1024])
@pytest.mark.parametrize("make", [lists, tuples, dicts])
@pytest.mark.parametrize("protocol", [0, 4])
def test_as_deep_as_the_pure_one(protocol, make, stack, high_limit):
    obj = make(20_000)
    expected = dump(PURE, obj, protocol)
    for cls in (OURS, Sub):
        assert on_stack(stack, lambda cls=cls: outcome(lambda: dump(cls, obj, protocol))) == expected
    take_apart(obj)


@pytest.mark.parametrize("stack", [0, 256 * 1024])
@pytest.mark.parametrize("depth", [100, 300, 1000, 20_000])
@pytest.mark.parametrize("make", [instances, reduced])
@pytest.mark.parametrize("protocol", [0, 4])
def test_reduce_values_as_deep_as_the_stack_allows(protocol, make, depth, stack, high_limit):
    """Where the pure one takes C stack itself, and may crash, an error says that there is no more."""
    obj = make(depth)
    found = on_stack(stack, lambda: outcome(lambda: dump(OURS, obj, protocol)))
    if (depth <= 100 and not SANITIZED) or isinstance(found, bytes):
        assert found == cypickle.dumps(obj, protocol)
    else:
        assert found[0] is RecursionError
    take_apart(obj)


def marking(base):
    """A class whose save() shows in the bytes: a None before each object, which is popped again."""

    class Marking(base):
        def save(self, obj, save_persistent_id=True):
            self.write(b"N0")
            super().save(obj, save_persistent_id)

    return Marking


@pytest.mark.parametrize("protocol", [0, 1, 4])
def test_save_of_a_subclass_is_called_once_near_the_end_of_the_stack(protocol, high_limit):
    ours, pure = marking(OURS), marking(PURE)
    dumped = 0
    for depth in range(4, 300, 3):
        obj = lists(depth)
        found = on_stack(256 * 1024, lambda obj=obj: outcome(lambda: dump(ours, obj, protocol)))
        assert isinstance(found, bytes) or found[0] is RecursionError
        if isinstance(found, bytes):
            assert found == dump(pure, obj, protocol)
            dumped += 1
    assert dumped


@pytest.mark.parametrize("protocol", [0, 4])
def test_what_user_code_assigns_to_the_pickler_stays(protocol):
    for base in (PURE, OURS):

        class Assigning(base):
            def persistent_id(self, obj):
                if obj == "now":
                    save = self.save
                    self.save, self.save_dict = lambda *args, **named: save(*args, **named), print
                return None

        pickler = Assigning(io.BytesIO(), protocol)
        pickler.dump(["now", 1])
        assert {"save", "save_dict"} <= vars(pickler).keys()
        assert pickler.save_dict is print


def test_nothing_of_a_deep_dump_is_left(high_limit):
    pickler = OURS(file := io.BytesIO(), 4)
    before = set(vars(pickler))
    deep = lists(5000)
    pickler.dump(deep)
    first = file.getvalue()
    assert set(vars(pickler)) == before
    file.seek(0)
    pickler.clear_memo()
    pickler.dump(deep)
    assert file.getvalue() == first


def test_a_subclass_that_stays_on_the_c_stack(high_limit):
    """Its save() takes some of it at each level, so there is an end, which is an error."""

    class Calling(OURS):
        def save(self, obj, save_persistent_id=True):
            super().save(obj, save_persistent_id)

    deep = lists(200_000)
    assert outcome(lambda: Calling(io.BytesIO(), 4).dump(deep))[0] is RecursionError
    take_apart(deep)


def test_a_subclass_whose_save_is_said_to_do_no_more_for_most(high_limit):
    class Calling(OURS):
        def save(self, obj, save_persistent_id=True):
            super().save(obj, save_persistent_id)

        def saves_like_base(self, cls):
            return cls is not Plain

    deep = [Plain(lists(20_000)), dicts(20_000)]
    files = []
    for cls in (PURE, Calling):
        cls(file := io.BytesIO(), 4).dump(deep)
        files.append(file.getvalue())
    assert files[0] == files[1]
    take_apart(deep[0].value)
    take_apart(deep[1])


# ---- after a failure


def failing_items():
    yield 1
    raise ZeroDivisionError


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_bytes_of_a_failed_dump_do_not_wait_for_the_next(protocol):
    def run(cls):
        pickler = cls(file := io.BytesIO(), protocol)
        seen = []
        for obj in ([1, Reducing(list, (), None, failing_items())], [1, Reducing(1)], [{}, [lambda: 0]]):
            seen.append(outcome(lambda obj=obj: pickler.dump(obj)))
            assert seen[-1]
            pickler.clear_memo()
            pickler.dump("ok")
            seen.append(file.getvalue())
            file.seek(0)
            file.truncate()
        return [item if isinstance(item, bytes) else item[0] for item in seen]

    assert run(PURE) == run(OURS)


@pytest.mark.parametrize("protocol", range(4))
def test_items_of_a_reduce_value_find_the_file_up_to_date(protocol):
    def run(cls):
        file = io.BytesIO()
        pickler = cls(file, protocol)
        seen = []

        def items(pairs):
            for i in range(3):
                seen.append(file.getvalue())
                pickler.fast = i > 0
                yield (i, [i]) if pairs else [i]

        pickler.dump(
            [Reducing(list, (), None, items(False)), Reducing(dict, (), None, None, items(True)), [2]]
        )
        return seen, file.getvalue()

    assert run(PURE) == run(OURS)


# ---- what belongs to the subclass


def test_attributes_of_any_name():
    pickler = OURS(file := io.BytesIO(), 4)
    for name in ("_surface", "_ExtensiblePickler__surface"):
        setattr(pickler, name, "of the subclass")
    pickler.save([1, 2])
    assert file.getvalue() == b"]\x94(K\x01K\x02e"
    assert pickler._surface == "of the subclass"


class Recording(dict):
    def __init__(self):
        self.log = []

    def __setitem__(self, key, value):
        self.log.append(value)
        super().__setitem__(key, value)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("make", [dict, Recording])
def test_a_memo_that_two_picklers_share(make, protocol):
    def run(cls):
        memo, shared = make(), ["shared"]
        files = []
        for obj in (shared, [shared, 1]):
            pickler = cls(file := io.BytesIO(), protocol)
            pickler.memo = memo
            pickler.dump(obj)
            assert pickler.memo is memo
            files.append(file.getvalue())
        return files, getattr(memo, "log", len(memo))

    assert run(PURE) == run(OURS)


def test_a_memo_and_fast_that_the_class_provides():
    def run(base):
        class Providing(base):
            fast = True

            @property
            def memo(self):
                return self.__dict__.setdefault("own", {})

            @memo.setter
            def memo(self, value):
                self.__dict__["own"] = value

        pickler = Providing(file := io.BytesIO(), 4)
        del pickler.fast
        pickler.dump([[1], "a", "a"])
        return file.getvalue()

    assert run(PURE) == run(OURS)


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_memo_index_that_no_opcode_can_have(protocol):
    def run(cls):
        obj = ["a"]
        pickler = cls(io.BytesIO(), protocol)
        pickler.memo = {id(obj): (2**32 + 5, obj)}
        return outcome(lambda: pickler.dump([obj]))

    assert run(PURE) == run(OURS)
    assert isinstance(run(OURS), tuple)


# ---- classes


class Dictionary(dict):
    pass


class Hiding:
    def __init__(self, value):
        object.__setattr__(self, "value", value)

    @property
    def __dict__(self):
        return {"fake": 1}


def test_instances_whose_dictionary_is_another():
    odd = Plain(2)
    odd.__dict__ = Dictionary(y=2)
    for obj in ([Plain(1), odd, Plain(3)], [Hiding(1), Hiding(2)]):
        files = []
        for cls in (PURE, OURS):
            cls(file := io.BytesIO(), 4).dump(obj)
            files.append(file.getvalue())
        assert files[0] == files[1]


def test_a_dispatch_entry_that_goes_while_it_is_looked_up():
    class Handlers(dict):
        def get(self, key, default=None):
            return dict.get(self, key, default)

    class Meta(type):
        armed = 0

        def __hash__(cls):
            Meta.armed -= 1
            if Meta.armed == 0:
                Pickler.dispatch.pop(Watched, None)
            return 5

        def __eq__(cls, other):
            return cls is other

    class Watched(metaclass=Meta):
        pass

    class Handler:
        __slots__ = ()

        def __call__(self, pickler, obj):
            pickler.save_reduce(int, ())

    class Arming:
        def __init__(self, count):
            self.count = count

        def __reduce__(self):
            Meta.armed = self.count
            return int, ()

    for count in range(1, 12):
        for first in (0, 1):

            class Pickler(OURS):
                dispatch = Handlers(OURS.dispatch)

            Pickler.dispatch[Watched] = Handler()
            graph = [Watched()] * first + [Arming(count), Watched(), Watched()]
            found = outcome(lambda graph=graph, cls=Pickler: cls(io.BytesIO(), 4).dump(graph))
            assert found is None or issubclass(found[0], (pickle.PicklingError, AttributeError))


def test_handlers_that_others_have_put_into_the_pure_dispatch(monkeypatch):
    def save_list(pickler, obj):
        pickler.save_reduce(tuple, ())

    monkeypatch.setitem(pickle._Pickler.dispatch, list, save_list)
    files = []
    for cls in (PURE, OURS, type("Copied", (OURS,), {"dispatch": OURS.dispatch.copy()})):
        cls(file := io.BytesIO(), 4).dump({"a": [1]})
        files.append(file.getvalue())
    assert files[0] == files[1] == files[2]
    assert b"tuple" in files[0]


def test_more_parts_than_a_reduce_value_has():
    for base in (PURE, OURS):
        pickler = base(io.BytesIO(), 4)
        with pytest.raises(TypeError):
            pickler.save_reduce(list, (), None, None, None, None, None)


# ---- the file


class Reentrant:
    """A file whose write() saves something more in the pickler that writes to it."""

    def __init__(self):
        self.chunks = []
        self.inside = False

    def write(self, data):
        self.chunks.append(bytes(data))
        if len(data) > 1000 and not self.inside:
            self.inside = True
            assert self.pickler.framer.current_frame.getvalue() == b""
            self.pickler.save(["x" * 1000 + str(i) for i in range(70)])


@pytest.mark.skipif(FREE_THREADED, reason="free-threaded builds have the framer of pickle._Pickler")
def test_a_file_that_saves_more_while_a_frame_is_passed_on():
    file = Reentrant()
    file.pickler = OURS(file, 4)
    file.pickler.dump(["y" * 1000 + str(i) for i in range(70)])
    framed = [chunk for chunk in file.chunks if chunk[:1] == b"\x95"]
    assert [int.from_bytes(chunk[1:9], "little") + 9 for chunk in framed] == [len(chunk) for chunk in framed]
    assert len(framed) == len(file.chunks) - 1 == 3
