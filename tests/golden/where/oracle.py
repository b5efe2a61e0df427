"""Rows for which a condition is true; null is not true."""

import pathlib

from golden.inputs import orders
from oracle import encode, rows


def both(a: bool | None, b: bool | None) -> bool | None:
    """`and` of SQL."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def either(a: bool | None, b: bool | None) -> bool | None:
    """`or` of SQL."""
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def keep(row: rows.Row) -> bool | None:
    quantity, product = row["quantity"], row["product"]
    much = None if quantity is None else quantity > 2
    named = None if product is None else product not in ("", "N/A")
    return either(both(much, named), row["express"])


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    kept = rows.where(orders(folder), keep)
    wanted = ("id", "product", "quantity", "express")
    return {"out": [encode.json_row({name: row[name] for name in wanted}) for row in kept]}
