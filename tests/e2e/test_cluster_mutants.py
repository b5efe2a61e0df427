"""Does the checker notice? A cluster with one rule of its own broken on purpose. (The rules of one
process are broken in test_mutants.py, those of what a manager decides in simulation_test.cc.)

Every scenario is run with the mutant, which must be caught, and in the long campaign with weir as it
is, which must not. At the end stands a table of what caught each.
"""

import os
import pathlib
import shutil
import subprocess
import threading
from collections.abc import Callable

import pytest

from e2e import failpoints
from e2e.cluster import AT_REST, Cluster, ClusterCampaign, Managers
from e2e.test_cluster import DAYS
from e2e.weir import binary
from parts.etcd import Etcd
from parts.process import wait_until

SEED = 1848
# Of (broker, etcd, directory, mutant): what the checker says; nothing where all is well.
Scenario = Callable[[object, Etcd, pathlib.Path, str | None], str]
TABLE: dict[str, str] = {}
STANDS_BY = "another manager leads; this one stands by"


def manifest_taken_accepted(kafka, etcd: Etcd, work: pathlib.Path, mutant: str | None) -> str:
    """A lead is frozen when it is about to create a manifest. Another goes on from the one before, and
    finds the number taken: the first has woken, created it, and is gone. Then the second goes, too."""
    with ClusterCampaign(kafka, work, SEED, mutant=mutant, rate=800) as campaign:
        cluster = campaign.cluster
        first, second = cluster.workers["w0"], cluster.workers["w1"]
        first.start("state.manifest.before_sync=stop@9,state.manifest.after_link=kill@9")
        second.start("state.manifest.before_sync=delay:3000@1,state.manifest.after_link=kill@3")
        campaign.start()
        first.wait_stopped()
        struck = len(cluster.hits())
        cluster.wait_until(lambda: len(cluster.hits()) > struck, 30, "another attempt claims its number")
        first.thaw()
        for worker in (first, second):
            wait_until(lambda worker=worker: not worker.running, 30, f"{worker.name} is gone")
            cluster.wait_workers({worker.name: "lost"})
            worker.start()
        after = wait_until(lambda: (now := cluster.look_at_job()) and now["state"] in {*AT_REST, "running"} and now,
                           60, "the job runs again, or says why not")
        if after["state"] != "running":
            return f"the job {after['state']}: {after['failure']['code']} {after['failure']['message']}"
        verdict = campaign.finish(patience_s=2)
        return "" if verdict.clean else verdict.line()


def only_present_lanes(kafka, etcd: Etcd, work: pathlib.Path, mutant: str | None) -> str:
    """A worker is killed when results of its own are in a manifest and not yet published, and stays
    away: the job goes on with fewer lanes."""
    with ClusterCampaign(kafka, work, SEED, mutant=mutant, rate=800) as campaign:
        gone = campaign.cluster.workers["w2"]
        gone.start("kafka.publish.received=kill@6")
        campaign.start()
        wait_until(lambda: not gone.running, 30, "the worker publishes")
        campaign.cluster.wait_workers({gone.name: "lost"})
        assert campaign.cluster.wait_job("running")["attempt"]["workers"] == ["w0", "w1"]
        verdict = campaign.finish(patience_s=2)
        return "" if verdict.clean else verdict.line()


def etcd_leader_not_asked(kafka, etcd: Etcd, work: pathlib.Path, mutant: str | None) -> str:
    """The leader is frozen when it is about to write what it was asked, until another has led."""
    work.mkdir()
    job = work / "days.yaml"
    job.write_text(DAYS)
    cluster = Managers(etcd, work, job, {"JOB": "days", "OUT": str(work / "out")}, workers=0,
                       worker_timeout_s=600, mutant=mutant)
    first, second = cluster.managers.values()
    try:
        second.start()
        cluster.wait_leader()
        cluster.ask(*cluster.submit_words())
        first.start("manager.etcd.write=stop@1").wait_log(STANDS_BY)
        second.kill()
        assert cluster.wait_leader() is first
        threading.Thread(target=cluster.command, args=("cancel", "days"), daemon=True).start()
        first.wait_stopped()
        second.start()
        assert cluster.wait_leader() is second
        first.thaw()
        first.wait_until(lambda: first.log().count(STANDS_BY) == 2, 30, "the woken one stands by")
        second.kill()
        assert cluster.wait_leader() is first
        state = cluster.status()["state"]
        return "" if state == "waiting" else f"what a deposed manager was asked is done: the job is {state}"
    finally:
        cluster.kill()


def lower_term_accepted(kafka, etcd: Etcd, work: pathlib.Path, mutant: str | None) -> str:
    """A worker that has followed a manager of term 2 meets one of term 1."""
    with Cluster(work, work / "none.yaml", {"JOB": "none"}, workers=1, mutant=mutant) as cluster:
        cluster.manager.kill()
        cluster.up()
        cluster.manager.kill()
        shutil.rmtree(cluster.manager.state)
        cluster.manager.start()

        def followed() -> bool:
            return cluster.list_workers().get("w0", {}).get("state") == "here"

        wait_until(lambda: followed() or not cluster.manager.running, 20, "the worker has met it")
        return "a worker follows a manager of a lower term" if cluster.manager.running else ""


def exchange_old_attempt_accepted(kafka, etcd: Etcd, work: pathlib.Path, mutant: str | None) -> str:
    """By the exchange's own test: where weir runs, a channel that is taken by the wrong sender ends the
    attempt before a checkpoint has anything of it."""
    name = "an attempt that is over is refused at once*"
    done = subprocess.run([binary().with_name("daemon_test"), name, "-r", "compact"],
                          env={**os.environ, "WEIR_MUTANT": mutant or ""}, text=True,
                          capture_output=True, timeout=120)
    if done.returncode == 0:
        return ""
    place = next(line for line in done.stdout.splitlines() if "failed:" in line)
    return place.partition("failed: ")[2]


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (manifest_taken_accepted, only_present_lanes, etcd_leader_not_asked, lower_term_accepted,
                     exchange_old_attempt_accepted)
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_mutant(name: str, kafka, etcd: Etcd, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    TABLE[name] = SCENARIOS[name](kafka, etcd, tmp_path / "broken", name)
    assert TABLE[name], f"the mutant {name} survived"


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_without_mutant(name: str, kafka, etcd: Etcd, weir_binary: pathlib.Path,
                                 tmp_path: pathlib.Path) -> None:
    assert SCENARIOS[name](kafka, etcd, tmp_path / "sound", None) == ""


def test_the_table_of_mutants(tell) -> None:
    """The last of this file: what caught each."""
    tell("\n".join(f"mutant {name:30} {line}" for name, line in TABLE.items()))
    assert {name for name, line in TABLE.items() if line} == set(failpoints.CLUSTER_MUTANTS), \
        "a mutant was not run, or survived"
