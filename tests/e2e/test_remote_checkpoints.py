"""What a user asks of the checkpoints of a cluster's job, which workers alone know the way to: listing and
verifying them, deciding about results that wait, and forgetting the job."""

import json
import pathlib

import pytest

from e2e.cluster import Cluster
from e2e.test_bad_input import Case
from e2e.test_cluster import DAYS
from e2e.test_refused import LARGE, letters, with_dead_letter
from e2e.weir import DONE, FAILED, USAGE, Finished, call
from parts.process import wait_until


@pytest.fixture
def days(weir_binary: pathlib.Path, tmp_path: pathlib.Path):
    job = tmp_path / "days.yaml"
    job.write_text(DAYS)
    variables = {"JOB": "days", "OUT": str(tmp_path / "out")}
    with Cluster(tmp_path / "cluster", job, variables, workers=2, slots=1) as cluster:
        cluster.sets = {"parallelism": "2"}
        cluster.start()
        cluster.wait_job("running")
        cluster.wait_checkpoints(3)
        yield cluster


def kept(cluster: Cluster, job: str = "days") -> list[int]:
    return sorted(int(path.parent.name) for path in (cluster.state / job).glob("checkpoints/*/manifest"))


def text_of(cluster: Cluster, *words: str) -> Finished:
    """What people are shown."""
    return call(*words, "--manager", cluster.http)


def lose(cluster: Cluster, worker: str) -> None:
    cluster.workers[worker].kill()
    wait_until(lambda: cluster.list_workers()[worker]["state"] == "lost", 30, f"{worker} is lost")


def test_checkpoints_are_listed_and_verified(days: Cluster, tmp_path: pathlib.Path) -> None:
    # Beside the job, which goes on and cleans up.
    before = days.status()["checkpoint"]
    listed = days.ask("checkpoint", "list", "days")
    assert listed["job"] == "days"
    numbers = [one["number"] for one in listed["checkpoints"]]
    assert numbers == sorted(numbers) and numbers[-1] >= before
    assert not any("error" in one for one in listed["checkpoints"])
    for _ in range(5):
        assert days.ask("checkpoint", "verify", "days")["ok"]
    assert days.ask("txn", "list", "days")["checkpoint"] >= numbers[-1]

    days.ask("stop", "days")
    last = days.wait_job("stopped")["savepoint"]
    listed = days.ask("checkpoint", "list", "days")
    assert [one["number"] for one in listed["checkpoints"]] == kept(days)
    newest = listed["checkpoints"][-1]
    assert newest["number"] == last and not newest["savepoint"] and newest["files"] > 0
    shown = text_of(days, "checkpoint", "list", "days")
    assert shown.code == DONE and f"{last}  {newest['written']}" in shown.out, shown.show()
    # A directory is told of in the same way.
    here = call("checkpoint", "list", "days", "--state-dir", days.state, "--output", "json")
    assert json.loads(here.out) == listed

    whole = days.ask("checkpoint", "verify", "days")
    assert whole["ok"] and whole["every_byte"] and whole["bytes"] > 0
    here = call("checkpoint", "verify", "days", "--state-dir", days.state, "--output", "json")
    assert json.loads(here.out) == whole
    one = days.ask("checkpoint", "verify", "days", "--checkpoint", str(last))
    assert [found["number"] for found in one["checkpoints"]] == [last]
    gone = text_of(days, "checkpoint", "verify", "days", "--checkpoint", "999999")
    assert gone.code == USAGE and gone.codes() == ["WEIR-S004"], gone.show()

    file = max((days.state / "days" / "files").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert days.ask("checkpoint", "verify", "days", "--quick")["ok"]
    damaged = text_of(days, "checkpoint", "verify", "days")
    assert damaged.code == FAILED and damaged.codes() == ["WEIR-C004"], damaged.show()
    assert f"damaged: checkpoint file {file.name}" in damaged.out and "NOT all right" in damaged.out
    damaged = days.command("checkpoint", "verify", "days")
    assert damaged.code == FAILED and not json.loads(damaged.out)["ok"], damaged.show()


def test_who_is_asked_about_checkpoints(days: Cluster, tmp_path: pathlib.Path) -> None:
    wrong = text_of(days, "checkpoint", "list", "day")
    assert wrong.code == USAGE and wrong.codes() == ["WEIR-M001"], wrong.show()
    assert "did you mean 'days'?" in wrong.log and "--state-dir" in wrong.log
    both = text_of(days, "checkpoint", "list", "days", "--state-dir", str(days.state))
    assert both.code == USAGE and "leave --state-dir out" in both.log, both.show()
    # Where nothing is said: this folder's job, else the cluster's.
    empty = tmp_path / "empty"
    empty.mkdir()
    words = ("checkpoint", "list", "days", "--output", "json")
    asked = call(*words, cwd=empty, env={"WEIR_HTTP": days.http})
    assert asked.code == DONE and json.loads(asked.out)["checkpoints"], asked.show()
    nowhere = call(*words, cwd=empty, env={"WEIR_HTTP": "127.0.0.1:1"})
    assert nowhere.code == USAGE and nowhere.codes() == ["WEIR-C003"], nowhere.show()
    assert "--state-dir" in nowhere.log and "--manager" in nowhere.log
    (empty / "weir-state" / "days").mkdir(parents=True)
    here = call(*words, cwd=empty, env={"WEIR_HTTP": days.http})
    assert here.code == USAGE and "weir-state holds no checkpoints" in here.log, here.show()

    # A job at rest is known to the workers that had it, and to others.
    days.ask("stop", "days")
    days.wait_job("stopped")
    listed = days.ask("checkpoint", "list", "days")
    lose(days, "w0")
    assert days.ask("checkpoint", "list", "days") == listed
    lose(days, "w1")
    nobody = text_of(days, "checkpoint", "list", "days")
    assert nobody.code == FAILED and nobody.codes() == ["WEIR-M043"], nobody.show()
    assert "worker w0" in nobody.log


def test_a_job_is_removed(days: Cluster) -> None:
    running = text_of(days, "remove", "days")
    assert running.code == USAGE and running.codes() == ["WEIR-M003"], running.show()
    days.ask("cancel", "days")
    days.wait_job("cancelled")
    before = kept(days)
    read = days.newest_manifest().totals["clicks.in"]
    removed = text_of(days, "remove", "days")
    assert removed.code == DONE and f"{days.state}/days" in removed.out, removed.show()
    assert days.ask("list")["jobs"] == [] and kept(days) == before
    assert text_of(days, "status", "days").codes() == ["WEIR-M001"]
    days.manager.kill()
    days.up()
    assert days.ask("list")["jobs"] == []
    # What is submitted under the name goes on from what is there, unless it is to begin anew.
    days.ask(*days.submit_words())
    days.wait_job("running")
    days.wait_checkpoints(2)
    newest = days.newest_manifest()
    assert newest.number > before[-1] and newest.totals["clicks.in"] > read
    days.ask("cancel", "days")
    days.wait_job("cancelled")
    assert days.ask("remove", "days")["checkpoints"] == f"{days.state}/days"
    days.ask(*days.submit_words(), "--fresh")
    days.wait_job("running")
    days.wait_until(lambda: kept(days) and kept(days)[0] < before[-1], 30, "it has begun anew")
    lines = [json.loads(line) for line in (days.manager.state / "audit.jsonl").read_text().splitlines()]
    assert [line["result"] for line in lines if line["what"] == "remove"] == [
        "WEIR-M003", "accepted", "accepted"]


def test_results_that_wait_are_decided_about(kafka, weir_binary: pathlib.Path,
                                             tmp_path: pathlib.Path) -> None:
    """The broker refuses a record that a checkpoint holds; the job waits for the user's word."""
    case = Case(kafka, tmp_path, stop="never").topics()
    with_dead_letter(case)
    name = case.topic
    resolve = ("txn", "resolve", name, "--sink", "out", "--dead-letter")
    with Cluster(tmp_path / "cluster", case.path, {"JOB": name}, workers=2, slots=1) as cluster:
        case.produce(0, 100)
        cluster.start()
        case.wait_for(100, weir=cluster)
        running = text_of(cluster, *resolve)
        assert running.code == USAGE and running.codes() == ["WEIR-M003"], running.show()
        kafka.alter_topic(f"{case.topic}.out", {"max.message.bytes": 20_000})
        case.produce(100, 101, text=LARGE)
        case.produce(101, 150)
        stopped = cluster.wait_until(lambda: at_rest(cluster, "needs decision"), 60, "it asks")
        assert stopped["failure"]["code"] == "WEIR-K011"

        waiting = cluster.ask("txn", "list", name)
        assert sum(one["rows"] for one in waiting["waiting"] if one["sink"] == "out") > 0
        shown = text_of(cluster, "txn", "list", name)
        assert shown.code == DONE and "sink out" in shown.out and "next start" in shown.out, shown.show()
        unknown = text_of(cluster, "txn", "resolve", name, "--sink", "ou", "--drop")
        assert unknown.code == USAGE and unknown.codes() == ["WEIR-E022"], unknown.show()
        before = cluster.newest_number()
        done = text_of(cluster, *resolve)
        assert done.code == DONE and "'weir restart' publishes" in done.out, done.show()
        assert cluster.newest_number() == before + 1
        cluster.ask("restart", name)
        case.wait_for(149, weir=cluster)
        case.produce(150, 160)
        case.wait_for(159, weir=cluster)
        assert case.numbers() == [n for n in range(160) if n != 100]
        [letter] = letters(case)
        assert letter["code"] == "WEIR-K012"

        # Dropped, with the job stopped by its user: nothing of it shows.
        cluster.ask("cancel", name)
        cluster.wait_job("cancelled")
        dropped = cluster.ask("txn", "resolve", name, "--sink", "out", "--drop")
        assert dropped["choice"] == "drop" and dropped["checkpoint"] == cluster.newest_number()
        cluster.ask("restart", name)
        case.produce(160, 170)
        cluster.wait_until(lambda: set(range(160, 170)) <= set(case.numbers()), 30, "new rows are out")
        assert cluster.stop().code == DONE
        audit = (cluster.manager.state / "audit.jsonl").read_text().splitlines()
        told = [(line["detail"], line["result"]) for line in map(json.loads, audit) if line["what"] == "resolve"]
        assert told == [("sink out, dead letter", "WEIR-M003"),
                        ("sink ou, drop", "accepted"), ("sink ou, drop", "WEIR-E022"),
                        ("sink out, dead letter", "accepted"), ("sink out, drop", "accepted")]


def at_rest(cluster: Cluster, state: str) -> dict | None:
    status = cluster.look_at_job()
    return status if status and status["state"] == state else None
