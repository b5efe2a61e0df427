"""Windows over rows in the order of their arrival, with watermarks between them: who is late.

A second, different way to the results of `windows.py`, for inputs where lateness counts: windows
are held open, closed by watermarks, and rows that come too late are counted and dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from oracle.rows import Row, Watermark
from oracle.windows import Group, KeyOf, Window, no_key, windows_of


@dataclass
class Outcome:
    groups: list[Group] = field(default_factory=list)
    late: list[Row] = field(default_factory=list)


def with_watermarks(rows: Iterable[Row], delay: int, each: int) -> Iterator[Row | Watermark]:
    """A watermark after every `each` rows, `delay` and a microsecond behind the greatest time."""
    greatest: int | None = None
    for number, row in enumerate(rows, 1):
        yield row
        assert row.time is not None
        greatest = row.time if greatest is None else max(greatest, row.time)
        if number % each == 0:
            yield Watermark(greatest - delay - 1)


def hopping(
    items: Iterable[Row | Watermark], size: int, every: int, key: KeyOf = no_key, offset: int = 0
) -> Outcome:
    """A window closes at a watermark from one microsecond before its end on. A row goes into those
    of its windows that are open, and is late only if there is none."""
    outcome = Outcome()
    held: dict[tuple[Any, Window], list[Row]] = {}
    closed_up_to = -(1 << 62)
    for item in items:
        if isinstance(item, Watermark):
            closed_up_to = max(closed_up_to, item.time)
            for key_, window in [w for w in held if w[1].end - 1 <= closed_up_to]:
                rows = held.pop((key_, window))
                outcome.groups.append(Group(key_, window, tuple(rows)))
            continue
        assert item.time is not None
        windows = [
            w for w in windows_of(item.time, size, every, offset) if w.end - 1 > closed_up_to
        ]
        for window in windows:
            held.setdefault((key(item), window), []).append(item)
        if not windows:
            outcome.late.append(item)
    for (key_, window), rows in held.items():
        outcome.groups.append(Group(key_, window, tuple(rows)))
    return outcome


def session(items: Iterable[Row | Watermark], gap: int, key: KeyOf = no_key) -> Outcome:
    """A session closes at a watermark from its end on. A row is late only if the session that it
    belongs to, after merging with the open ones of its key, is closed."""
    outcome = Outcome()
    open_sessions: dict[Any, list[tuple[Window, list[Row]]]] = {}
    closed_up_to = -(1 << 62)

    def close(until: int | None) -> None:
        for key_ in list(open_sessions):
            kept = []
            for window, rows in open_sessions[key_]:
                if until is None or window.end <= until:
                    outcome.groups.append(Group(key_, window, tuple(sorted(rows, key=Row.order))))
                else:
                    kept.append((window, rows))
            open_sessions[key_] = kept

    for item in items:
        if isinstance(item, Watermark):
            closed_up_to = max(closed_up_to, item.time)
            close(closed_up_to)
            continue
        assert item.time is not None
        own = Window(item.time, item.time + gap)
        rows = [item]
        apart = []
        for window, others in open_sessions.get(key(item), []):
            if window.start <= own.end and own.start <= window.end:
                own = Window(min(own.start, window.start), max(own.end, window.end))
                rows += others
            else:
                apart.append((window, others))
        if own.end <= closed_up_to:
            outcome.late.append(item)
            continue
        open_sessions[key(item)] = [*apart, (own, rows)]
    close(None)
    return outcome
