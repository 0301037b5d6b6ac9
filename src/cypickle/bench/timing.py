"""Interleaved timing: the contestants take turns in one process, in rounds of equal length."""

import gc
import math
from collections.abc import Mapping
from itertools import repeat
from time import perf_counter

from cypickle.bench.registry import Call

#: Calls a round, below which each call is long enough to run the collector.
FEW = 500


class Owed:
    """An object that the collector counts: making one runs it, if enough has been made before."""


def run(call: Call, number: int) -> float:
    """Return the seconds that `number` calls take, and the drop of each result.

    Of long calls also what the collector does next: one that has kept it waiting does not get that for nothing.
    """
    function, args = call
    if number < FEW:
        start = perf_counter()
        for _ in repeat(None, number):
            result = function(*args)
            Owed()
            del result
        return perf_counter() - start
    if len(args) == 2:
        first, second = args
        start = perf_counter()
        for _ in repeat(None, number):
            function(first, second)
        return perf_counter() - start
    if len(args) == 1:
        (first,) = args
        start = perf_counter()
        for _ in repeat(None, number):
            function(first)
        return perf_counter() - start
    raise TypeError("a call to time takes one or two arguments")


def calls_per_round(call: Call, seconds: float) -> int:
    """Return how many calls make a round of at least that length."""
    number = 1
    while True:
        spent = run(call, number)
        if spent >= seconds:
            return number
        if spent >= seconds / 10:
            return math.ceil(number * seconds / spent)
        number *= 5


def best_times(
    calls: Mapping[str, Call],
    *,
    rounds: int,
    seconds: float = 0.01,
    budget: float = math.inf,
    at_least: int = 3,
) -> dict[str, float]:
    """Time calls against each other.

    The collector stays on, as in the user's program, and has collected before each round, so that none pays
    for what another left behind.

    Args:
        calls: The contestants by name.
        rounds: How often each takes its turn.
        seconds: The least length of one round.
        budget: Stop after so many seconds, unfinished rounds or not,
        at_least: but not before that many rounds.

    Returns:
        The seconds per call of each, in its fastest round.
    """
    end = perf_counter() + budget
    numbers = {name: calls_per_round(call, seconds) for name, call in calls.items()}
    best = dict.fromkeys(calls, math.inf)
    order = list(calls.items())
    for turn in range(rounds):
        for name, call in order:
            gc.collect()
            best[name] = min(best[name], run(call, numbers[name]) / numbers[name])
        order.reverse()
        if turn + 1 >= at_least and perf_counter() > end:
            break
    return best
