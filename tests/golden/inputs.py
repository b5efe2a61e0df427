"""Input files as the oracle reads them: rows with the file's number and their own within it."""

import base64
import glob
import gzip
import pathlib
from collections.abc import Callable

import zstandard

from oracle import decode
from oracle.rows import BadRow, Rejected, Row, Values

# What most golden jobs declare, and generate.py writes.
ORDERS: decode.Declarations = {
    "id": "int64",
    "at": "timestamp",
    "customer": "string",
    "product": "string",
    "quantity": "int64",
    "price": "double",
    "express": "bool",
    "tags": "list<string>",
    "city": {"type": "string", "from": "address.city"},
}


def read_text(path: pathlib.Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data.decode()


def lines_of(text: str) -> list[str]:
    """Lines that are not empty. Only a line feed ends one: JSON may hold other line separators."""
    return [line for line in text.split("\n") if line]


def rows(folder: pathlib.Path, pattern: str, decoder: Callable[[str], Values], time: str | None,
         rejected: list[Rejected] | None = None, node: str = "orders",
         cut: Callable[[str], list[str]] = lines_of) -> list[Row]:
    """All rows of the files that match, in the order of their names."""
    made: list[Row] = []
    for number, name in enumerate(sorted(glob.glob(str(folder / pattern)))):
        for offset, text in enumerate(cut(read_text(pathlib.Path(name)))):
            try:
                values = decoder(text)
            except BadRow as error:
                if rejected is None:
                    raise
                rejected.append(Rejected(node, text, str(error)))
                continue
            if time is not None and values[time] is None:
                assert rejected is not None, f"{time} is null"
                rejected.append(Rejected(node, f"row {values['id']}", f"{time} is null"))
                continue
            made.append(Row(values, None if time is None else values[time], number, offset))
    return made


def orders(folder: pathlib.Path, pattern: str = "orders-*", time: str | None = "at") -> list[Row]:
    return rows(folder, pattern, lambda text: decode.decode_json(text, ORDERS), time)


def raw_text(letter: dict) -> str:
    """The undecoded record of a dead letter; of a row its id."""
    if letter["value"] is None:
        return f"row {letter['row']['id']}"
    return base64.b64decode(letter["value"]).decode()
