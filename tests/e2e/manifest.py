"""Reads as much of a checkpoint's manifest as tests ask about, by the wire format of proto/manifest.proto
and without weir: totals, positions, lanes and the rows that wait in them."""

import contextlib
import hashlib
import pathlib
from collections import defaultdict
from dataclasses import dataclass, field

MAGIC = b"WEIRMF01"


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> dict[int, list]:
    """Field numbers to their values: ints, or bytes for all that has a length."""
    found: dict[int, list] = defaultdict(list)
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
        elif tag & 7 == 2:
            length, at = _varint(data, at)
            value = data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {tag & 7} is not in manifests")
        found[tag >> 3].append(value)
    return found


def _unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)


@dataclass
class Manifest:
    number: int
    totals: dict[str, int] = field(default_factory=dict)
    # Of each split how far it has been read, in its connector's words.
    positions: dict[str, str] = field(default_factory=dict)
    # Of each sink the epochs that wait to be published, with their rows.
    unpublished: dict[str, dict[int, int]] = field(default_factory=dict)
    # Of each sink the bytes that its newest epoch keeps in the manifest itself.
    sealed: dict[str, list[bytes]] = field(default_factory=dict)
    ended: bool = False
    savepoint: bool = False
    state_bytes: int = 0  # Of the files that tasks' stores name.


def read(path: pathlib.Path) -> Manifest:
    data = path.read_bytes()
    length = int.from_bytes(data[8:16], "little")
    body = data[16 : 16 + length]
    assert data[:8] == MAGIC and hashlib.sha256(data[: 16 + length]).digest() == data[16 + length :], \
        f"{path} is damaged"
    top = fields(body)
    made = Manifest(top[1][0], ended=bool(top[18] and top[18][0]),
                    savepoint=bool(top[17] and top[17][0]))
    for totals in top[16]:
        for entry in fields(totals)[1]:
            parts = fields(entry)
            made.totals[parts[1][0].decode()] = _unzigzag(parts[2][0]) if parts[2] else 0
    files = {}
    for task in top[12]:
        for store in fields(task)[4]:
            for file in fields(store)[4]:
                parts = fields(file)
                files[parts[1][0]] = parts[2][0] if parts[2] else 0
    made.state_bytes = sum(files.values())
    for source in top[11]:
        for split in fields(source)[2]:
            parts = fields(split)
            made.positions[parts[1][0].decode(errors="replace")] = b"".join(parts[2]).decode()
    for lane in top[13]:
        parts = fields(lane)
        epochs = made.unpublished.setdefault(parts[1][0].decode(), {})
        for epoch in parts[3]:
            number, rows = fields(epoch)[1][0], fields(epoch)[2]
            epochs[number] = sum((fields(part)[3] or [0])[0] for part in rows)
            if number == made.number:
                made.sealed[parts[1][0].decode()] = [(fields(part)[1] or [b""])[0] for part in rows]
    return made


def newest(state: pathlib.Path) -> Manifest:
    paths = state.glob("*/checkpoints/*/manifest")
    return read(max(paths, key=lambda path: int(path.parent.name)))


def newest_there(state: pathlib.Path) -> Manifest | None:
    """None where there is none, or where it is just being removed."""
    with contextlib.suppress(ValueError, OSError, AssertionError, IndexError):
        return newest(state)
    return None
