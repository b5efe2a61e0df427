"""A manager and workers as processes, and the campaign's job on them."""

import contextlib
import http.client
import json
import pathlib
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from e2e import manifest
from e2e.campaign import JOB, PATIENCE_S, Campaign, Tally
from e2e.network import Network
from e2e.weir import Finished, Process, Watched, binary, call
from parts.etcd import Etcd
from parts.process import free_port

WORKER_TIMEOUT_S = 2
LEASE_S = 2  # Of the manager that leads.
AT_REST = {"stopped", "cancelled", "ended", "failed", "needs decision"}


class Daemon(Process):
    """`weir manager` or `weir worker`: the same flags and the same state directory each time."""

    def __init__(self, work: pathlib.Path, name: str, words: Sequence[str],
                 state: pathlib.Path | None = None, mutant: str | None = None):
        super().__init__(work, name)
        self.name = name
        self.state = state or work / name
        self.words = words
        self.mutant = mutant

    def start(self, failpoints: str = "") -> "Daemon":
        self.launch([str(binary()), *self.words, "--state-dir", str(self.state)], failpoints, self.mutant)
        return self


class Cluster(Watched):
    """One manager, workers w0, w1, …, the directory that they share, and a job to submit.

    It `runs` while the job is not at rest. `log` is what all of them said. With `proxied` all that they
    say to each other goes through `network`.
    """

    network: Network

    def __init__(self, work: pathlib.Path, job: pathlib.Path, variables: Mapping[str, str],
                 workers: int = 3, slots: int = 2, worker_timeout_s: int = WORKER_TIMEOUT_S,
                 proxied: bool = False, mutant: str | None = None):
        self.work = work
        self.job = job
        self.variables = variables
        self.name = variables["JOB"]
        self.sets: Mapping[str, str] = {}
        self.state = work / "store"
        self.worker_timeout_s = worker_timeout_s
        self.proxied = proxied
        self.network = Network(self._pids_of_workers)
        self.mutant = mutant
        self.workers: dict[str, Daemon] = {}
        self.addresses = self.make_managers()
        self.workers = {f"w{i}": self.make_worker(f"w{i}", slots) for i in range(workers)}

    def make_managers(self) -> list[str]:
        """Where they will listen for workers."""
        self.address = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        self.manager = self.make_manager("manager", self.address, self.http)
        return [self.address]

    def make_manager(self, name: str, listen: str, http_address: str, *flags: str) -> Daemon:
        words = ["manager", "--listen", listen, "--http", http_address,
                 "--worker-timeout", f"{self.worker_timeout_s}s", *flags]
        return Daemon(self.work, name, words, mutant=self.mutant)

    def make_worker(self, worker_id: str, slots: int = 2, manager: str | None = None) -> Daemon:
        managers = [manager] if manager else self.addresses
        words = ["worker", "--worker-id", worker_id, "--slots", str(slots),
                 "--checkpoint-store", str(self.state)]
        if self.proxied:
            managers = [self.network.way_to_manager(worker_id, address) for address in managers]
            listen, advertise = self.network.door(worker_id)
            words += ["--listen", listen, "--advertise", advertise]
        said = managers[0] if len(managers) == 1 else f"[{', '.join(managers)}]"
        return Daemon(self.work, worker_id, [*words, "--manager", said], mutant=self.mutant)

    def _pids_of_workers(self) -> dict[int, str]:
        return {worker.pid: name for name, worker in self.workers.items() if worker.running}

    def __enter__(self) -> "Cluster":
        return self.up()

    def __exit__(self, *_) -> None:
        self.kill()

    # --- processes ------------------------------------------------------------------------------

    def daemons(self) -> list[Daemon]:
        return [self.manager, *self.workers.values()]

    def up(self) -> "Cluster":
        """Starts whoever does not run, until the manager has all workers."""
        for daemon in self.daemons():
            if not daemon.running:
                daemon.start()
        self.wait_workers(dict.fromkeys(self.workers, "here"))
        return self

    def kill(self) -> None:
        for daemon in self.daemons():
            daemon.kill()
        self.network.stop()

    def log(self) -> str:
        return "".join(f"--- {daemon.name}\n{daemon.log()[-3000:]}" for daemon in self.daemons())

    def whole_log(self) -> str:
        return "".join(f"--- {daemon.name}\n{daemon.whole_log()[-6000:]}" for daemon in self.daemons())

    def hits(self) -> list[str]:
        return self.manager.hits()

    # --- commands -------------------------------------------------------------------------------

    def command(self, *words: str | pathlib.Path, timeout_s: float = 90) -> Finished:
        return call(*words, "--manager", self.http, "--output", "json", timeout_s=timeout_s)

    def ask(self, *words: str | pathlib.Path) -> dict:
        """What a command answers that must be carried out."""
        finished = self.command(*words)
        assert finished.code == 0, f"{' '.join(map(str, words))}: {finished.show()}\n{self.log()}"
        return json.loads(finished.out)

    def look(self, path: str) -> dict | None:
        """What the commands that ask show, for those who ask all the time; nothing where there is no
        such thing or no manager."""
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException), \
                urllib.request.urlopen(f"http://{self.http}/api/v1/{path}", timeout=5) as page:
            return json.load(page)
        return None

    def look_at_job(self) -> dict | None:
        return self.look(f"jobs/{self.name}")

    def submit_words(self, job: pathlib.Path | None = None, **variables: str) -> list[str]:
        words = ["submit", str(job or self.job)]
        for name, value in {**self.variables, **variables}.items():
            words += ["--var", f"{name}={value}"]
        for name, value in self.sets.items():
            words += ["--set", f"{name}={value}"]
        return words

    def start(self, failpoints: str = "") -> None:
        """The job, on processes that all run; failpoints are for each process's own start."""
        assert not failpoints
        self.up()
        self.ask(*self.submit_words())

    def stop(self) -> Finished:
        """The job, after a last checkpoint."""
        self.ask("stop", self.name)
        with contextlib.suppress(AssertionError):
            self.wait_job("stopped", PATIENCE_S)
        state = self.status()["state"]
        return Finished(0 if state == "stopped" else 1, state, self.log())

    def status(self, job: str | None = None) -> dict:
        return self.ask("status", job or self.name)

    def list_workers(self) -> dict[str, dict]:
        answer = self.look("workers")
        return {worker["id"]: worker for worker in answer["workers"]} if answer else {}

    # --- waiting --------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Unless the manager says otherwise."""
        status = self.look_at_job()
        return status is None or status["state"] not in AT_REST

    def wait_workers(self, wanted: Mapping[str, str], timeout_s: float = 30) -> None:
        """Until the manager shows each of those in that state."""
        def shown() -> bool:
            known = self.list_workers()
            return all(known.get(name, {}).get("state") == state for name, state in wanted.items())

        self.wait_until(shown, timeout_s, f"workers are {dict(wanted)}")

    def wait_job(self, state: str, timeout_s: float = 60, parallelism: int | None = None,
                 not_attempt: str | None = None) -> dict:
        """Until it is in that state, at that parallelism and in another attempt where that is said."""
        def there() -> dict | None:
            status = self.look_at_job()
            fits = (status is not None and status["state"] == state
                    and parallelism in (None, status["parallelism"])
                    and (not_attempt is None or attempt_of(status) not in (None, not_attempt)))
            return status if fits else None

        return self.wait_until(there, timeout_s, f"job is {state} ({parallelism=}, {not_attempt=})")

    def newest_manifest(self) -> manifest.Manifest | None:
        return manifest.newest_there(self.state)

    def newest_number(self) -> int:
        newest = self.newest_manifest()
        return newest.number if newest else 0

    def wait_checkpoints(self, more: int, timeout_s: float = 60) -> None:
        """Until the store has so many more."""
        wanted = self.newest_number() + more
        self.wait_until(lambda: self.newest_number() >= wanted, timeout_s, f"{more} more checkpoints")


class Managers(Cluster):
    """A cluster with two managers on one etcd, of which one leads; commands go to that one."""

    def __init__(self, etcd: Etcd, *arguments, lease_s: int = LEASE_S, **options):
        self.etcd = etcd
        self.lease_s = lease_s
        self.managers: dict[str, Daemon] = {}  # By the address of the API.
        super().__init__(*arguments, **options)

    def make_managers(self) -> list[str]:
        settings = self.work / "managers.yaml"
        self.work.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            f"store: etcd\netcd: {{ {self.etcd.settings()}, lease: {self.lease_s}s }}\n")
        addresses = []
        for name in ("manager-a", "manager-b"):
            listen, http_address = (f"127.0.0.1:{free_port()}" for _ in range(2))
            addresses.append(listen)
            self.managers[http_address] = self.make_manager(
                name, listen, http_address, "--config", str(settings))
        self.http, self.manager = next(iter(self.managers.items()))
        return addresses

    def daemons(self) -> list[Daemon]:
        return [*self.managers.values(), *self.workers.values()]

    def leads(self, http_address: str) -> bool:
        with contextlib.suppress(OSError), \
                urllib.request.urlopen(f"http://{http_address}/readyz", timeout=1):
            return True
        return False

    def find_leader(self) -> Daemon | None:
        """The one that leads, to which commands go from now on."""
        for http_address, manager in self.managers.items():
            if manager.running and self.leads(http_address):
                self.http, self.manager = http_address, manager
                return manager
        return None

    def wait_leader(self, timeout_s: float = 30) -> Daemon:
        return self.wait_until(self.find_leader, timeout_s, "a manager leads")

    def look(self, path: str) -> dict | None:
        answer = super().look(path)
        return super().look(path) if answer is None and self.find_leader() else answer

    def up(self) -> "Managers":
        for daemon in self.daemons():
            if not daemon.running:
                daemon.start()
        self.wait_leader()
        self.wait_workers(dict.fromkeys(self.workers, "here"))
        return self


def attempt_of(status: dict) -> str | None:
    return status.get("attempt", {}).get("id")


@dataclass
class ClusterTally(Tally):
    """How often a fault struck what it was to strike."""

    wanted: Sequence[str] = ()
    faults: Counter = field(default_factory=Counter)

    def lines(self) -> str:
        faults = ", ".join(f"{name}: {self.faults[name]}" for name in self.wanted or self.faults)
        return f"{faults}; aborted rows seen by read_uncommitted: {self.aborted_rows}"

    def missing(self) -> list[str]:
        return [name for name in self.wanted if self.faults[name] == 0]


class ClusterCampaign(Campaign):
    """A campaign whose job runs on a cluster; with an etcd, on one of two managers."""

    weir: Cluster

    def __init__(self, kafka, work: pathlib.Path, seed: int, slots: int = 2, proxied: bool = False,
                 etcd: Etcd | None = None, **options):
        self.slots = slots
        self.proxied = proxied
        self.etcd = etcd
        super().__init__(kafka, work, seed, **options)
        self.tally: ClusterTally = ClusterTally()

    def make_weir(self, state_name: str) -> Cluster:
        arguments = (self.work / state_name, JOB, self.variables())
        options = {"slots": self.slots, "proxied": self.proxied, "mutant": self.mutant}
        if self.etcd is not None:
            return Managers(self.etcd, *arguments, **options)
        return Cluster(*arguments, **options)

    @property
    def cluster(self) -> Cluster:
        return self.weir
