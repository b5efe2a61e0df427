"""The clickstream job on files: sessions, their counts, departments."""

import pathlib

from golden import generate, inputs
from oracle import clickstream, decode


def make_input(folder: pathlib.Path) -> None:
    events = clickstream.walk(seed=3, sessions=1_500)
    lines: list[list[str]] = [[] for _ in range(8)]
    for event in events:
        lines[event["userid"] % 8].append(clickstream.as_json(event))
    for number, held in enumerate(lines):
        generate.write_lines(folder / f"clicks-{number}.json", held)


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    given = inputs.rows(folder, "clicks-*.json",
                        lambda text: decode.decode_json(text, clickstream.COLUMNS), "eventtimestamp")
    return clickstream.results(given)
