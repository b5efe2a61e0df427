"""Faults by chance in a cluster whose job runs: processes killed, processes frozen until others have taken
their work over, rescales in between."""

from collections.abc import Callable

from e2e.cluster import WORKER_TIMEOUT_S, ClusterCampaign, Daemon, attempt_of
from parts.process import wait_until

MOST_DOWN = 1  # Workers at a time; the job has room on any other.
RECOVERS_S = 60  # For a busy machine.


class Faults:
    """Strikes one cluster, and counts what was really struck."""

    def __init__(self, campaign: ClusterCampaign):
        self.campaign = campaign
        self.cluster = campaign.cluster
        self.chance = campaign.chance
        self.hits = campaign.tally.faults
        self.rounds_until_up: dict[str, int] = {}

    def running(self) -> dict:
        return self.cluster.wait_job("running", RECOVERS_S)

    def worker(self, status: dict, lead: bool) -> Daemon:
        """One that hosts tasks of the attempt."""
        attempt = status["attempt"]
        others = [name for name in attempt["workers"] if name != attempt["lead"]]
        name = attempt["lead"] if lead or not others else self.chance.choice(others)
        return self.cluster.workers[name]

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
        if len(self.running()["attempt"]["workers"]) == 1:
            self.rescale()  # Which spreads the tasks.
        self.kill_worker(lead=False)

    def kill_manager(self) -> None:
        """It comes back at once, or after others have done something."""
        status = self.running()
        self.cluster.manager.kill()
        self.campaign.tally.kills += 1
        self.hits["manager killed while the job ran"] += 1
        if self.chance.random() < 0.3:
            self.worker(status, lead=self.chance.random() < 0.5).kill()  # Nobody notices for now.
        elif self.chance.random() < 0.5:
            self.cluster.wait_checkpoints(self.chance.randrange(1, 8))
        self.cluster.up()

    def zombie(self) -> None:
        """A worker is frozen until its tasks run elsewhere, and wakes."""
        status = self.running()
        worker = self.worker(status, lead=self.chance.random() < 0.5)
        worker.freeze()
        try:
            self.cluster.wait_until(
                lambda: self.cluster.list_workers().get(worker.name, {}).get("state") == "lost",
                WORKER_TIMEOUT_S + RECOVERS_S, f"{worker.name} is lost")
            after = self.cluster.wait_job("running", RECOVERS_S, not_attempt=attempt_of(status))
            self.cluster.wait_checkpoints(self.chance.randrange(3))
        finally:
            worker.thaw()
        if attempt_of(after) != attempt_of(status):
            self.hits["zombie woke while another attempt ran"] += 1
        self.cluster.wait_workers({worker.name: "here"})

    def rescale(self) -> None:
        status = self.running()
        room = sum(worker["slots"] for worker in self.cluster.list_workers().values()
                   if worker["state"] == "here")
        wanted = self.chance.choice(
            [count for count in range(2, min(room, 5) + 1) if count != status["parallelism"]])
        self.cluster.ask("rescale", self.campaign.name, str(wanted))
        self.cluster.wait_job("running", RECOVERS_S, parallelism=wanted,
                              not_attempt=attempt_of(status))
        self.hits["rescale done"] += 1

    def revive(self) -> None:
        """Who was killed comes back some faults later."""
        for name in list(self.rounds_until_up):
            self.rounds_until_up[name] -= 1
            if self.rounds_until_up[name] < 0 or len(self.rounds_until_up) > MOST_DOWN:
                del self.rounds_until_up[name]
                if not self.cluster.workers[name].running:
                    self.cluster.workers[name].start()
                self.cluster.wait_workers({name: "here"})


def random_faults(campaign: ClusterCampaign, count: int) -> None:
    """Each kind by turns, in an order by chance."""
    faults = Faults(campaign)
    kinds: list[Callable[[], None]] = []
    for _ in range(count):
        if not kinds:
            kinds = [faults.kill_lead, faults.kill_other, faults.kill_manager, faults.zombie,
                     faults.rescale]
            campaign.chance.shuffle(kinds)
        if campaign.chance.random() < 0.5:
            campaign.cluster.wait_checkpoints(campaign.chance.randrange(1, 4))
        kinds.pop()()
        faults.revive()
    wait_until(lambda: campaign.cluster.running, 10, "the job is under way")
