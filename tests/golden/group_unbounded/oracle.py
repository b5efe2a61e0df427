"""Groups without a window, over an input that ends."""

import pathlib

from golden.inputs import orders
from collections import defaultdict

from oracle import aggregates, encode, rows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    groups: dict[str, list[rows.Row]] = defaultdict(list)
    for row in orders(folder):
        groups[row["customer"]].append(row)
    return {"out": [
        encode.json_row({
            "customer": customer,
            "n": len(held),
            "total": aggregates.total(held, lambda r: r["price"]),
            "last_product": aggregates.last(held, lambda r: r["product"]),
        })
        for customer, held in groups.items()
    ]}
