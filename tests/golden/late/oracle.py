"""Rows that come when all their windows are closed are dropped and counted."""

import json
import pathlib
import random

from golden import generate, inputs
from oracle import aggregates, decode, encode, rows, streaming
from oracle.windows import Group

COLUMNS = {"id": "int64", "at": "timestamp", "customer": "string"}
# More rows than the largest batch that weir makes: wherever it cuts its batches, a watermark goes
# by between a block of late rows and what they are late for.
BLOCK = 70_000


def make_input(folder: pathlib.Path) -> None:
    chance = random.Random(14)
    lines = []
    for number in range(2 * BLOCK + 400):
        time = generate.START_MS + number * 20 - chance.randrange(2_000)
        if number >= BLOCK and number % BLOCK < 200:
            # The newest times are then 23 and 46 minutes: late for the small windows, and for all of
            # the ten minutes' ones too, except that six minutes are late for one and not for the
            # other in the first block.
            minutes = [14, 21] if number >= 2 * BLOCK else [6, 14, 21]
            time -= chance.choice(minutes) * 60_000
        row = {"id": number, "at": time, "customer": f"c{chance.randrange(20)}"}
        lines.append(json.dumps(row, separators=(",", ":")))
    generate.write_lines(folder / "orders.json", lines)


def key(row: rows.Row) -> str:
    return row["customer"]


def shown(group: Group) -> rows.Values:
    return {
        "customer": group.key,
        "n": len(group.rows),
        "total": aggregates.total(group.rows, lambda r: r["id"]),
        "at": group.window.start,
    }


def with_batches_of(given: list[rows.Row], size: int) -> dict[str, list[str]]:
    items = list(streaming.with_watermarks(given, 2 * rows.SECOND, size))
    tumbling = streaming.hopping(items, 10 * rows.SECOND, 10 * rows.SECOND, key)
    hopping = streaming.hopping(items, 10 * rows.MINUTE, 5 * rows.MINUTE, key)
    sessions = streaming.session(items, rows.SECOND, key)
    kinds = {"at": "timestamp", "ended": "timestamp"}
    results = {
        "tumbling": [encode.json_row(shown(group), kinds) for group in tumbling.groups],
        "hopping": [encode.json_row(shown(group), kinds) for group in hopping.groups],
        "sessions": [
            encode.json_row({**shown(group), "ended": group.window.end}, kinds)
            for group in sessions.groups
        ],
    }
    late = [len(outcome.late) for outcome in (tumbling, hopping, sessions)]
    return {**results, "late": [str(sum(late))]}


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    given = inputs.rows(
        folder, "orders.json", lambda text: decode.decode_json(text, COLUMNS), "at")
    in_small, in_large = with_batches_of(given, 64), with_batches_of(given, 65_536)
    if len(given) > BLOCK:
        assert {k: sorted(v) for k, v in in_small.items()} == {
            k: sorted(v) for k, v in in_large.items()}, "the input's lateness hangs on batches"
        assert int(in_small["late"][0]) > 0
    else:
        in_small = with_batches_of(given, 1 << 40)  # A single batch: nothing is late.
    in_small.pop("late")
    return in_small


def late(folder: pathlib.Path) -> int:
    given = inputs.rows(
        folder, "orders.json", lambda text: decode.decode_json(text, COLUMNS), "at")
    return int(with_batches_of(given, 65_536)["late"][0]) if len(given) > BLOCK else 0
