"""What flows through the oracle: rows with an event time and an origin, and watermarks.

The oracle is the specification written a second time, as plainly as possible: lists of rows in
memory, one function for each step. It shares no code with weir and knows nothing of batches, tasks
or checkpoints. Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

Values = dict[str, Any]

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Row:
    values: Values
    time: int | None = None
    partition: int = 0
    offset: int = 0

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    def order(self) -> tuple[int, int, int]:
        """What `first`, `last` and `collect_list` go by."""
        return (self.time or 0, self.partition, self.offset)


@dataclass(frozen=True)
class Watermark:
    """No more rows with a time up to this one, except late ones."""

    time: int


@dataclass
class Rejected:
    """A record or row that a node would not take."""

    node: str
    raw: str
    reason: str = ""


class BadRow(Exception):
    """A row error: the node's `on_error` decides what becomes of the row."""


@dataclass
class Rejects:
    rows: list[Rejected] = field(default_factory=list)


Predicate = Callable[[Row], bool | None]
Projection = Callable[[Row], Values]


def where(rows: Iterable[Row], keep: Predicate) -> list[Row]:
    """Keeps the rows for which `keep` is true; null is not true."""
    return [row for row in rows if keep(row) is True]


def select(rows: Iterable[Row], projection: Projection) -> list[Row]:
    """The columns of `projection` and no others. The event time stays with the row."""
    return [replace(row, values=projection(row)) for row in rows]


def with_columns(rows: Iterable[Row], projection: Projection) -> list[Row]:
    """All columns and these; a name that is there already is replaced in its place."""
    return [replace(row, values={**row.values, **projection(row)}) for row in rows]


def drop(rows: Iterable[Row], *columns: str) -> list[Row]:
    return [
        replace(row, values={k: v for k, v in row.values.items() if k not in columns})
        for row in rows
    ]


def unnest(rows: Iterable[Row], item: str, column: str) -> list[Row]:
    """One row for each element of the list; null or an empty list gives none."""
    return [
        replace(row, values={**row.values, item: element})
        for row in rows
        for element in row[column] or []
    ]
