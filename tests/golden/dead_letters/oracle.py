"""What cannot be decoded or computed goes to dead letters, each with its reason."""

import pathlib

from golden.inputs import orders
import json
import random

from golden import generate, inputs
from oracle import decode, encode
from oracle.rows import Rejected


def make_input(folder: pathlib.Path) -> None:
    """Every tenth record is broken, each in one of a few ways."""
    chance = random.Random(11)
    for number in range(8):
        lines = []
        for i in range(3_000):
            row = generate.order(chance, number * 3_000 + i, 40)
            row["quantity"] = chance.choice([None, 0, 1, 2, 7, 50])
            row["product"] = chance.choice(["12", "-3", "x", None])
            text = json.dumps(row, ensure_ascii=False)
            if i % 10 == 0:
                text = chance.choice([
                    text[: len(text) // 2], "null", json.dumps({**row, "id": "one"}),
                    json.dumps({**row, "at": None}), json.dumps({**row, "tags": [1]})])
            lines.append(text)
        generate.write_lines(folder / f"orders-{number}.json", lines)


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    undecoded: list[Rejected] = []
    given = inputs.rows(folder, "orders-*", lambda text: decode.decode_json(text, inputs.ORDERS),
                        "at", undecoded)
    shown, broken, skipped = [], [], []
    for row in given:
        quantity, product = row["quantity"], row["product"]
        if quantity is not None and quantity != 0 and 100 // quantity > 10:
            skipped.append(encode.json_row({"id": row["id"]}))
        if quantity == 0 or product not in (None, "12", "-3", "7", "9"):
            broken.append(row)
            continue
        share = None if quantity is None else 100 // quantity
        if share is not None and share > 0:
            number = None if product is None else int(product)
            shown.append(encode.json_row({"id": row["id"], "share": share, "number": number}))
    return {
        "shown": shown,
        "skipped": skipped,
        "undecoded": [encode.json_row({"node": "orders", "raw": r.raw}) for r in undecoded],
        "broken": [encode.json_row({"node": "divided", "id": row["id"]}) for row in broken],
    }


def simplify(sink: str, line: str) -> str:
    """Of a dead letter only what does not depend on the wording or the time of day."""
    if sink not in ("undecoded", "broken"):
        return line
    letter = json.loads(line)
    assert letter["code"].startswith("WEIR-") and letter["reason"] and letter["at"]
    assert letter["job"] and len(letter["job_version"]) == 12
    if sink == "undecoded":
        return encode.json_row({"node": letter["node"], "raw": inputs.raw_text(letter)})
    row = letter["row"] if isinstance(letter["row"], dict) else json.loads(letter["row"])
    return encode.json_row({"node": letter["node"], "id": row["id"]})
