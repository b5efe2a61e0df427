"""Groups that are kept only if an aggregate, shown or not, holds."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    groups = windows.tumbling(orders(folder), 10 * rows.SECOND, lambda r: r["customer"])
    busy = [
        group for group in groups
        if len(group.rows) > 1 and aggregates.largest(group.rows, lambda r: r["price"]) < 90
    ]
    return {"out": [
        encode.json_row({
            "customer": group.key,
            "total": aggregates.total(group.rows, lambda r: r["quantity"]),
            "share": 100 * aggregates.count_if(group.rows, lambda r: r["express"])
            // len(group.rows),
            "at": group.window.end,
        }, {"at": "timestamp"})
        for group in busy
    ]}
