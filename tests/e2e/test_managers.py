"""Two managers on one etcd, of which one leads: what becomes of a job when that one is lost."""

import os
import pathlib
import signal
import urllib.error
import urllib.request

import pytest

from e2e.cluster import ClusterCampaign, Managers, attempt_of
from e2e.weir import call
from parts.etcd import Etcd

SEED = int(os.environ.get("WEIR_SEED", "20250601"))


def test_a_job_goes_on_whoever_leads(kafka, etcd: Etcd, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with ClusterCampaign(kafka, tmp_path, SEED, etcd=etcd, rate=600) as campaign:
        cluster = campaign.cluster
        assert isinstance(cluster, Managers)
        campaign.start()
        running = cluster.wait_job("running", parallelism=3)
        first = cluster.manager
        assert etcd.get("/weir/term") == "1"

        def goes_on(term: int, why: str) -> None:
            """Under another leader, and undisturbed."""
            cluster.wait_workers(dict.fromkeys(cluster.workers, "here"))
            status = cluster.wait_job("running")
            assert attempt_of(status) == attempt_of(running) and status["restarts"] == 0, f"{why}: {status}"
            assert etcd.get("/weir/term") == str(term)
            cluster.wait_checkpoints(3)

        # Killed: another takes its place once the lease is over.
        first.kill()
        second = cluster.wait_leader()
        assert second is not first
        goes_on(2, "the leader was killed")
        first.start()
        # Stopped for longer than its lease: it wakes to find that it leads no more, and stands by.
        second.signal(signal.SIGSTOP)
        second.wait_stopped()
        assert cluster.wait_leader() is first
        goes_on(3, "the leader was paused")
        second.signal(signal.SIGCONT)
        cluster.wait_until(lambda: "this manager leads no more" in second.log(), 30, "the woken one stands by")
        goes_on(3, "the paused one woke")
        # Commands to the one that stands by are refused at once.
        standby = next(http for http, one in cluster.managers.items() if one is second)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{standby}/api/v1/jobs", timeout=5)
        assert refused.value.code == 503 and "WEIR-M042" in refused.value.read().decode()
        # Ended cleanly: the lease is given back, and nobody waits for its end.
        first.signal(signal.SIGTERM)
        assert cluster.wait_leader() is second
        goes_on(4, "the leader was stopped")
        # Away for longer than the lease: nobody leads, and the job goes on by itself.
        before = cluster.newest_number()
        etcd.stop()
        cluster.wait_until(lambda: not cluster.leads(cluster.http), 30, "nobody leads without etcd")
        cluster.wait_until(lambda: cluster.newest_number() > before + 5, 60, "checkpoints go on without a manager")
        etcd.start()
        assert cluster.wait_leader() is second
        goes_on(5, "etcd was away")
        # Commands that know of both ask the one that leads, in whatever order they are told.
        for known in (list(cluster.managers), list(reversed(cluster.managers))):
            assert call("list", "--manager", ",".join(known)).out.count(campaign.name) == 1
        cluster.ask("rescale", campaign.name, "2")
        cluster.wait_job("running", parallelism=2)
        campaign.finish_clean()
        # What is removed is forgotten by whoever leads next, too.
        for manager in cluster.managers.values():
            manager.start()
        cluster.wait_leader()
        cluster.ask("remove", campaign.name)
        cluster.manager.kill()
        cluster.wait_leader()
        assert cluster.ask("list")["jobs"] == []
        assert etcd.get(f"/weir/job/{campaign.name}") is None
        tell("two managers, " + campaign.told())
