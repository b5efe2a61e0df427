"""Golden jobs: each folder beside this file that has a job.yaml.

    <name>/job.yaml       reads ${INPUT}/…, writes ${OUTPUT}/<sink>/…
    <name>/oracle.py      what it must give: `results(input folder) -> {sink: lines}`
    <name>/input/         a small input to read with one's eyes
    <name>/expected/      what the oracle gives for it, by make_expected.py; never by weir

An oracle may also have `make_input(folder)`, which makes its bigger input (otherwise orders of
generate.py), `TEXT`, the sinks that hold no JSON, and
`simplify(sink, line)` for what a sink writes and the oracle cannot know.
"""

import gzip
import importlib.util
import json
import pathlib
import types
import urllib.parse

import zstandard

from golden import generate
from oracle import decode

HERE = pathlib.Path(__file__).parent
SEED = 20250101


def names() -> list[str]:
    return sorted(path.parent.name for path in HERE.glob("*/job.yaml"))


def load(name: str) -> types.ModuleType:
    """The job's oracle."""
    spec = importlib.util.spec_from_file_location(f"golden_{name}", HERE / name / "oracle.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_big_input(name: str, folder: pathlib.Path) -> None:
    make = getattr(load(name), "make_input", None)
    if make is not None:
        make(folder)
    else:
        generate.orders(folder, SEED)


def is_json(name: str, sink: str) -> bool:
    return sink not in getattr(load(name), "TEXT", ())


def expected_file(name: str, sink: str) -> pathlib.Path:
    return HERE / name / "expected" / (sink + (".json" if is_json(name, sink) else ".txt"))


def finished_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """What a reader of the table sees: no name that begins with `_` or a dot, at any depth."""
    return sorted(
        path for path in folder.rglob("*")
        if path.is_file() and not any(p[0] in "_." for p in path.relative_to(folder).parts))


def read_finished(path: pathlib.Path, as_json: bool) -> list[str]:
    """Its rows; those of CSV, which may hold line ends, as JSON texts."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
        data = reader.read()
    text = data.decode()
    assert text == "" or text.endswith("\n"), f"{path} ends inside a row"
    return text.split("\n")[:-1] if as_json else [json.dumps(r) for r in decode.csv_records(text)]


def read_sink(folder: pathlib.Path, as_json: bool = True) -> list[str]:
    """All rows of a table; those under `name=value` folders get the folders in front of them."""
    lines = []
    for path in finished_files(folder):
        parts = path.relative_to(folder).parts[:-1]
        place = "".join(urllib.parse.unquote(part) + "/" for part in parts)
        lines += [f"{place} {line}" if place else line for line in read_finished(path, as_json)]
    return lines


def simplified(name: str, sink: str, lines: list[str]) -> list[str]:
    simplify = getattr(load(name), "simplify", None)
    return lines if simplify is None else [simplify(sink, line) for line in lines]
