"""Windows whose size is no multiple of their step, moved by an offset."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    groups = windows.hopping(
        orders(folder), 5 * rows.SECOND, 3 * rows.SECOND, lambda r: r["customer"], rows.SECOND)
    return {"out": [
        encode.json_row({
            "customer": group.key,
            "n": len(group.rows),
            "amounts": aggregates.count(group.rows, lambda r: r["quantity"]),
            "total": aggregates.total(group.rows, lambda r: r["quantity"]),
            "mean": aggregates.average(group.rows, lambda r: r["price"]),
            "low": aggregates.smallest(group.rows, lambda r: r["price"]),
            "high": aggregates.largest(group.rows, lambda r: r["product"]),
            "begin": group.window.start,
            "end": group.window.end,
        }, {"begin": "timestamp", "end": "timestamp"})
        for group in groups
    ]}
