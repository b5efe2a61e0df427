"""What must have come out of the campaign job, and what did: lost, doubled, reordered, wrong, torn.

lost       an expected row that no reader of committed records finds
doubled    one that is there more than once
reordered  rows of a key that are not in the order of their numbers (of a window: of its begin)
wrong      a row that nobody expects, or one with other values
torn       rows that were visible before and are not in the final reading or the other way round, and
           copies of a row, which leave in one transaction, of which only some are there
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from e2e.inputs import COPIES, Number
from e2e.readers import Seen
from oracle import windows
from oracle.rows import MILLISECOND, SECOND, Row

WINDOW = 2 * SECOND
GAP = 500 * MILLISECOND

PROPERTIES = ("lost", "doubled", "reordered", "wrong", "torn")


@dataclass
class Verdict:
    expected: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    wrong: int = 0
    torn: int = 0
    stopped: list[str] = field(default_factory=list)  # weir ended by itself where it must not.
    examples: list[str] = field(default_factory=list)

    def add(self, what: str, example: str, count: int = 1) -> None:
        setattr(self, what, getattr(self, what) + count)
        if sum(text.startswith(what) for text in self.examples) < 3:
            self.examples.append(f"{what}: {example}")

    def merge(self, other: "Verdict") -> None:
        self.expected += other.expected
        for what in PROPERTIES:
            setattr(self, what, getattr(self, what) + getattr(other, what))
        self.stopped += other.stopped
        self.examples += other.examples

    @property
    def clean(self) -> bool:
        return not any(getattr(self, what) for what in PROPERTIES) and not self.stopped

    def line(self) -> str:
        counts = " ".join(f"{what}={getattr(self, what)}" for what in PROPERTIES)
        stops = f" stopped={'; '.join(self.stopped)}" if self.stopped else ""
        return f"{counts} of {self.expected}{stops}"

    def __str__(self) -> str:
        return "\n  ".join([self.line(), *self.examples])


def rows_of(truth: Iterable[Number]) -> list[Row]:
    """The rows that windows hold: all but the late ones."""
    return [
        Row({"key": n.key, "seq": n.seq}, n.at_ms * MILLISECOND, n.partition, n.offset)
        for n in truth if not n.late
    ]


def expected_windows(truth: Iterable[Number]) -> dict[Any, dict]:
    return {
        (group.key, group.window.start // MILLISECOND): {
            "key": group.key,
            "n": len(group.rows),
            "total": sum(row["seq"] for row in group.rows),
            "seqs": [row["seq"] for row in sorted(group.rows, key=Row.order)],
            "begin": group.window.start // MILLISECOND,
        }
        for group in windows.tumbling(rows_of(truth), WINDOW, lambda r: r["key"])
    }


def expected_sessions(truth: Iterable[Number]) -> dict[Any, dict]:
    return {
        (group.key, group.window.start // MILLISECOND): {
            "key": group.key,
            "n": len(group.rows),
            "low": min(row["seq"] for row in group.rows),
            "high": max(row["seq"] for row in group.rows),
            "total": sum(row["seq"] for row in group.rows),
            "begin": group.window.start // MILLISECOND,
            "ended": group.window.end // MILLISECOND,
        }
        for group in windows.session(rows_of(truth), GAP, lambda r: r["key"])
    }


def expected_copies(truth: Iterable[Number]) -> dict[Any, dict]:
    return {
        (n.key, n.seq, copy): {"key": n.key, "seq": n.seq, "copy": copy}
        for n in truth for copy in COPIES
    }


def check_rows(expected: dict[Any, dict], given: Sequence[str | bytes | None], identity: Sequence[str],
               name: str) -> Verdict:
    """Rows against what is expected, by the columns that name a row."""
    verdict = Verdict(expected=len(expected))
    found: Counter = Counter()
    for text in given:
        try:
            row = json.loads(text or b"null")
            key = tuple(row[column] for column in identity)
        except (ValueError, KeyError, TypeError):
            verdict.add("wrong", f"{name}: {text!r} is no row")
            continue
        found[key] += 1
        if key not in expected:
            verdict.add("wrong", f"{name}: nobody expects {row}")
        elif found[key] == 1 and row != expected[key]:
            verdict.add("wrong", f"{name}: {row} must be {expected[key]}")
    for key, row in expected.items():
        if found[key] == 0:
            verdict.add("lost", f"{name}: {row}")
        elif found[key] > 1:
            verdict.add("doubled", f"{name}: {row} is there {found[key]} times", found[key] - 1)
    return verdict


def check_order(records: Iterable[Seen], number: str, name: str) -> Verdict:
    """Within each partition and record key, `number` must rise. A repeat is not counted here."""
    verdict = Verdict()
    newest: dict[Any, int] = {}
    for record in sorted(records, key=lambda r: (r.partition, r.offset)):
        try:
            value = json.loads(record.value or b"null")[number]
        except (ValueError, KeyError, TypeError):
            continue  # Told as wrong already.
        place = (record.partition, record.key)
        if value < newest.get(place, value):
            verdict.add("reordered", f"{name}: {record.key!r} has {value} after {newest[place]}")
        newest[place] = max(value, newest.get(place, value))
    return verdict


def check_views(live: Iterable[Seen], final: Iterable[Seen], name: str) -> Verdict:
    """Whoever read along must have seen what is there in the end, no more and no less."""
    verdict = Verdict()
    saw, stays = set(live), set(final)
    for record in sorted(saw - stays, key=lambda r: (r.partition, r.offset)):
        verdict.add("torn", f"{name}: was visible and is gone: {record}")
    for record in sorted(stays - saw, key=lambda r: (r.partition, r.offset)):
        verdict.add("torn", f"{name}: is there and was never visible: {record}")
    return verdict


def check_families(records: Iterable[Seen], name: str) -> Verdict:
    """All copies of a row leave in one transaction: whoever sees one sees all."""
    verdict = Verdict()
    families: dict[Any, set[int]] = defaultdict(set)
    for record in records:
        row = json.loads(record.value or b"null")
        families[row["key"], row["seq"]].add(row["copy"])
    for key, copies in families.items():
        if copies != set(COPIES):
            verdict.add("torn", f"{name}: only copies {sorted(copies)} of {key}")
    return verdict


def check_campaign(truth: Sequence[Number], live: Sequence[Seen],
                   final: dict[str, Sequence[Seen]], table: Sequence[str]) -> Verdict:
    """Everything: `final` holds the records of 'passed', 'windows' and 'sessions', `table` the lines
    of the windows' files; `live` is all three topics as they were seen while the job ran."""
    verdict = Verdict()
    plans = (
        ("passed", expected_copies(truth), ("key", "seq", "copy"), "seq"),
        ("windows", expected_windows(truth), ("key", "begin"), "begin"),
        ("sessions", expected_sessions(truth), ("key", "begin"), "begin"))
    for name, expected, identity, number in plans:
        records = final[name]
        verdict.merge(check_rows(expected, [r.value for r in records], identity, name))
        verdict.merge(check_order(records, number, name))
        verdict.merge(check_views(
            [r for r in live if r.topic.endswith("." + name)], records, name))
    verdict.merge(check_rows(plans[1][1], table, plans[1][2], "table"))
    return verdict
