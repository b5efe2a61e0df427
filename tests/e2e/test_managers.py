"""Two managers on one etcd, of which one leads: what becomes of a job when that one is lost."""

import os
import pathlib
import signal
import urllib.error
import urllib.request

import pytest

from e2e.cluster import ClusterCampaign, Managers, attempt_of
from e2e.tls import Authority
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
        assert first.stop().code == 0
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


DAYS = """job: days
parallelism: 2
checkpoint: { interval: 200ms }
sources:
  clicks:
    generator: { kind: clickstream, rate: 500/s }
    event_time: { column: eventtimestamp }
sinks:
  nowhere: { from: clicks, blackhole: {} }
"""


def days(tmp_path: pathlib.Path, etcd: Etcd) -> Managers:
    """With a lease that a busy machine finds time for, however many members agree about it."""
    (tmp_path / "days.yaml").write_text(DAYS)
    return Managers(etcd, tmp_path / "cluster", tmp_path / "days.yaml", {"JOB": "days"}, workers=1,
                    lease_s=6)


def changes_leaders(cluster: Managers) -> None:
    """The job goes on under another, and what it is asked is kept."""
    status = cluster.wait_job("running")
    first = cluster.wait_leader()
    first.kill()
    assert cluster.wait_leader() is not first
    cluster.wait_workers(dict.fromkeys(cluster.workers, "here"))
    assert attempt_of(cluster.wait_job("running")) == attempt_of(status)
    cluster.ask("stop", "days")
    cluster.wait_job("stopped")
    cluster.ask("restart", "days")
    cluster.wait_job("running")
    first.start()


def test_an_etcd_that_wants_a_password(debian_program, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its tokens are good for a second, and end whenever rights are changed."""
    debian_program("etcd-server")
    with Etcd(tmp_path / "etcd", flags=["--auth-token-ttl", "1"]) as etcd:
        etcd.demand_password("/weir/")
        with days(tmp_path, etcd) as cluster:
            cluster.start()
            changes_leaders(cluster)
            leader = cluster.wait_leader()
            etcd.ask("/v3/auth/role/add", {"name": "another"}, etcd.root_token())
            # The token that it has is over a second after its last use, which is far from the next.
            for _ in range(3):
                before = cluster.newest_number()
                cluster.ask("savepoint", "days")
                cluster.wait_until(lambda: cluster.newest_number() > before, 30, "a checkpoint")
            assert cluster.wait_leader() is leader
            assert etcd.get("/weir/term") is not None
            assert "sesame" not in cluster.whole_log()
        # With the wrong one nobody leads, and it is told why.
        (tmp_path / "wrong").write_text("open")
        settings = tmp_path / "wrong.yaml"
        settings.write_text(f"store: etcd\netcd: {{ endpoints: [{etcd.endpoint}], user: weir, "
                            f"password: {{ file: {tmp_path / 'wrong'} }} }}\n")
        stranger = cluster.make_manager("stranger", "127.0.0.1:0", "127.0.0.1:0", "--config", str(settings)).start()
        told = stranger.wait_log("can't be asked who leads")
        assert "WEIR-A004" in told and "invalid user ID or password" in told, told


def test_an_etcd_that_wants_certificates(debian_program, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    debian_program("etcd-server")
    files = Authority(tmp_path / "authority").sign("etcd", "DNS:localhost,IP:127.0.0.1")
    with Etcd(tmp_path / "etcd", tls=files) as etcd:
        with days(tmp_path, etcd) as cluster:
            cluster.start()
            changes_leaders(cluster)
            assert int(etcd.get("/weir/term") or 0) >= 2
        # Who shows none is not let in.
        settings = tmp_path / "none.yaml"
        settings.write_text(f"store: etcd\netcd: {{ endpoints: [{etcd.endpoint}], ca: {files.ca} }}\n")
        stranger = cluster.make_manager("stranger", "127.0.0.1:0", "127.0.0.1:0", "--config", str(settings)).start()
        told = stranger.wait_log("can't be asked who leads")
        assert "alert" in told and "certificate" in told, told


def test_an_etcd_of_three_members(debian_program, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Each of them is killed once while the job runs; without two of three nobody leads."""
    debian_program("etcd-server")
    with Etcd(tmp_path / "etcd", members=3) as etcd:
        etcd.demand_password("/weir/")
        with days(tmp_path, etcd) as cluster:
            cluster.start()
            status = cluster.wait_job("running")
            for member in range(3):
                etcd.kill(member)
                before = cluster.newest_number()
                cluster.wait_until(lambda: cluster.find_leader() and cluster.newest_number() > before + 3, 60,
                                   f"it goes on without member {member}")
                # A change is kept by the two that are left.
                cluster.ask("drain", "w0", "--undo")
                etcd.start()
            changed = cluster.wait_job("running")
            assert (attempt_of(changed), changed["restarts"]) == (attempt_of(status), 0), changed["history"]
            etcd.kill(0)
            changes_leaders(cluster)
            etcd.kill(1)
            cluster.wait_until(lambda: not cluster.leads(cluster.http), 60, "nobody leads with one of three")
            etcd.start()
            cluster.wait_leader()
            cluster.wait_job("running")
