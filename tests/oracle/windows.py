"""Windows over rows of which none is late: the result depends on the rows alone, not their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oracle.rows import Row, Values

Key = Hashable
KeyOf = Callable[[Row], Any]


@dataclass(frozen=True)
class Window:
    start: int
    end: int


@dataclass(frozen=True)
class Group:
    """The rows of one key in one window."""

    key: Any
    window: Window
    rows: tuple[Row, ...]


def no_key(_: Row) -> None:
    return None


def windows_of(time: int, size: int, every: int, offset: int = 0) -> list[Window]:
    """All windows that hold `time`: starts are multiples of `every` since 1970, plus `offset`."""
    newest = (time - offset) // every * every + offset
    starts = range(newest, time - size, -every)
    return [Window(start, start + size) for start in reversed(starts)]


def hopping(
    rows: Iterable[Row], size: int, every: int, key: KeyOf = no_key, offset: int = 0
) -> list[Group]:
    groups: dict[tuple[Any, Window], list[Row]] = defaultdict(list)
    for row in rows:
        assert row.time is not None
        for window in windows_of(row.time, size, every, offset):
            groups[key(row), window].append(row)
    return [Group(key_, window, tuple(held)) for (key_, window), held in groups.items()]


def tumbling(rows: Iterable[Row], size: int, key: KeyOf = no_key, offset: int = 0) -> list[Group]:
    return hopping(rows, size, size, key, offset)


def session(rows: Iterable[Row], gap: int, key: KeyOf = no_key) -> list[Group]:
    """Rows of a key that are at most `gap` apart are one session, from the first one's time to the
    last one's time plus `gap`."""
    by_key: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[key(row)].append(row)
    groups: list[Group] = []
    for key_, held in by_key.items():
        held.sort(key=Row.order)
        begin = 0
        for i in range(1, len(held) + 1):
            ended = i == len(held) or _time(held[i]) - _time(held[i - 1]) > gap
            if ended:
                window = Window(_time(held[begin]), _time(held[i - 1]) + gap)
                groups.append(Group(key_, window, tuple(held[begin:i])))
                begin = i
    return groups


def _time(row: Row) -> int:
    assert row.time is not None
    return row.time


def results(groups: Sequence[Group], projection: Callable[[Group], Values]) -> list[Row]:
    """One row for each group, with the time just before the window's end, so that windows chain."""
    return [
        Row(projection(group), group.window.end - 1, 0, number)
        for number, group in enumerate(groups)
    ]
