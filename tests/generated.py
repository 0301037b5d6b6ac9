"""The long comparison: python tests/generated.py --count 20000 [--seed 0] [--size 20]

Each graph is dumped by cypickle and by the running pickle at every protocol. The bytes must be equal, and
what either loads from them isomorphic to the graph. Ends with status 1 when anything differs.
"""

import argparse
import pickle
import random
import sys
import time

import cypickle
from graphs import random_graph
from isomorphism import assert_isomorphic

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def attempt(dumps, graph, protocol):
    """The bytes, or the error as (class, message); that of too deep a nesting says where it was noticed."""
    try:
        return dumps(graph, protocol)
    except RecursionError:
        return RecursionError, ""
    except Exception as error:
        return type(error), str(error).replace("_pickle.", "").replace("cypickle.", "")


def first_difference(ours, theirs):
    if not (isinstance(ours, bytes) and isinstance(theirs, bytes)):
        return f"ours {ours if isinstance(ours, tuple) else 'bytes'}, theirs {theirs!r:.200}"
    at = next((i for i, (one, two) in enumerate(zip(ours, theirs, strict=False)) if one != two), None)
    at = min(len(ours), len(theirs)) if at is None else at
    return (
        f"lengths {len(ours)}/{len(theirs)}, first at {at}: {ours[at : at + 12]!r} {theirs[at : at + 12]!r}"
    )


def compare(graph, protocol, *, theirs_too=False):
    """Return None when all agrees, else what does not; the second value says whether bytes were made."""
    theirs = attempt(pickle.dumps, graph, protocol)
    ours = attempt(cypickle.dumps, graph, protocol)
    if ours != theirs:
        return f"dumps: {first_difference(ours, theirs)}", True
    if not isinstance(ours, bytes):
        return None, False
    try:
        assert_isomorphic(graph, cypickle.loads(ours))
        if theirs_too:
            assert_isomorphic(graph, pickle.loads(ours))
    except Exception as error:
        return f"loads: {type(error).__name__}: {error}", True
    return None, True


def run(count, seed, size, report=print):
    """Compare `count` graphs; return (graphs, comparisons, refused, differences)."""
    compared = refused = different = 0
    for number in range(count):
        name = f"{seed}:{number}"
        graph = random_graph(random.Random(name), size)
        for protocol in PROTOCOLS:
            difference, made = compare(graph, protocol, theirs_too=number % 10 == 0)
            compared += 1
            refused += not made
            if difference is not None:
                different += 1
                report(f"graph {name!r} size {size} protocol {protocol}: {difference}")
    return count, compared, refused, different


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=20)
    options = parser.parse_args()
    start = time.monotonic()
    graphs, compared, refused, different = run(options.count, options.seed, options.size)
    print(
        f"CPython {sys.version.split()[0]}: {graphs} graphs, {compared} comparisons over protocols "
        f"0..{PROTOCOLS[-1]} ({refused} refused alike by both), {different} differences, "
        f"{time.monotonic() - start:.0f} s"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
