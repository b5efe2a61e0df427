"""first, last and collections go by time, then file and row, never by arrival."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    def number(row: rows.Row) -> int:
        return row["id"]

    lines = []
    for group in windows.tumbling(orders(folder), 10 * rows.SECOND, lambda r: r["customer"]):
        held = group.rows
        lines.append(encode.json_row({
            "customer": group.key,
            "first_id": aggregates.first(held, number),
            "last_id": aggregates.last(held, number),
            "first_product": aggregates.first(held, lambda r: r["product"]),
            "last_express": aggregates.last(
                aggregates.filtered(held, lambda r: r["express"]), number),
            "ids": aggregates.collect_list(held, number),
            "dear": aggregates.collect_list(
                aggregates.filtered(held, lambda r: r["price"] > 40), number),
            "products": aggregates.collect_set(held, lambda r: r["product"]),
            "cities": aggregates.count_distinct(held, lambda r: r["city"]),
            "n": sum(1 for row in held if row["quantity"] is None),
            "anyone": group.key,
            "at": group.window.start,
        }, {"at": "timestamp"}))
    return {"out": lines}
