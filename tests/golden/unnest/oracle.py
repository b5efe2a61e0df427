"""One row for each element of a list, then counted by element."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    tagged = rows.unnest(orders(folder), "tag", "tags")
    groups = windows.tumbling(tagged, 10 * rows.SECOND, lambda r: r["tag"])
    return {
        "out": [
            encode.json_row({name: row[name] for name in ("id", "tag", "customer")})
            for row in tagged
        ],
        "counts": [
            encode.json_row({
                "tag": group.key,
                "n": len(group.rows),
                "customers": aggregates.count_distinct(group.rows, lambda r: r["customer"]),
                "at": group.window.start,
            }, {"at": "timestamp"})
            for group in groups
        ],
    }
