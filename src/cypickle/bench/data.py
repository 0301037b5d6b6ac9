"""Plain data: numbers, text, and the builtin containers."""

import random
from typing import Any

from cypickle.bench.records import word
from cypickle.bench.registry import Unavailable, workload

#: Words of documents, some of them outside ASCII and outside the Basic Multilingual Plane.
TEXTS = ("hello", "Grüße", "naïve café", "価格", "привет", "done ✓", "ship it 🚀", 'quote " and \\', "x" * 90)


@workload("plain data", plain=True, main=True)
def ints(rng: random.Random) -> Any:
    """20000 ints of 1 to 40 bits, of either sign."""
    return [rng.getrandbits(rng.randint(1, 40)) * rng.choice((1, 1, 1, -1)) for _ in range(20000)]


@workload("plain data", plain=True, main=True)
def floats(rng: random.Random) -> Any:
    """20000 floats."""
    return [rng.gauss(0, 1e3) for _ in range(20000)]


@workload("plain data", plain=True, main=True)
def distinct_strs(rng: random.Random) -> Any:
    """20000 distinct strs."""
    return [f"{word(rng)}-{n}" for n in range(20000)]


@workload("plain data", plain=True)
def repeated_strs(rng: random.Random) -> Any:
    """20000 strs out of 50."""
    return rng.choices([f"{word(rng)}-{n}" for n in range(50)], k=20000)


@workload("plain data", plain=True)
def tuples(rng: random.Random) -> Any:
    """5000 tuples of an int, a float and a str."""
    return [(rng.randrange(10**6), rng.random(), f"{word(rng)}{n}") for n in range(5000)]


@workload("plain data")
def sets(rng: random.Random) -> Any:
    """1500 sets of 0 to 19 ints."""
    return [{rng.randrange(10**6) for _ in range(n % 20)} for n in range(1500)]


@workload("plain data", plain=True)
def nested_lists(rng: random.Random) -> Any:
    """Lists of lists, 5 deep and 6 wide, with ints in the innermost."""

    def level(depth: int) -> list[Any]:
        if depth == 1:
            return [rng.randrange(10**6) for _ in range(6)]
        return [level(depth - 1) for _ in range(6)]

    return level(5)


def document(rng: random.Random, depth: int) -> Any:
    """Return a nested value such as `json.loads` gives."""
    if depth == 0:
        return rng.choice(
            (
                rng.randrange(10**6),
                rng.random(),
                rng.random() < 0.5,
                None,
                f"{rng.choice(TEXTS)} {rng.randrange(999)}",
            )
        )
    if rng.random() < 0.3:
        return [document(rng, depth - 1) for _ in range(rng.randint(1, 4))]
    keys = rng.sample(
        ("id", "title", "author", "tags", "price", "größe", "meta", "items", "url"), rng.randint(2, 5)
    )
    return {key: document(rng, depth - rng.randint(1, depth)) for key in keys}


@workload("documents", plain=True, main=True)
def json_documents(rng: random.Random) -> Any:
    """300 nested documents as from JSON, with text in and outside ASCII."""
    return [
        {
            "id": n,
            "url": f"https://example.org/{word(rng)}/{n}",
            "title": f"{rng.choice(TEXTS)} {n}",
            "body": document(rng, 3),
            "comments": [document(rng, 2) for _ in range(rng.randint(0, 4))],
        }
        for n in range(300)
    ]


def numpy() -> Any:
    """Return the numpy module.

    Raises:
        Unavailable: It is not installed.
    """
    from importlib import import_module

    try:
        return import_module("numpy")
    except ImportError:
        raise Unavailable("numpy is not installed") from None


@workload("numpy")
def numpy_arrays(rng: random.Random) -> Any:
    """400 numpy arrays of 16 floats."""
    np = numpy()
    return [np.array([rng.random() for _ in range(16)]) for _ in range(400)]


@workload("numpy")
def numpy_scalars(rng: random.Random) -> Any:
    """400 numpy scalars, half of them float64 and half int64."""
    np = numpy()
    return [np.float64(rng.random()) if n % 2 else np.int64(rng.randrange(10**9)) for n in range(400)]
