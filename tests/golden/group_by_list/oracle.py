"""Groups by several columns, null among their values, and by named expressions."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    given = orders(folder)
    by_columns = windows.tumbling(
        given, 10 * rows.SECOND, lambda r: (r["product"], r["express"], r["city"]))
    by_expression = windows.tumbling(
        given, 10 * rows.SECOND, lambda r: (r["customer"][:1], r["id"] % 2 == 0))
    kinds = {"at": "timestamp"}
    return {
        "by_columns": [
            encode.json_row({
                **dict(zip(("product", "express", "city"), group.key)),
                "n": len(group.rows),
                "at": group.window.start,
            }, kinds)
            for group in by_columns
        ],
        "by_expression": [
            encode.json_row({
                "letter": group.key[0],
                "even": group.key[1],
                "total": aggregates.total(group.rows, lambda r: r["quantity"]),
                "at": group.window.start,
            }, kinds)
            for group in by_expression
        ],
    }
