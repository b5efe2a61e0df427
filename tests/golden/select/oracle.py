"""New columns from expressions: numbers, text, time, lists, null everywhere."""

import pathlib

from golden.inputs import orders
from datetime import datetime, timezone

from oracle import encode, rows


def nullable(function, *values):
    """Null where an argument is."""
    return None if any(value is None for value in values) else function(*values)


def kind(product: str | None) -> str:
    if product is None:
        return "none"
    if product in ("", "N/A"):
        return "unknown"
    return "b" if product.startswith("b") else "other"


def shown(row: rows.Row) -> rows.Values:
    number, product, quantity, tags = row["id"], row["product"], row["quantity"], row["tags"]
    moment = datetime.fromtimestamp(row["at"] // 1_000_000, timezone.utc)
    return {
        "id": number,
        "whole": number // 7,
        "rest": number % 7,
        "ratio": number / 8,
        "cost": nullable(lambda q: row["price"] * q, quantity),
        "minus": -number + 3,
        "label": nullable(lambda p: row["customer"] + "-" + p, product),
        "loud": row["customer"].upper(),
        "cut": row["customer"][1:3],
        "letters": nullable(len, product),
        "kind": kind(product),
        "bulk": (quantity or 0) >= 5,
        "some": nullable(lambda q: 2 <= q <= 4, quantity),
        "text": str(number),
        "later": row["at"] + 90 * rows.SECOND,
        "day": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "hour": row["at"] // rows.HOUR * rows.HOUR,
        "tag_count": nullable(len, tags),
        "is_new": nullable(lambda t: "new" in t, tags),
        "largest": max(number, 5),
        "rounded": float(int(row["price"])),
        "number": None,
        "where_to": row["city"] or "?",
    }


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    kinds = {"later": "timestamp", "hour": "timestamp"}
    return {"out": [encode.json_row(shown(row), kinds) for row in orders(folder)]}
