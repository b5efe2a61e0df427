"""A manager and three workers run the campaign's job: what users ask of it, and faults by chance."""

import json
import os
import pathlib
import re
import shutil
import signal
import time
import uuid
from collections.abc import Iterator

import pytest

from e2e import failpoints
from e2e.campaign import JOB, OUTPUTS
from e2e.cluster import WORKER_TIMEOUT_S, Cluster, ClusterCampaign, Daemon, attempt_of
from e2e.faults import random_faults
from e2e.weir import Finished, call
from parts.etcd import Etcd
from parts.process import free_port, wait_until

SEED = int(os.environ.get("WEIR_SEED", "20250301"))
FAULTS = int(os.environ.get("WEIR_CLUSTER_FAULTS", "25"))
SOAK_FAULTS = int(os.environ.get("WEIR_CLUSTER_FAULTS", "100"))
DAYS = """job: ${JOB}
parallelism: 3
checkpoint: { interval: 300ms }
sources:
  clicks:
    generator: { kind: clickstream, rate: 2000/s }
    event_time: { column: eventtimestamp }
steps:
  days: { from: clicks, window: { tumbling: 1000d }, group_by: product_type, select: [product_type, { rows: count() }] }
sinks:
  out: { from: days, files: { path: "${OUT}" }, format: json }
"""


# --- a job's whole life -----------------------------------------------------------------------------


def test_a_job_is_moved_about(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with ClusterCampaign(kafka, tmp_path, SEED, rate=800) as campaign:
        cluster = campaign.cluster
        campaign.start()
        first = cluster.wait_job("running", parallelism=3)
        assert len(first["attempt"]["workers"]) > 1, first["attempt"]
        campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        for parallelism in (4, 2):
            before = cluster.status()
            cluster.ask("rescale", campaign.name, str(parallelism))
            after = cluster.wait_job("running", parallelism=parallelism,
                                     not_attempt=attempt_of(before))
            assert len(after["attempt"]["worker_of_index"]) == parallelism
            assert reasons(after) == [
                *reasons(before), f"rescaled from {before['parallelism']} to {parallelism}"]
            cluster.wait_checkpoints(3)
        before = cluster.newest_number()
        savepoint = cluster.ask("savepoint", campaign.name)["savepoint"]
        assert savepoint > before
        assert cluster.status()["savepoint"] == savepoint
        drain_the_lead(cluster)
        cluster.ask("stop", campaign.name)
        stopped = cluster.wait_job("stopped")
        assert stopped["savepoint"] == cluster.newest_number() > savepoint
        campaign.check_at_rest()
        cluster.ask("restart", campaign.name)
        cluster.wait_job("running")
        campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        cluster.ask("cancel", campaign.name)
        cluster.wait_job("cancelled")
        cluster.ask("restart", campaign.name)
        campaign.finish_clean()
        tell("a job is moved about, " + campaign.told())


def test_a_drained_job_closes_its_windows(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A window of a day is open when the job is stopped: nothing of it shows; drained, all of it does."""
    job = tmp_path / "days.yaml"
    job.write_text(DAYS)

    def counted() -> int:
        return sum(json.loads(line)["rows"] for file in (tmp_path / "days").rglob("*.json")
                   if not file.name.startswith(("_", ".")) for line in file.read_text().splitlines())

    with Cluster(tmp_path / "cluster", job, {"JOB": "days", "OUT": str(tmp_path / "days")}, workers=2) as cluster:
        cluster.start()
        cluster.wait_job("running", parallelism=3)
        cluster.wait_checkpoints(3)
        cluster.ask("stop", "days")
        cluster.wait_job("stopped")
        assert counted() == 0
        cluster.ask("restart", "days")
        cluster.wait_job("running")
        cluster.wait_checkpoints(3)
        assert counted() == 0
        cluster.ask("stop", "days", "--drain")
        cluster.wait_job("ended")
        last = cluster.newest_manifest()
        assert last is not None and counted() == last.totals["clicks.in"] > 0


def test_what_holds_a_job_and_what_its_workers_say(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    job = tmp_path / "days.yaml"
    job.write_text(DAYS)
    with Cluster(tmp_path / "cluster", job, {"JOB": "days", "OUT": str(tmp_path / "days")}, workers=2) as cluster:
        cluster.start()
        status = cluster.wait_job("running")
        assert cluster.ask("why", "days")["findings"] == []
        other = next(name for name in cluster.workers if name != status["attempt"]["lead"])
        cluster.workers[other].kill()
        findings = cluster.wait_until(
            lambda: [one for one in cluster.ask("why", "days")["findings"] if one["what"] == "capacity"], 30,
            "it is short of slots")
        (finding,) = findings
        assert "3 needed, 2 free" in finding["message"]
        assert "start more workers" in finding["cure"]
        cluster.workers[other].start()
        lead = cluster.wait_job("running")["attempt"]["lead"]

        def said(text: str) -> set[str]:
            """By whom."""
            lines = cluster.command("logs", "days").out.splitlines()
            return {line["worker"] for line in map(json.loads, lines)
                    if text in line["line"] and "job=days" in line["line"]}

        cluster.wait_until(lambda: lead in said("attempt begins"), 30, "the lead's log has the attempt")
        # The manager keeps what a worker said that is lost.
        cluster.workers[lead].kill()
        cluster.wait_workers({lead: "lost"})
        cluster.workers[lead].start()
        cluster.wait_job("running")
        assert lead in said("attempt begins")
        assert cluster.command("logs", "nothere").code == 2


def test_rows_are_counted_before_the_first_checkpoint(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    job = tmp_path / "days.yaml"
    # No checkpoint comes by itself but the one that the attempt begins with.
    job.write_text(DAYS.replace("interval: 300ms", "interval: 1h"))
    with Cluster(tmp_path / "cluster", job, {"JOB": "days", "OUT": str(tmp_path / "days")}, workers=2) as cluster:
        cluster.start()
        cluster.wait_job("running")
        first = cluster.wait_until(lambda: (now := cluster.look_at_job()) and now.get("rows_in", 0) > 0 and now,
                                   30, "rows in are told")
        before = cluster.newest_manifest()
        assert before is not None and before.totals.get("clicks.in", 0) == 0, before.totals
        cluster.wait_until(lambda: cluster.status()["rows_in"] > first["rows_in"], 30, "they rise")
        # What is read again after a failure is not counted twice.
        cluster.ask("savepoint", "days")
        newest = cluster.newest_manifest()
        assert newest is not None and 0 < newest.totals["clicks.in"] <= cluster.status()["rows_in"]
        cluster.workers[cluster.status()["attempt"]["lead"]].kill()
        cluster.up()
        cluster.wait_job("running", not_attempt=attempt_of(first))
        counted = cluster.wait_until(lambda: (cluster.look_at_job() or {}).get("rows_in"), 30, "they are told again")
        assert counted >= newest.totals["clicks.in"]
        cluster.ask("stop", "days", "--drain")
        cluster.wait_job("ended")
        last = cluster.newest_manifest()
        assert last is not None and counted <= last.totals["clicks.in"]


@pytest.mark.parametrize("cut_off", ["lead and host", "two hosts"])
def test_workers_cut_off_from_each_other(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path, cut_off: str) -> None:
    """For ever, and both of them reach the manager: the job settles where it works, and says why."""
    job = tmp_path / "days.yaml"
    job.write_text(DAYS)
    with Cluster(tmp_path / "cluster", job, {"JOB": "days", "OUT": str(tmp_path / "days")}, proxied=True) as cluster:
        cluster.start()
        before = cluster.wait_job("running", parallelism=3)
        lead = before["attempt"]["lead"]
        hosts = sorted(set(before["attempt"]["workers"]) - {lead})
        assert len(hosts) == 2, before
        cluster.wait_checkpoints(1)
        one, other = hosts if cut_off == "two hosts" else sorted([lead, hosts[0]])
        cluster.network.cut(one, other)
        # What is on its way to them may break first, and then tells of a connection in use.
        cluster.wait_until(lambda: (now := cluster.look_at_job()) and now["state"] == "running"
                           and not {one, other} <= set(now["attempt"]["workers"]), 60,
                           f"it runs without having both {one} and {other}")
        settled = cluster.status()
        assert f"between workers {one} and {other}" in reasons(settled)[-1] \
            or f"between workers {other} and {one}" in reasons(settled)[-1], reasons(settled)
        assert settled["restarts"] <= 2, reasons(settled)
        assert f"together with {other}" in cluster.list_workers()[one]["reason"]
        cluster.wait_checkpoints(2)
        assert cluster.status()["attempt"]["id"] == settled["attempt"]["id"]
        assert cluster.ask("why", "days")["findings"] == []
        # Six slots are there, but not for one job: it says whose fault that is.
        refused(cluster.command("rescale", "days", "5"), "WEIR-M005",
                f"workers {one} and {other} could not reach each other")


def test_a_job_is_scaled_by_its_load(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    """700 rows a second where a task takes 200 need four of them; none need one."""
    with ClusterCampaign(kafka, tmp_path, SEED + 4, partitions=4, rate=700) as campaign:
        cluster = campaign.cluster
        cluster.sets = {"parallelism": "1", "limits.rows_per_task": "200/s", "autoscale.min": "1",
                        "autoscale.max": "4", "autoscale.window": "1s", "autoscale.cooldown": "1s"}
        campaign.start()
        cluster.wait_job("running", parallelism=1)
        cluster.wait_job("running", parallelism=4, timeout_s=120)
        campaign.feed.pause()
        cluster.wait_job("running", parallelism=1, timeout_s=180)
        campaign.feed.resume()
        changes = [reason for reason in reasons(cluster.status()) if reason.startswith("rescaled from ")]
        assert changes[0] == "rescaled from 1 to 2" and changes[-1].endswith(" to 1"), changes
        campaign.finish_clean()
        tell(f"scaled by load ({'; '.join(changes)}), " + campaign.told())


def reasons(status: dict) -> list[str]:
    """Why each attempt but the first was begun."""
    return [restart["reason"] for restart in status["history"]]


def drain_the_lead(cluster: Cluster) -> None:
    """All its tasks go elsewhere, it stays, and gets some again when it takes tasks again."""
    before = cluster.status()
    lead = before["attempt"]["lead"]
    cluster.ask("drain", lead)
    after = cluster.wait_job("running", not_attempt=attempt_of(before))
    assert lead not in after["attempt"]["workers"]
    assert len(reasons(after)) == len(reasons(before)) + 1, after["history"]
    assert reasons(after)[-1] == "moved away from a worker that is drained"
    cluster.wait_checkpoints(3)
    drained = cluster.list_workers()[lead]
    assert (drained["state"], drained["jobs"], drained["reason"]) == ("draining", [], "drained")
    cluster.ask("drain", lead, "--undo")
    cluster.wait_workers({lead: "here"})


# --- faults -----------------------------------------------------------------------------------------


def test_random_faults(kafka, etcd: Etcd, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    """All kinds: two managers on an etcd, three workers, and proxies on all ways between them."""
    strike(kafka, tmp_path, SEED + 1, FAULTS, tell, etcd)


@pytest.mark.soak
@pytest.mark.parametrize("store", ["etcd", "embedded"])
def test_many_random_faults(kafka, etcd: Etcd, store: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                            tell) -> None:
    strike(kafka, tmp_path, SEED + 2, SOAK_FAULTS, tell, etcd if store == "etcd" else None)


def strike(kafka, work: pathlib.Path, seed: int, faults: int, tell, etcd: Etcd | None) -> None:
    begin = time.monotonic()
    with ClusterCampaign(kafka, work, seed, slots=5, proxied=True, etcd=etcd, rate=800) as campaign:
        campaign.start()
        random_faults(campaign, faults)
        campaign.cluster.up()
        campaign.finish_clean(patience_s=20)
        tell(f"{faults} random faults of a cluster in {time.monotonic() - begin:.0f} s, {campaign.told()}")
        assert not campaign.tally.missing(), f"never hit: {campaign.tally.missing()}: {campaign.told()}"


def test_each_failpoint_of_the_exchange(
        kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    """A worker is killed with a frame on its way, and the job goes on without it."""
    with ClusterCampaign(kafka, tmp_path, SEED + 5, rate=800) as campaign:
        cluster = campaign.cluster
        struck = cluster.workers["w1"]
        for turn, (place, number) in enumerate(failpoints.EXCHANGE.items()):
            struck.start(f"{place}=kill@{number}")
            if turn == 0:
                campaign.start()
            else:
                cluster.wait_workers({struck.name: "here"})
                cluster.ask("rescale", campaign.name, str(3 + turn % 2))  # Which spreads the tasks.
            cluster.wait_until(lambda: not struck.running, 30, f"{place} is passed")
            assert cluster.hits()[-1] == place
            cluster.wait_workers({struck.name: "lost"})
            cluster.wait_job("running")
        cluster.up()
        campaign.finish_clean()
        tell(f"failpoints of the exchange ({', '.join(cluster.hits())}), {campaign.told()}")


def test_a_new_manager_disturbs_nothing(
        kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Also where it is away for longer than workers may be silent."""
    with ClusterCampaign(kafka, tmp_path, SEED + 3, rate=800) as campaign:
        cluster = campaign.cluster
        campaign.start()
        before = cluster.wait_job("running")
        cluster.wait_checkpoints(3)
        for _ in range(2):
            cluster.manager.kill()
            cluster.wait_checkpoints(WORKER_TIMEOUT_S * 1000 // 150 + 1)
            cluster.up()
            # What the new one is told it has from the lead, which has gone on all the time.
            newest = cluster.newest_number()
            after = cluster.wait_until(
                lambda: reported(cluster, newest), 30, "the lead reports newer checkpoints")
            assert attempt_of(after) == attempt_of(before)
            assert after["restarts"] == before["restarts"] == 0, after["history"]
            assert after["attempt"] == before["attempt"]
        campaign.finish_clean()


def reported(cluster: Cluster, above: int) -> dict | None:
    status = cluster.look_at_job()
    return status if status and status.get("checkpoint", 0) > above else None


# --- what is refused, and changes nothing -----------------------------------------------------------


@pytest.fixture
def cluster(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Cluster]:
    """Two workers of two slots, and no job."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    for topic in (name, *(f"{name}.{output}" for output in OUTPUTS)):
        kafka.create_topic(topic, partitions=3)
    variables = {"JOB": name, "BOOTSTRAP": kafka.bootstrap, "TOPIC": name,
                 "TABLE": str(tmp_path / "table")}
    with Cluster(tmp_path, JOB, variables, workers=2) as it:
        yield it


def refused(finished: Finished, code: str, *texts: str, status: int = 2) -> None:
    assert finished.code == status and code in finished.codes(), finished.show()
    for text in texts:
        assert text in finished.log, f"no '{text}' in {finished.show()}"
    assert not finished.out, finished.show()


def jobs_of(cluster: Cluster) -> list[tuple]:
    return [(job["name"], job["state"], job["parallelism"]) for job in cluster.ask("list")["jobs"]]


def test_a_worker_without_a_manager_waits_and_says_so(cluster: Cluster) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    astray = cluster.make_worker("astray", manager=nowhere).start()
    line = astray.wait_log(nowhere)
    assert "manager" in line, line
    assert astray.running
    assert set(cluster.list_workers()) == {"w0", "w1"}
    assert astray.stop().code == 0


def test_a_worker_finds_a_manager_that_comes_later(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    late = Cluster(tmp_path, tmp_path / "none.yaml", {"JOB": "none"}, workers=1)
    late.workers["w0"].start().wait_log("worker is up")
    with late:
        assert late.workers["w0"].starts == 1


def test_all_workers_find_each_new_manager(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Wherever in its start they reach it."""
    crowd = Cluster(tmp_path, tmp_path / "none.yaml", {"JOB": "none"}, workers=6)
    with crowd:
        for _ in range(6):
            crowd.manager.kill()
            crowd.up()
        assert all(worker.starts == 1 for worker in crowd.workers.values())


def test_a_manager_with_an_older_job_store(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its workers have followed managers of later terms: it can't lead them, and says so."""
    with Cluster(tmp_path, tmp_path / "none.yaml", {"JOB": "none"}, workers=1) as cluster:
        cluster.manager.kill()
        cluster.up()
        cluster.manager.kill()
        shutil.rmtree(cluster.manager.state)
        finished = cluster.manager.start().wait(20)
        assert finished.code == 1 and finished.codes(), finished.show()
        assert "term" in finished.log, finished.show()
        assert cluster.workers["w0"].running


def test_a_manager_that_is_lost_comes_back_from_a_backup(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """Taken while it runs. One job has had attempts since, and goes on all the same; one runs through."""
    cluster.ask(*cluster.submit_words(), "--parallelism", "2")
    calm = tmp_path / "calm.yaml"
    calm.write_text(DAYS.replace("parallelism: 3", "parallelism: 1"))
    cluster.ask("submit", calm, "--var", "JOB=calm", "--var", f"OUT={tmp_path / 'calm'}")
    cluster.wait_job("running")
    wait_until(lambda: cluster.status("calm")["state"] == "running", 30, "the other job runs")
    copy = tmp_path / "copy"
    told = cluster.ask("backup", "take", copy)
    assert told == {"file": str(copy), "jobs": 2, "bytes": copy.stat().st_size}, told
    audit = (cluster.manager.state / "audit.jsonl").read_text().splitlines()
    assert any(json.loads(line)["what"] == "backup" for line in audit), audit

    def restore(*words: str) -> Finished:
        return call("backup", "restore", copy, "--state-dir", str(cluster.manager.state), *words)

    refused(restore(), "WEIR-S005", "stop the manager", status=1)
    untouched = cluster.status("calm")
    for _ in range(3):
        before = attempt_of(cluster.status())
        cluster.ask("stop", cluster.name)
        cluster.wait_job("stopped")
        cluster.ask("restart", cluster.name)
        cluster.wait_job("running", not_attempt=before)
    cluster.wait_checkpoints(2)
    newest = cluster.newest_number()
    cluster.manager.kill()
    refused(restore(), "WEIR-S005", "is not empty", status=1)
    shutil.rmtree(cluster.manager.state)
    assert json.loads(restore("--output", "json").out)["file"] == str(copy)
    cluster.up()
    cluster.wait_job("running", not_attempt=before)
    cluster.wait_until(lambda: cluster.newest_number() > newest + 2, 60, "it takes checkpoints again")
    assert "WEIR-W006" not in cluster.whole_log()
    # What ran at the time of the backup, and runs still, was not disturbed.
    after = cluster.status("calm")
    assert (attempt_of(after), after["restarts"]) == (attempt_of(untouched), untouched["restarts"])


def test_a_worker_that_is_not_told_where_checkpoints_are(cluster: Cluster) -> None:
    words = cluster.workers["w0"].words
    at = words.index("--checkpoint-store")
    homeless = Daemon(cluster.work, "homeless", [*words[:at], *words[at + 2 :]])
    finished = homeless.start().wait(20)
    refused(finished, "WEIR-C006", "--checkpoint-store")
    assert set(cluster.list_workers()) == {"w0", "w1"}


def estrange(cluster: Cluster) -> pathlib.Path:
    """Has w1 keep its checkpoints elsewhere, from its next start on."""
    strange = cluster.workers["w1"]
    strange.kill()
    elsewhere = cluster.work / "elsewhere"
    strange.words = [str(elsewhere) if word == str(cluster.state) else word for word in strange.words]
    return elsewhere


def test_workers_with_checkpoints_in_different_places(cluster: Cluster) -> None:
    """A job is not taken where they differ; who comes later with another place gets no tasks of it."""
    elsewhere = estrange(cluster)
    cluster.up()
    finished = cluster.command(*cluster.submit_words())
    refused(finished, "WEIR-M016", f"w0 in {cluster.state}; w1 in {elsewhere}", "checkpoint_store")
    told = cluster.list_workers()["w1"]
    assert told["checkpoint_store"] == str(elsewhere) and "another place than that of w0" in told["reason"]
    cluster.workers["w1"].kill()
    cluster.wait_workers({"w1": "lost"})
    cluster.ask(*cluster.submit_words(), "--parallelism", "2")
    cluster.wait_job("running", parallelism=2)
    cluster.up()
    refused(cluster.command("rescale", cluster.name, "4"), "WEIR-M005", f"w1 keeps checkpoints elsewhere ({elsewhere})")
    before = cluster.status()
    cluster.workers["w0"].kill()
    waiting = cluster.wait_job("waiting")
    assert "worker w1 keeps checkpoints elsewhere" in cluster.status()["reason"], waiting
    cluster.up()
    after = cluster.wait_job("running", not_attempt=attempt_of(before))
    assert after["attempt"]["workers"] == ["w0"]


def test_workers_with_copies_of_one_store(cluster: Cluster) -> None:
    """Which say that they are the same. Nothing is written that nobody could go on from."""
    elsewhere = estrange(cluster)
    elsewhere.mkdir()
    shutil.copy(cluster.state / ".weir-store", elsewhere)
    cluster.up()
    cluster.ask(*cluster.submit_words(), "--parallelism", "4")
    failed = cluster.wait_job("failed")
    assert failed["failure"]["code"] == "WEIR-W008", failed
    assert "elsewhere" in failed["failure"]["message"] or str(cluster.state) in failed["failure"]["message"]
    assert not list(cluster.work.glob("table/**/*.json"))


def test_a_second_worker_in_one_directory(cluster: Cluster) -> None:
    first = cluster.workers["w0"]
    second = Daemon(cluster.work, "second", first.words, first.state)
    finished = second.start().wait(20)
    assert finished.code == 1 and finished.codes() == ["WEIR-S005"], finished.show()
    assert f"pid {first.pid}" in finished.log, finished.show()
    assert first.running
    assert {name: worker["state"] for name, worker in cluster.list_workers().items()} == {
        "w0": "here", "w1": "here"}


def test_a_second_worker_of_one_name(cluster: Cluster) -> None:
    other = Daemon(cluster.work, "other", cluster.workers["w0"].words)
    before = cluster.list_workers()["w0"]["address"]
    other.start().wait_log("WEIR-M011")
    assert cluster.list_workers()["w0"]["address"] == before
    other.kill()


def test_a_second_manager_in_one_directory(cluster: Cluster) -> None:
    second = Daemon(cluster.work, "second", cluster.manager.words, cluster.manager.state)
    finished = second.start().wait(20)
    assert finished.code == 1 and finished.codes() == ["WEIR-S005"], finished.show()
    cluster.wait_workers({"w0": "here", "w1": "here"})


BROKEN = {
    "a misspelt key": ("group_by: key", "grup_by: key", "grup_by"),
    "an unknown column": ("total: sum(seq)", "total: sum(sec)", "sec"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_job(cluster: Cluster, tmp_path: pathlib.Path, what: str) -> None:
    old, new, shown = BROKEN[what]
    text = cluster.job.read_text().replace(old, new, 1)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if shown in row)
    broken = tmp_path / "broken.yaml"
    broken.write_text(text)
    finished = cluster.command(*cluster.submit_words(broken))
    assert finished.code == 2 and finished.codes(), finished.show()
    assert re.search(rf"broken\.yaml:{line}:\d+", finished.log), finished.show()
    assert shown in finished.log, finished.show()
    assert jobs_of(cluster) == []


def test_an_unknown_job(cluster: Cluster) -> None:
    for words in (["status"], ["stop"], ["cancel"], ["savepoint"], ["restart"]):
        refused(cluster.command(*words, "nobody"), "WEIR-M001", "nobody")
    refused(cluster.command("rescale", "nobody", "2"), "WEIR-M001", "nobody")
    refused(cluster.command("drain", "nobody"), "WEIR-M006", "nobody")
    assert jobs_of(cluster) == []


def test_a_job_larger_than_all_workers(cluster: Cluster) -> None:
    """Nobody has so many slots: refused, as it would wait for ever."""
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin > WORKER_TIMEOUT_S, 30,
               "the manager waits for no more workers")
    refused(cluster.command(*cluster.submit_words(), "--parallelism", "9"), "WEIR-M005",
            "needs 9 worker slots", "have 4")
    assert jobs_of(cluster) == []


def test_a_job_larger_than_the_workers_of_a_new_manager(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """More of them may be on their way: it waits, with numbers, and runs nothing."""
    variables = {"JOB": "large", "BOOTSTRAP": f"127.0.0.1:{free_port()}", "TOPIC": "large",
                 "TABLE": str(tmp_path / "table")}
    with Cluster(tmp_path, JOB, variables, workers=2, worker_timeout_s=600) as cluster:
        cluster.ask(*cluster.submit_words(), "--parallelism", "9")
        status = cluster.status()
        assert status["state"] == "waiting" and "attempt" not in status, status
        assert status["reason"] == "waiting for 5 more worker slots: 9 needed, 4 free"
        assert jobs_of(cluster) == [("large", "waiting", 9)]
        assert [worker["free"] for worker in cluster.list_workers().values()] == [2, 2]
        assert not (cluster.state / "large").exists()


def test_a_job_larger_than_the_free_slots_waits(cluster: Cluster) -> None:
    """And begins as soon as there is room."""
    cluster.ask(*cluster.submit_words(), "--parallelism", "3")
    cluster.wait_job("running")
    cluster.ask(*cluster.submit_words(JOB=f"{cluster.name}-2", TABLE=f"{cluster.variables['TABLE']}2"),
                "--parallelism", "3")
    second = cluster.status(f"{cluster.name}-2")
    assert second["state"] == "waiting" and "attempt" not in second, second
    assert "waiting for 2 more worker slots: 3 needed, 1 free" in second["reason"]
    assert not (cluster.state / f"{cluster.name}-2").exists()
    assert sum(worker["free"] for worker in cluster.list_workers().values()) == 1
    cluster.ask("cancel", cluster.name)
    wait_until(lambda: cluster.status(f"{cluster.name}-2")["state"] == "running", 30,
               "the second job runs")


def test_a_rescale_beyond_the_slots(cluster: Cluster) -> None:
    cluster.ask(*cluster.submit_words())
    before = cluster.wait_job("running")
    refused(cluster.command("rescale", cluster.name, "5"), "WEIR-M005",
            "5 worker slots", "there are 4")
    assert jobs_of(cluster) == [(cluster.name, "running", 3)]
    cluster.wait_checkpoints(2)
    after = cluster.status()
    assert after["attempt"] == before["attempt"] and after["restarts"] == 0


def test_a_job_that_is_there_already(cluster: Cluster) -> None:
    cluster.ask(*cluster.submit_words())
    before = cluster.wait_job("running")
    refused(cluster.command(*cluster.submit_words()), "WEIR-M002", cluster.name)
    assert cluster.status()["attempt"] == before["attempt"]
    refused(cluster.command("restart", cluster.name), "WEIR-M003", cluster.name)
    assert cluster.status()["attempt"] == before["attempt"]


def test_no_manager_answers(cluster: Cluster) -> None:
    cluster.manager.signal(signal.SIGTERM)
    assert cluster.manager.wait().code == 0
    refused(cluster.command("list"), "WEIR-C005", cluster.http, status=1)
    cluster.up()
    assert jobs_of(cluster) == []
