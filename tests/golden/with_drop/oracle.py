"""All columns and some more, and all columns but some, in one chain."""

import pathlib

from golden.inputs import orders
from oracle import encode, rows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    given = rows.where(orders(folder), lambda r: r["quantity"] is not None)
    priced = rows.with_columns(
        given,
        lambda r: {"total": r["price"] * r["quantity"], "customer": r["customer"].upper()})
    plain = rows.drop(priced, "at", "tags", "express", "city")
    return {"out": [encode.json_row(row.values) for row in plain]}
