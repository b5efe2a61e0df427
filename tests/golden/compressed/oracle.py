"""Zipped input of two kinds in one glob, and a zstd table."""

import pathlib

from golden.inputs import orders
from golden import generate
from oracle import encode


def make_input(folder: pathlib.Path) -> None:
    generate.orders(folder, 7, rows=12_000, files=4, suffix=".json.gz")
    generate.orders(folder / "zst", 8, rows=12_000, files=4, suffix=".json.zst")
    for path in sorted((folder / "zst").iterdir()):
        path.rename(folder / path.name)


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    return {"out": [
        encode.json_row({name: row[name] for name in ("id", "customer", "at")}, {"at": "timestamp"})
        for row in orders(folder)
        if row["id"] % 3 == 0
    ]}
