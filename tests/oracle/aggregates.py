"""Aggregates of the job language over a list of rows.

Each takes the rows of one group and a function that gives the argument of a row. Nulls are not
counted. Over no rows: count 0, collections empty, all others null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oracle.rows import Row

Argument = Callable[[Row], Any]

INT64_MAX = (1 << 63) - 1


class Overflow(Exception):
    """An aggregate that left its type: the job fails."""


def _present(rows: Sequence[Row], argument: Argument) -> list[Any]:
    return [value for row in rows if (value := argument(row)) is not None]


def _ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=Row.order)


def count(rows: Sequence[Row], argument: Argument | None = None) -> int:
    return len(rows) if argument is None else len(_present(rows, argument))


def count_if(rows: Sequence[Row], condition: Argument) -> int:
    return sum(1 for row in rows if condition(row) is True)


def count_distinct(rows: Sequence[Row], argument: Argument) -> int:
    return len(set(_present(rows, argument)))


def total(rows: Sequence[Row], argument: Argument) -> int | float | None:
    """`sum`. Ints add up to an int64, doubles to a double."""
    values = _present(rows, argument)
    if not values:
        return None
    result = sum(values)
    if isinstance(result, int) and not -INT64_MAX - 1 <= result <= INT64_MAX:
        raise Overflow(f"sum {result}")
    return result


def average(rows: Sequence[Row], argument: Argument) -> float | None:
    values = _present(rows, argument)
    return sum(values) / len(values) if values else None


def smallest(rows: Sequence[Row], argument: Argument) -> Any:
    return min(_present(rows, argument), default=None)


def largest(rows: Sequence[Row], argument: Argument) -> Any:
    return max(_present(rows, argument), default=None)


def first(rows: Sequence[Row], argument: Argument) -> Any:
    values = _present(_ordered(rows), argument)
    return values[0] if values else None


def last(rows: Sequence[Row], argument: Argument) -> Any:
    values = _present(_ordered(rows), argument)
    return values[-1] if values else None


def collect_list(rows: Sequence[Row], argument: Argument) -> list[Any]:
    return _present(_ordered(rows), argument)


def collect_set(rows: Sequence[Row], argument: Argument) -> list[Any]:
    return sorted(set(_present(rows, argument)))


def filtered(rows: Sequence[Row], condition: Argument) -> list[Row]:
    """`… filter (where condition)`."""
    return [row for row in rows if condition(row) is True]
