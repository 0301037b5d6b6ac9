"""Decimal numbers, which are read and written without asking decimal as far as their text is a plain one."""

import contextvars
import gc
import importlib.util
import io
import math
import pickle
import random
import sys
import time
from decimal import Context, Decimal, localcontext

import pytest

import cypickle
from isomorphism import assert_isomorphic
from oracle import outcome
from processes import LOOKS_INSIDE, run_python

ODD_TEXTS = (
    *("", "-", "+5", ".5", "5.", "-.5", "1.2.3", "--1", " 5", "5 ", "5_0", "0x5", "1e5", "1E+3", "1E-7"),
    *("\u0661", "5\0", "NaN", "-NaN7", "sNaN", "Infinity", "-inf", "1" * 300, "0." + "0" * 60 + "1"),
)
EDGES = (
    *("0", "-0", "00", "-00.00", "0.000000", "0.0000000", "0.00001", "0.000001", "0.0000001", "00012.50"),
    *("9" * n for n in (18, 19, 20, 37, 38, 39)),
    *("1" + "0" * n for n in (17, 18, 19, 36, 37, 38)),
    *("-" + "7" * n + "." + "3" * k for n in (1, 18, 19, 20) for k in (1, 18, 19)),
    *("0." + "0" * n + "9" * k for n in (4, 5, 6) for k in (1, 19, 20, 38, 39)),
    "0" * 60 + "1",
)


def call(text):
    """The text, which may be none that a Decimal gives, in a tuple, and the call with it."""
    data = text.encode()
    length = b"\x8c" + bytes([len(data)]) if len(data) < 256 else b"X" + len(data).to_bytes(4, "little")
    return length + data + b"\x94\x85\x94R\x94"


def random_texts(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        digits = "".join(rng.choices(rng.choice(("0123456789", "09", "001")), k=rng.randint(1, 42)))
        point = rng.randint(0, len(digits))
        yield rng.choice(("", "-")) + digits[:point] + rng.choice(("", ".")) + digits[point:]


def check_loaded(text):
    """Once by STACK_GLOBAL, and once more by the memo."""
    found = b"\x80\x04\x8c\x07decimal\x94\x8c\x07Decimal\x94\x93\x94"
    for data in (found + call(text) + b".", found + b"0h\x02" + call(text) + b"."):
        theirs, ours = outcome(pickle.loads, data), outcome(cypickle.loads, data)
        assert (theirs.error, theirs.message) == (ours.error, ours.message), text
        if theirs.error is None:
            check_number(theirs.value, ours.value)


def check_number(a, b):
    assert type(b) is Decimal
    assert a.as_tuple() == b.as_tuple()
    assert (sys.getsizeof(a), gc.is_tracked(a)) == (sys.getsizeof(b), gc.is_tracked(b))
    if a.is_finite():
        assert (hash(a), a + 1, a * b, -a, a.normalize()) == (hash(b), b + 1, b * b, -b, b.normalize())


def check_dumped(number, protocol):
    for graph in ([number], [Decimal(7), number, Decimal(-7), number]):
        assert cypickle.dumps(graph, protocol) == pickle.dumps(graph, protocol), number


@pytest.mark.parametrize("text", [*EDGES, *ODD_TEXTS])
def test_loads_of_a_text(text):
    check_loaded(text)


def test_loads_of_random_texts():
    for text in random_texts(1, 3000):
        check_loaded(text)


@pytest.mark.parametrize("text", [*EDGES, "NaN", "sNaN12", "-Infinity", "1E+3", "-1E-7", "1" * 300])
def test_dumps_of_a_number(text, protocol):
    check_dumped(Decimal(text), protocol)


def test_dumps_of_random_numbers(protocol):
    for text in random_texts(2, 500):
        check_dumped(Decimal(text), protocol)


def test_results_of_calculations(protocol):
    numbers = [Decimal(1) / 7, Decimal(2) ** 200, Decimal(10**60) - (10**60 - 3), -Decimal(5).sqrt()]
    with localcontext(Context(prec=90)):
        numbers += [Decimal(1) / 3, (Decimal(1) / 3).quantize(Decimal("1e-20")), Decimal(10) ** 80 % 17]
    for number in numbers:
        check_dumped(number, protocol)
        check_number(number, cypickle.loads(cypickle.dumps(number, protocol)))


def test_words_outside_of_the_object(protocol):
    """What is left of a longer number stays where that was."""
    with localcontext(Context(prec=200)):
        for rest in (5, 10**25 + 7, 0):
            number = Decimal(10**120 + rest) - Decimal(10**120)
            assert sys.getsizeof(number) > sys.getsizeof(Decimal(rest))
            check_dumped(number, protocol)
            assert cypickle.loads(cypickle.dumps(number, protocol)).as_tuple() == number.as_tuple()


BY_ITSELF = pytest.mark.skipif(not LOOKS_INSIDE, reason="such builds always ask decimal")


@BY_ITSELF
def test_decimal_is_not_asked_about_plain_numbers(protocol):
    """Asking it makes a decimal context where there is none yet."""
    for text, asked in (("-12345.67", 0), ("9" * 38, 0), ("NaN", 1), ("9" * 39, 1)):
        graph = [Decimal(text) for _ in range(5)]
        data = cypickle.dumps(graph, protocol)
        context = contextvars.Context()
        context.run(cypickle.loads, data)
        assert len(context) == asked, text
        if protocol >= 4:
            pickler = cypickle.Pickler(io.BytesIO(), protocol)
            pickler.dump(graph[:1])  # the first of a class is always asked
            context = contextvars.Context()
            context.run(pickler.dump, graph[1:])
            assert len(context) == asked, text


FIRST_CONTACT = """
import contextvars, io, pickle, sys
import _testcapi, cypickle
from decimal import Decimal

def asked(function, *arguments):
    context = contextvars.Context()
    context.run(function, *arguments)
    return len(context)

numbers = [Decimal("1.5"), Decimal("2.5")]
data = pickle.dumps(numbers, 4)
pickler = cypickle.Pickler(io.BytesIO(), 4)
failed = 0
for function, argument in ((cypickle.loads, data), (pickler.dump, numbers)):
    for start in range(1, 400):
        _testcapi.set_nomemory(start, start + 1)
        try:
            function(argument)
        except MemoryError:
            failed += 1
        finally:
            _testcapi.remove_mem_hooks()
print(failed > 0, asked(cypickle.loads, data), asked(pickler.dump, numbers[1:]))
"""


@BY_ITSELF
@pytest.mark.skipif(importlib.util.find_spec("_testcapi") is None, reason="no _testcapi")
def test_decimal_is_known_later_where_memory_runs_out_at_first():
    """Each allocation fails once, also those of the numbers that are made to know how they are kept."""
    done = run_python("-c", FIRST_CONTACT, seconds=60)
    assert (done.stdout.split(), done.stderr) == (["True", "0", "0"], "")


def test_capitals_of_the_context_are_obeyed(protocol):
    with localcontext(Context(capitals=0)):
        for text in ("1E+3", "-1E-7", "1.5"):
            check_dumped(Decimal(text), protocol)


@pytest.mark.parametrize("shift", range(0, 70, 7))
def test_frames_end_at_the_same_places(shift):
    graph = ["x" * shift, *(Decimal(10**37 + i) for i in range(1600))]
    assert cypickle.dumps(graph, 4) == pickle.dumps(graph, 4)


class Derived(Decimal):
    pass


class Shouting(Decimal):
    def __str__(self):
        return "12"


def test_derived_classes_decide_for_themselves(protocol):
    for cls in (Derived, Shouting):
        graph = [cls("1.5"), cls("2.5")]
        data = cypickle.dumps(graph, protocol)
        assert data == pickle.dumps(graph, protocol)
        assert cypickle.loads(data) == pickle.loads(data)
        assert [type(item) for item in cypickle.loads(data)] == [cls, cls]


def test_decimal_in_python():
    """An interpreter without the compiled module has a class of the same name."""
    program = (
        "import sys; sys.modules['_decimal'] = None\n"
        "import pickle, cypickle; from decimal import Decimal\n"
        "graph = [Decimal('1.50'), Decimal('-0.001')]\n"
        "data = cypickle.dumps(graph)\n"
        "assert data == pickle.dumps(graph) and cypickle.loads(data) == graph\n"
        "print('_exp', hasattr(graph[0], '_exp'))"
    )
    done = run_python("-c", program, seconds=60)
    assert (done.stdout.split(), done.stderr) == (["_exp", "True"], "")


class Call:
    """Reduces to a call of a function written in C."""

    def __init__(self, function, *arguments):
        self.arguments = arguments
        self.function = function

    def __reduce__(self):
        return self.function, self.arguments


CALLS = {  # time.gmtime takes a tuple of arguments in every version
    "tuple": lambda: [Call(time.gmtime, n) for n in (0, 86400)],
    "none": lambda: [Call(time.gmtime), Call(math.gcd)],
    "values": lambda: [Call(math.gcd, 12, 18), Call(math.gcd, 12, 30, 42)],
    "one": lambda: [Call(abs, -3), Call(abs, 4.5)],
    "keywords": lambda: [Call(max, 3, 5), Call(max, "ab", "cd")],
    "odd": lambda: [Call(divmod, 7, 2), Call(divmod, 7, 0)],
}


@pytest.mark.parametrize("name", CALLS)
def test_functions_written_in_c(name, protocol):
    """Some are called with a tuple, which is then the one in the memo, and others with the values."""
    calls = CALLS[name]()
    graph = [part for call in calls for part in (call, call.arguments, call)]
    data = pickle.dumps(graph, protocol)
    assert cypickle.dumps(graph, protocol) == data
    theirs, ours = outcome(pickle.loads, data), outcome(cypickle.loads, data)
    assert (theirs.error, theirs.message) == (ours.error, ours.message)
    if theirs.error is None and name != "none":
        assert_isomorphic(theirs.value, ours.value)
