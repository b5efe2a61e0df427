"""Every golden job: run whole, and killed in the middle and restored at another parallelism."""

import pathlib

import pytest

from e2e import manifest
from e2e.weir import Weir
from golden import harness
from golden.compare import difference

NAMES = harness.names()
# A checkpoint every few milliseconds and a source that waits before each poll: many checkpoints
# while rows still come, and a kill well before the end.
SLOW_SOURCE = "engine.source.poll=delay:25@1+"
KILL_AT = "state.manifest.after_link=kill@{}"


def check(name: str, output: pathlib.Path, expected: dict[str, list[str]]) -> None:
    faults = []
    for sink, lines in expected.items():
        folder = output / sink
        as_json = harness.is_json(name, sink)
        actual = harness.simplified(name, sink, harness.read_sink(folder, as_json))
        told = difference(lines, actual, as_json and not is_placed(lines))
        if told:
            faults.append(f"{name}/{sink}: {told}")
    assert not faults, "\n".join(faults)


def is_placed(lines: list[str]) -> bool:
    """Lines of a table in folders begin with the folders and are compared as text."""
    return any(not line.startswith("{") for line in lines)


def weir(name: str, work: pathlib.Path, folder: pathlib.Path) -> Weir:
    return Weir(harness.HERE / name / "job.yaml", work,
                variables={"INPUT": str(folder), "OUTPUT": str(work / "output")})


@pytest.fixture(params=NAMES)
def golden(request: pytest.FixtureRequest) -> str:
    return request.param


def test_there_are_golden_jobs() -> None:
    assert len(NAMES) >= 20


def test_expected_files_are_the_oracles(golden: str) -> None:
    """Nobody has mended an expected file by hand, or by weir."""
    results = harness.load(golden).results(harness.HERE / golden / "input")
    stored = {path.stem for path in (harness.HERE / golden / "expected").iterdir()}
    assert stored == set(results)
    for sink, lines in results.items():
        assert harness.expected_file(golden, sink).read_text().splitlines() == sorted(lines)


def test_whole(golden: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = weir(golden, tmp_path, harness.HERE / golden / "input").run()
    assert done.code == 0, done.show()
    assert done.report is not None and done.report["unaccounted_rows"] == 0
    sinks = [path.stem for path in (harness.HERE / golden / "expected").iterdir()]
    check(golden, tmp_path / "output",
          {s: harness.expected_file(golden, s).read_text().splitlines() for s in sinks})


@pytest.fixture(scope="session")
def big_inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """Inputs by job; those of the same making are made once."""
    shared = tmp_path_factory.mktemp("orders")
    made: dict[str, pathlib.Path] = {}
    for name in NAMES:
        own = hasattr(harness.load(name), "make_input")
        folder = tmp_path_factory.mktemp(name) if own else shared
        if own or not any(shared.iterdir()):
            harness.make_big_input(name, folder)
        made[name] = folder
    return made


def test_killed_and_restored(golden: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                             big_inputs: dict[str, pathlib.Path]) -> None:
    """At parallelism 2 with a kill -9 as a checkpoint becomes durable, then at 3 to the end."""
    job = weir(golden, tmp_path, big_inputs[golden])
    job.sets = {"checkpoint.interval": "10ms"}
    # An input without rows ends with its second manifest; all others go on for many.
    last = 2 if golden == "empty" else 4
    killed = job.run(f"{SLOW_SOURCE},{KILL_AT.format(last)}", sets={"parallelism": "2"})
    assert killed.killed, f"the kill did not happen:\n{killed.show()}"
    assert "state.manifest.after_link" in job.hits()
    newest = job.manifests()[-1]
    read_before = rows_read(job)
    done = job.run(sets={"parallelism": "3"}, timeout_s=120)
    assert done.code == 0, done.show()
    assert job.manifests()[-1] > newest
    assert done.report is not None and done.report["unaccounted_rows"] == 0
    oracle = harness.load(golden)
    check(golden, tmp_path / "output", oracle.results(big_inputs[golden]))
    if hasattr(oracle, "late"):
        assert done.report["late"] == oracle.late(big_inputs[golden])
    if golden != "empty":
        # Rows were read by both lives of the job: the kill hit its middle.
        assert 0 < read_before < done.report["rows_in"]


def rows_read(job: Weir) -> int:
    """Rows that the sources had given by the newest checkpoint."""
    totals = manifest.newest(job.state).totals
    sources = ("orders", "lines", "events", "clicks")
    return sum(totals.get(f"{source}.in", 0) for source in sources)
