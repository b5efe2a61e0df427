"""A table in folders by column values, odd ones and null among them, zipped."""

import pathlib
import time

from golden.inputs import orders
from oracle import encode

NULL = "__HIVE_DEFAULT_PARTITION__"


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    lines = []
    for row in orders(folder):
        day = time.strftime("%Y-%m-%d", time.gmtime(row["at"] // 1_000_000))
        shelf = "a/b=c %" if row["product"] == "N/A" else row["product"]
        place = "".join(
            f"{name}={NULL if value is None else value}/"
            for name, value in (("day", day), ("shelf", shelf), ("city", row["city"])))
        lines.append(place + " " + encode.json_row({"id": row["id"], "price": row["price"]}))
    return {"out": lines}
