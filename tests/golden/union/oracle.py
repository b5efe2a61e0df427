"""Two branches of one input and a second reading of it, counted together."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    given = orders(folder)

    def branch(name: str, weight: int):
        return lambda r: {"customer": r["customer"], "branch": name, "weight": weight}

    cheap = rows.select(rows.where(given, lambda r: r["price"] < 5), branch("cheap", 1))
    dear = rows.select(rows.where(given, lambda r: r["price"] >= 50), branch("dear", 10))
    groups = windows.tumbling(
        [*cheap, *dear], 5 * rows.SECOND, lambda r: (r["customer"], r["branch"]))
    return {"out": [
        encode.json_row({
            "customer": group.key[0],
            "branch": group.key[1],
            "n": len(group.rows),
            "weight": aggregates.total(group.rows, lambda r: r["weight"]),
            "at": group.window.end,
        }, {"at": "timestamp"})
        for group in groups
    ]}
