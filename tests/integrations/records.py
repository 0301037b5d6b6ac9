"""What the tests with other software pickle."""

import dataclasses


@dataclasses.dataclass
class Record:
    id: int
    name: str
    score: float
    tags: list


def records(count=50):
    return [Record(number, f"n{number}", number / 7, ["a", f"t{number % 9}"]) for number in range(count)]


def dicts(count=50):
    return [dataclasses.asdict(item) for item in records(count)]
