"""Faults by chance in a cluster whose job runs: processes killed, processes frozen until others have
taken their work over, ways between them cut, rescales in between; with several managers the one that
leads is killed and frozen, and their etcd goes away."""

import functools
from collections.abc import Callable

from e2e.cluster import WORKER_TIMEOUT_S, ClusterCampaign, Daemon, Managers, attempt_of
from parts.process import wait_until
from parts.proxy import DOWN, UP

MOST_DOWN = 1  # Workers at a time; the job has room on any other.
RECOVERS_S = 60  # For a busy machine.
STANDS_BY = "this manager leads no more"
SESSION = "session with the manager term="


class Faults:
    """Strikes one cluster, and counts what was really struck. A kind is a method; it is named in
    `KINDS` with what counts as a hit of it."""

    def __init__(self, campaign: ClusterCampaign):
        self.campaign = campaign
        self.cluster = campaign.cluster
        self.chance = campaign.chance
        self.hits = campaign.tally.faults
        self.rounds_until_up: dict[str, int] = {}

    def kinds(self) -> list[Callable[[], None]]:
        """Those that can strike this cluster; what they are to hit is wanted of the tally."""
        kinds = dict(KINDS)
        if self.cluster.proxied:
            kinds.update(KINDS_OF_CUTS)
        if isinstance(self.cluster, Managers):
            kinds.update(KINDS_OF_MANAGERS)
        self.campaign.tally.wanted = [hit for hits in kinds.values() for hit in hits]
        return [functools.partial(strike, self) for strike in kinds]

    def running(self) -> dict:
        return self.cluster.wait_job("running", RECOVERS_S)

    def worker(self, status: dict, lead: bool) -> Daemon:
        """One that hosts tasks of the attempt."""
        attempt = status["attempt"]
        others = [name for name in attempt["workers"] if name != attempt["lead"]]
        name = attempt["lead"] if lead or not others else self.chance.choice(others)
        return self.cluster.workers[name]

    def any_worker(self, status: dict) -> Daemon:
        return self.worker(status, lead=self.chance.random() < 0.5)

    def spread(self) -> dict:
        """The job, with tasks on more than one worker."""
        status = self.running()
        while len(status["attempt"]["workers"]) == 1:
            self.wait_all_here()  # A rescale spreads tasks over those who are.
            self.rescale()
            status = self.running()
        return status

    def wait_all_here(self) -> None:
        """Who runs has found the manager that leads."""
        self.cluster.wait_workers(
            {name: "here" for name, worker in self.cluster.workers.items() if worker.running})

    # --- processes ------------------------------------------------------------------------------

    def kill_worker(self, lead: bool) -> None:
        status = self.running()
        worker = self.worker(status, lead)
        worker.kill()
        self.campaign.tally.kills += 1
        self.rounds_until_up[worker.name] = self.chance.randrange(3)
        self.cluster.wait_job("running", RECOVERS_S, not_attempt=attempt_of(status))
        self.hits["worker killed while it hosted tasks"] += 1
        if worker.name == status["attempt"]["lead"]:
            self.hits["lead killed"] += 1

    def kill_lead(self) -> None:
        self.kill_worker(lead=True)

    def kill_other(self) -> None:
        self.spread()
        self.kill_worker(lead=False)

    def kill_manager(self) -> None:
        """It comes back at once, or after others have done something."""
        status = self.running()
        killed = self.cluster.manager
        killed.kill()
        self.campaign.tally.kills += 1
        self.hits["manager killed while the job ran"] += 1
        if self.chance.random() < 0.3:
            self.worker(status, lead=self.chance.random() < 0.5).kill()  # Nobody notices for now.
        elif self.chance.random() < 0.5:
            self.cluster.wait_checkpoints(self.chance.randrange(1, 8))
        if isinstance(self.cluster, Managers) and self.cluster.wait_leader() is not killed:
            self.hits["another manager led after the kill"] += 1
        self.cluster.up()

    def zombie(self) -> None:
        """A worker is frozen until its tasks run elsewhere, and wakes."""
        status = self.running()
        worker = self.any_worker(status)
        worker.freeze()
        try:
            self.wait_lost(worker)
            after = self.cluster.wait_job("running", RECOVERS_S, not_attempt=attempt_of(status))
            self.cluster.wait_checkpoints(self.chance.randrange(3))
        finally:
            worker.thaw()
        if attempt_of(after) != attempt_of(status):
            self.hits["zombie woke while another attempt ran"] += 1
        self.cluster.wait_workers({worker.name: "here"})

    def wait_lost(self, worker: Daemon) -> None:
        self.cluster.wait_until(
            lambda: self.cluster.list_workers().get(worker.name, {}).get("state") == "lost",
            WORKER_TIMEOUT_S + RECOVERS_S, f"{worker.name} is lost")

    def rescale(self) -> None:
        status = self.running()
        self.wait_all_here()
        room = sum(worker["slots"] for worker in self.cluster.list_workers().values()
                   if worker["state"] == "here")
        wanted = self.chance.choice(
            [count for count in range(2, min(room, 5) + 1) if count != status["parallelism"]])
        self.cluster.ask("rescale", self.campaign.name, str(wanted))
        self.cluster.wait_job("running", RECOVERS_S, parallelism=wanted,
                              not_attempt=attempt_of(status))
        self.hits["rescale done"] += 1

    # --- ways between worker and managers -------------------------------------------------------

    def cut_from_managers(self, hit: str, *directions: str) -> None:
        """Until it is lost and its tasks run elsewhere; should it lead, it goes on meanwhile."""
        status = self.running()
        worker = self.any_worker(status)
        carried = self.cluster.network.connections_to_managers(worker.name)
        self.cluster.network.hold_to_managers(worker.name, *directions)
        try:
            self.wait_lost(worker)
            self.cluster.wait_job("running", RECOVERS_S, not_attempt=attempt_of(status))
            self.cluster.wait_checkpoints(self.chance.randrange(3))
        finally:
            self.cluster.network.heal()
        self.hits[hit] += min(carried, 1)
        self.cluster.wait_workers({worker.name: "here"})

    def cut_off(self) -> None:
        self.cut_from_managers("worker cut off from the manager", UP, DOWN)

    def unheard(self) -> None:
        self.cut_from_managers("worker not heard by the manager", UP)

    def deaf(self) -> None:
        self.cut_from_managers("manager not heard by a worker", DOWN)

    def session_reset(self) -> None:
        """A session breaks, and nothing else: the worker is back at once."""
        worker = self.any_worker(self.running())
        sessions = worker.log().count(SESSION)
        carried = self.cluster.network.connections_to_managers(worker.name)
        self.cluster.network.drop_to_managers(worker.name)
        self.cluster.wait_until(lambda: worker.log().count(SESSION) > sessions, RECOVERS_S,
                                f"{worker.name} has a session again")
        self.hits["session broken and made anew"] += min(carried, 1)

    # --- ways between workers -------------------------------------------------------------------

    def cut_between(self, hit: str, harm: Callable[[str, str], None]) -> None:
        """Until the attempt whose rows travelled there is over, on a pair by chance."""
        status = self.spread()
        one, other = self.chance.sample(status["attempt"]["workers"], 2)
        carried = self.cluster.network.connections(one, other)
        harm(one, other)
        try:
            self.cluster.wait_until(
                lambda: (now := self.cluster.look_at_job()) and attempt_of(now) != attempt_of(status),
                RECOVERS_S, f"the attempt between {one} and {other} is over")
        finally:
            self.cluster.network.heal()
        self.cluster.wait_job("running", RECOVERS_S, not_attempt=attempt_of(status))
        self.hits[hit] += min(carried, 1)

    def exchange_silent(self) -> None:
        def harm(one: str, other: str) -> None:
            self.cluster.network.hold(one, other)
            self.cluster.network.hold(other, one)

        self.cut_between("exchange held both ways", harm)

    def exchange_one_way(self) -> None:
        self.cut_between("exchange held one way", self.cluster.network.hold)

    def exchange_refused(self) -> None:
        self.cut_between("exchange cut", self.cluster.network.cut)

    # --- several managers -----------------------------------------------------------------------

    def pause_leader(self) -> None:
        """Beyond its lease, until another leads; it wakes while that one does."""
        assert isinstance(self.cluster, Managers)
        self.running()
        paused = self.cluster.wait_leader()
        stood_by = paused.log().count(STANDS_BY)
        paused.freeze()
        try:
            assert self.cluster.wait_leader() is not paused
            self.running()
            self.cluster.wait_checkpoints(self.chance.randrange(3))
        finally:
            paused.thaw()
        self.cluster.wait_until(lambda: paused.log().count(STANDS_BY) > stood_by, RECOVERS_S,
                                f"{paused.name} stands by")
        self.wait_all_here()
        self.hits["leader woke while another led"] += 1

    def lose_etcd(self) -> None:
        """For longer than the lease; the job goes on by itself."""
        assert isinstance(self.cluster, Managers)
        self.running()
        self.cluster.etcd.stop()
        try:
            self.cluster.wait_until(lambda: self.cluster.find_leader() is None, RECOVERS_S,
                                    "nobody leads without etcd")
            self.cluster.wait_checkpoints(self.chance.randrange(2, 8))
        finally:
            self.cluster.etcd.start()
        self.cluster.wait_leader()
        self.wait_all_here()
        self.hits["checkpoints taken while etcd was away"] += 1

    def revive(self) -> None:
        """Who was killed comes back some faults later."""
        for name in list(self.rounds_until_up):
            self.rounds_until_up[name] -= 1
            if self.rounds_until_up[name] < 0 or len(self.rounds_until_up) > MOST_DOWN:
                del self.rounds_until_up[name]
                if not self.cluster.workers[name].running:
                    self.cluster.workers[name].start()
                self.cluster.wait_workers({name: "here"})


Kinds = dict[Callable[[Faults], None], tuple[str, ...]]

# What each strikes; a campaign in which one of these was never hit proves nothing.
KINDS: Kinds = {
    Faults.kill_lead: ("lead killed",),
    Faults.kill_other: ("worker killed while it hosted tasks",),
    Faults.kill_manager: ("manager killed while the job ran",),
    Faults.zombie: ("zombie woke while another attempt ran",),
    Faults.rescale: ("rescale done",),
}
KINDS_OF_CUTS: Kinds = {
    Faults.cut_off: ("worker cut off from the manager",),
    Faults.unheard: ("worker not heard by the manager",),
    Faults.deaf: ("manager not heard by a worker",),
    Faults.session_reset: ("session broken and made anew",),
    Faults.exchange_silent: ("exchange held both ways",),
    Faults.exchange_one_way: ("exchange held one way",),
    Faults.exchange_refused: ("exchange cut",),
}
KINDS_OF_MANAGERS: Kinds = {
    Faults.kill_manager: ("manager killed while the job ran", "another manager led after the kill"),
    Faults.pause_leader: ("leader woke while another led",),
    Faults.lose_etcd: ("checkpoints taken while etcd was away",),
}


def random_faults(campaign: ClusterCampaign, count: int) -> None:
    """Each kind by turns, in an order by chance."""
    faults = Faults(campaign)
    kinds: list[Callable[[], None]] = []
    for _ in range(count):
        if not kinds:
            kinds = faults.kinds()
            campaign.chance.shuffle(kinds)
        if campaign.chance.random() < 0.5:
            campaign.cluster.wait_checkpoints(campaign.chance.randrange(1, 4))
        kinds.pop()()
        faults.revive()
    wait_until(lambda: campaign.cluster.running, 10, "the job is under way")
