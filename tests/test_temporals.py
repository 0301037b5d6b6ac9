"""Dates, datetimes and times in a row: with each tzinfo, met once or twice, and at each place in a frame."""

import datetime as dt
import pickle
import random

import pytest

import cypickle

FRAME = 65536
UTC = dt.timezone.utc  # noqa: UP017
HERE = dt.timezone(dt.timedelta(hours=2), "here")


class Zone(dt.tzinfo):
    """Has a reducer in Python."""

    def utcoffset(self, moment):
        return dt.timedelta(1)


class Moment(dt.datetime):
    pass


def moment(rng, tzinfo=None):
    return dt.datetime(
        rng.randrange(1, 9999), 12, 31, 23, 59, 59, rng.randrange(10**6), tzinfo, fold=rng.randrange(2)
    )


def naive(rng):
    return moment(rng)


def utc(rng):
    return moment(rng, UTC)


def mixed(rng):
    return moment(rng, rng.choice([None, UTC, HERE]))


def own_zone(rng):
    return moment(rng, dt.timezone(dt.timedelta(hours=rng.randrange(12))))


def python_zone(rng):
    return moment(rng, ZONE)


def date(rng):
    return moment(rng).date()


def time(rng):
    return moment(rng).time()


def time_with_zone(rng):
    return moment(rng, rng.choice([None, UTC, HERE])).timetz()


def delta(rng):
    return dt.timedelta(rng.randrange(-(10**6), 10**6), rng.randrange(86400), rng.randrange(10**6))


def any_type(rng):
    return rng.choice(MAKE)(rng) if rng.randrange(9) else Moment(2000, 1, rng.randrange(1, 30))


ZONE = Zone()
MAKE = [naive, utc, mixed, own_zone, python_zone, date, time, time_with_zone, delta]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("make", [*MAKE, any_type])
def test_same_bytes(make, protocol):
    def build(size):
        rng = random.Random(size)
        items = [make(rng) for _ in range(size)]
        return [items, items[1:], [rng.choice(items) for _ in range(size)] if size else [], {"a": items[:2]}]

    for size in (0, 1, 2, 3, 20, 300, 1003):
        assert cypickle.dumps(build(size), protocol) == pickle.dumps(build(size), protocol)


@pytest.mark.parametrize("make", MAKE)
def test_same_bytes_where_a_frame_ends(make):
    def build(length):
        rng = random.Random(1)
        return ["x" * length, [make(rng) for _ in range(6)]]

    size = len(pickle.dumps(build(0), 5))
    for length in range(FRAME - size - 10, FRAME):
        assert cypickle.dumps(build(length), 5) == pickle.dumps(build(length), 5)
