"""Checkpoints that come thick, fail and work again, and what a manifest tells of its job: no broker."""

import pathlib

import pytest

from e2e import manifest
from e2e.weir import DONE, USAGE, Weir

JOB = """
job: thick
checkpoint: { interval: 10ms }
sources:
  prices:
    generator: { kind: stock, rate: 4000/s, count: "${COUNT:-8000}", seed: 3 }
    event_time: { column: event_time }
steps:
  counts: { from: prices, window: { tumbling: 100ms }, group_by: ticker, select: [ticker, { n: count() }] }
sinks:
  nowhere: { from: counts, blackhole: {} }
"""


@pytest.fixture
def job(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> Weir:
    path = tmp_path / "job.yaml"
    path.write_text(JOB)
    return Weir(path, tmp_path / "run")


def test_a_checkpoint_may_follow_the_one_before_at_once(job: Weir) -> None:
    """Each takes longer than the interval, so the next barrier is on its way with the commit."""
    done = job.run("state.manifest.before_link=delay:20@1+", sets={"parallelism": "2"})
    assert done.code == DONE, done.show()
    assert done.report is not None and done.report["checkpoints"] > 2
    assert done.report["rows_in"] == 8000 and done.report["unaccounted_rows"] == 0


def test_a_failure_and_its_end_are_told(job: Weir) -> None:
    done = job.run("state.store.before_write=error@4")
    assert done.code == DONE, done.show()
    assert done.log.count("checkpoint dropped") == 1, done.show()
    assert done.log.count("checkpoints work again") == 1, done.show()


def test_a_manifest_holds_the_job_as_it_ran(job: Weir) -> None:
    job.variables = {"COUNT": "100"}
    assert job.run(sets={"sources.prices.generator.seed": "77"}).code == DONE
    path = max(job.state.rglob("checkpoints/*/manifest"), key=lambda p: int(p.parent.name))
    data = path.read_bytes()
    text = manifest.fields(data[16 : 16 + int.from_bytes(data[8:16], "little")])[10][0].decode()
    assert "seed: 77" in text and 'count: "100"' in text and "COUNT" not in text
    # It is a job file: the same one.
    again = job.work / "again.yaml"
    again.write_text(text)
    done = Weir(again, job.work).run()
    assert done.code == DONE and "the job has ended" in done.log, done.show()


def test_a_state_directory_that_cannot_be(job: Weir) -> None:
    job.state = job.job / "no-folder"
    done = job.run()
    assert done.code == USAGE and "WEIR-E017" in done.log, done.show()
