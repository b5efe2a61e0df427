"""Two managers on one etcd, of which one leads: what becomes of a job when that one is lost."""

import contextlib
import os
import pathlib
import signal
import urllib.error
import urllib.request

import pytest

from e2e.campaign import JOB
from e2e.cluster import Cluster, ClusterCampaign, Daemon, attempt_of
from e2e.weir import call
from parts import process
from parts.etcd import Etcd

SEED = int(os.environ.get("WEIR_SEED", "20250601"))
LEASE_S = 2


@pytest.fixture(scope="module", autouse=True)
def installed(debian_program) -> None:
    debian_program("etcd-server")


@pytest.fixture
def etcd(tmp_path: pathlib.Path):
    with Etcd(tmp_path / "etcd") as server:
        yield server


class Managers(Cluster):
    """A cluster with two managers; commands go to the one that leads."""

    def __init__(self, etcd: Etcd, work: pathlib.Path, variables: dict, workers: int = 3):
        super().__init__(work, JOB, variables, workers=workers)
        settings = work / "managers.yaml"
        work.mkdir(parents=True, exist_ok=True)
        settings.write_text(f'store: etcd\netcd: {{ endpoints: ["{etcd.endpoint}"], lease: {LEASE_S}s }}\n')
        self.managers = {}
        addresses = []
        for name in ("manager-a", "manager-b"):
            listen, http = (f"127.0.0.1:{process.free_port()}" for _ in range(2))
            addresses.append(listen)
            self.managers[http] = Daemon(work, name, [
                "manager", "--config", str(settings), "--listen", listen, "--http", http, "--worker-timeout", "2s"])
        self.workers = {worker: self.make_worker(worker, manager=f"[{', '.join(addresses)}]")
                        for worker in self.workers}

    def daemons(self) -> list[Daemon]:
        return [*self.managers.values(), *self.workers.values()]

    def leads(self, http: str) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{http}/readyz", timeout=2):
            return True
        return False

    def wait_leader(self, timeout_s: float = 30) -> Daemon:
        """The one that leads, to which commands go from now on."""
        def leading() -> str | None:
            return next((http for http, one in self.managers.items() if one.running and self.leads(http)), None)

        self.http = self.wait_until(leading, timeout_s, "a manager leads")
        self.manager = self.managers[self.http]
        return self.manager

    def up(self) -> "Managers":
        for daemon in self.daemons():
            if not daemon.running:
                daemon.start()
        self.wait_leader()
        self.wait_workers(dict.fromkeys(self.workers, "here"))
        return self


class ManagersCampaign(ClusterCampaign):
    def __init__(self, etcd: Etcd, *arguments, **options):
        self.etcd = etcd
        super().__init__(*arguments, **options)

    def make_weir(self, state_name: str) -> Managers:
        return Managers(self.etcd, self.work / state_name, self.variables())


def test_a_job_goes_on_whoever_leads(kafka, etcd: Etcd, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with ManagersCampaign(etcd, kafka, tmp_path, SEED, rate=600) as campaign:
        cluster = campaign.weir
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
