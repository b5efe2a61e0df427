"""Bigger inputs for the golden jobs: the same bytes for the same seed, on every machine."""

import gzip
import json
import pathlib
import random

import zstandard

START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
JITTER_MS = 2_000  # Rows are at most this much older than the newest before them.

PRODUCTS = ["apple", "bread", "cheese", "dates", "eggs", "", "N/A", None]
CITIES = ["Ulm", "Köln", "São Paulo", None]
TAGS = ["new", "hot", "sale", "gift"]


def order(chance: random.Random, number: int, every_ms: int) -> dict:
    """One order. Times rise by `every_ms` with a jitter; customers are few and unevenly busy."""
    customer = min(chance.randrange(40), chance.randrange(40))
    row = {
        "id": number,
        "at": START_MS + number * every_ms - chance.randrange(JITTER_MS),
        "customer": f"c{customer:02d}",
        "product": chance.choice(PRODUCTS),
        "quantity": chance.choice([None, *range(1, 10)]),
        "price": chance.randrange(1, 10_000) / 100,
        "express": chance.random() < 0.3,
        "tags": chance.choice([None, []]) if chance.random() < 0.2
        else [chance.choice(TAGS) for _ in range(chance.randrange(1, 4))],
        "address": {"city": chance.choice(CITIES), "zip": chance.randrange(10_000, 99_999)},
        "ignored": {"deep": [1, {"x": "}"}]},
    }
    if chance.random() < 0.05:
        del row["product"]
    return row


def write_lines(path: pathlib.Path, lines: list[str]) -> None:
    """As gzip or zstd where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(line + "\n" for line in lines).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    path.write_bytes(data)


def orders(folder: pathlib.Path, seed: int, rows: int = 24_000, files: int = 8,
           suffix: str = ".json", every_ms: int = 40) -> None:
    """`orders-0.json` and so on; an order goes to a file by chance, so all files span all times."""
    chance = random.Random(seed)
    lines: list[list[str]] = [[] for _ in range(files)]
    for number in range(rows):
        text = json.dumps(order(chance, number, every_ms), ensure_ascii=False, separators=(",", ":"))
        lines[chance.randrange(files)].append(text)
    for number, held in enumerate(lines):
        write_lines(folder / f"orders-{number}{suffix}", held)
