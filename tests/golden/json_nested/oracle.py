"""Nested places, lists of structs, maps, bytes and dates, in and out."""

import json
import pathlib
import random

from golden import generate, inputs
from oracle import decode, encode, rows

COLUMNS = {
    "id": "int64", "small": "int32", "user": {"type": "string", "from": "who.user.name"},
    "age": {"type": "int64", "from": "who.user.age"}, "seen": {"type": "timestamp", "unit": "s"},
    "point": "struct<x:double,y:double,label:string>", "numbers": "list<int64>",
    "counts": "map<string,int64>", "items": "list<struct<sku:string,n:int64>>", "blob": "bytes",
    "day": "date",
}


def make_input(folder: pathlib.Path) -> None:
    chance = random.Random(13)
    texts = ["a", "ä", "\u2028", 'q"uote', "back\\slash", "\t", "😀", ""]
    for number in range(8):
        lines = []
        for i in range(1_500):
            event = {
                "id": number * 1_500 + i,
                "small": chance.choice([None, -5, 2**31 - 1, 7.0]),
                "who": chance.choice([None, {}, {"user": {"name": chance.choice(texts), "age": i}}]),
                "seen": chance.choice([None, 1_735_689_600, 1_735_689_600.25, "2025-01-01T00:00:00.5Z"]),
                "point": chance.choice([None, {"x": i / 4, "y": -1}, {"label": chance.choice(texts)}]),
                "numbers": chance.choice([None, [], [i, None, -i]]),
                "counts": chance.choice([None, {}, {chance.choice(texts): i, "other": None}]),
                "items": chance.choice([None, [], [{"sku": chance.choice(texts), "n": i}, {}]]),
                "blob": chance.choice([None, "", "AAECAw==", "/+8="]),
                "day": chance.choice([None, "2024-02-29", "1969-12-31"]),
            }
            kept = {name: value for name, value in event.items() if chance.random() < 0.9 or name == "id"}
            lines.append(json.dumps(kept, ensure_ascii=chance.random() < 0.5))
        generate.write_lines(folder / f"events-{number}.json", lines)


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    given = inputs.rows(
        folder, "events-*.json", lambda text: decode.decode_json(text, COLUMNS), None)
    shaped = rows.with_columns(given, lambda r: {
        "x": r["point"] and r["point"]["x"],
        "first_number": r["numbers"][0] if r["numbers"] else None,
        "how_many": None if r["items"] is None else len(r["items"]),
    })
    lines = rows.select(rows.unnest(given, "item", "items"), lambda r: {
        "id": r["id"], "sku": r["item"]["sku"], "n": r["item"]["n"]})
    return {
        "shaped": [encode.json_row(row.values, {"seen": "timestamp"}) for row in shaped],
        "lines": [encode.json_row(row.values) for row in lines],
    }
