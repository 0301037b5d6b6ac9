"""Decimal numbers, which are read and written without asking decimal as far as their text is a plain one."""

import gc
import math
import operator
import pickle
import random
import sys
from decimal import Context, Decimal, localcontext

import pytest

import cypickle
from oracle import outcome
from processes import run_python

ODD_TEXTS = (
    *(
        "",
        "-",
        "+5",
        ".5",
        "5.",
        "-.5",
        "1.2.3",
        "--1",
        " 5",
        "5 ",
        "5_0",
        "0x5",
        "1e5",
        "1E+3",
        "1E-7",
        "\u0661",
        "5\0",
    ),
    *("1E-7", "\u0661", "5\0", "NaN", "-NaN7", "sNaN", "Infinity", "-inf", "1" * 300, "0." + "0" * 60 + "1"),
)
EDGES = (
    *("0", "-0", "00", "-00.00", "0.000000", "0.0000000", "0.00001", "0.000001", "0.0000001", "00012.50"),
    *("9" * n for n in (18, 19, 20, 37, 38, 39)),
    *("1" + "0" * n for n in (17, 18, 19, 36, 37, 38)),
    *("-" + "7" * n + "." + "3" * k for n in (1, 18, 19, 20) for k in (1, 18, 19)),
    *("0." + "0" * n + "9" * k for n in (4, 5, 6) for k in (1, 19, 20, 38, 39)),
    "0" * 60 + "1",
)


def stream(text):
    """Protocol 4: Decimal called with the text, which may be none that a Decimal gives."""
    data = text.encode()
    return (
        b"\x80\x04\x8c\x07decimal\x94\x8c\x07Decimal\x94\x93\x94X"
        + len(data).to_bytes(4, "little")
        + data
        + b"\x94\x85\x94R\x94."
    )


def random_texts(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        digits = "".join(rng.choices(rng.choice(("0123456789", "09", "001")), k=rng.randint(1, 42)))
        point = rng.randint(0, len(digits))
        yield rng.choice(("", "-")) + digits[:point] + rng.choice(("", ".")) + digits[point:]


def check_loaded(text):
    theirs, ours = outcome(pickle.loads, stream(text)), outcome(cypickle.loads, stream(text))
    assert (theirs.error, theirs.message) == (ours.error, ours.message), text
    if theirs.error is not None:
        return
    a, b = theirs.value, ours.value
    assert type(b) is Decimal, text
    assert a.as_tuple() == b.as_tuple(), text
    assert (sys.getsizeof(a), gc.is_tracked(a)) == (sys.getsizeof(b), gc.is_tracked(b)), text
    if a.is_finite():
        assert (hash(a), a + 1, a * b, -a, a.normalize()) == (hash(b), b + 1, b * b, -b, b.normalize()), text


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
    """Their words may have another size than those of a number made of a text, and lie elsewhere."""
    numbers = [Decimal(1) / 7, Decimal(2) ** 200, Decimal(10**60) - (10**60 - 3), -Decimal(5).sqrt()]
    with localcontext(Context(prec=90)):
        numbers += [Decimal(1) / 3, (Decimal(1) / 3).quantize(Decimal("1e-20")), Decimal(10) ** 80 % 17]
    for number in numbers:
        check_dumped(number, protocol)
        assert cypickle.loads(cypickle.dumps(number, protocol)).as_tuple() == number.as_tuple()


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


@pytest.mark.parametrize(
    "call",
    [
        (math.gcd, 12, 18),
        (max, 3, 5),
        (divmod, 7, 2),
        (abs, -3),
        (operator.concat, "ab", "cd"),
        (math.hypot, 3, 4, 0),
    ],
)
def test_functions_written_in_c(call, protocol):
    """Some are called with a tuple, which is then the one in the memo, and others with the values."""
    item = Call(*call)
    data = pickle.dumps([item, item.arguments, item], protocol)
    assert cypickle.dumps([item, item.arguments, item], protocol) == data
    assert cypickle.loads(data) == pickle.loads(data)
