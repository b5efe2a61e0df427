"""One group for all rows of a window that is moved by an offset."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    groups = windows.tumbling(orders(folder), 7 * rows.SECOND, offset=2 * rows.SECOND)
    return {"out": [
        encode.json_row({
            "n": len(group.rows),
            "dear": aggregates.count_if(group.rows, lambda r: r["price"] > 50),
            "begin": group.window.start,
        }, {"begin": "timestamp"})
        for group in groups
    ]}
