"""No row at all, and rows of which none is kept: tables without files."""

import pathlib

from golden.inputs import orders


def make_input(folder: pathlib.Path) -> None:
    (folder / "orders-0.json").write_text("")
    (folder / "orders-1.json").write_text("\n")


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    assert all(row["id"] >= 0 for row in orders(folder))
    return {"none": [], "counted": []}
