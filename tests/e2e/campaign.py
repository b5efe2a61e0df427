"""One job over many lives: fed all the time, killed again and again, and judged in the end."""

import contextlib
import pathlib
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from e2e import checker
from e2e.failpoints import IN_TRANSACTION
from e2e.inputs import Feed
from e2e.readers import LiveReader, Seen, seen
from e2e.weir import Finished, Weir
from golden import harness
from parts.process import wait_until

JOB = pathlib.Path(__file__).parent / "jobs" / "campaign.yaml"
OUTPUTS = ("passed", "windows", "sessions")
PATIENCE_S = 120  # For a busy machine; nobody waits so long for a job that works.
RECOVERED = re.compile(r"lane recovered .*?sink=(\S+).*?marker=(\d+)")


@dataclass
class Tally:
    """What the faults really hit; a campaign that hit nothing proves nothing."""

    kills: int = 0
    hits: Counter = field(default_factory=Counter)
    in_transaction: int = 0
    aborted_rows: int = 0
    marker_behind: int = 0
    marker_ahead: int = 0

    def lines(self) -> str:
        hits = " ".join(f"{name}={count}" for name, count in sorted(self.hits.items()))
        return (f"kills={self.kills} inside a transaction={self.in_transaction}"
                f" aborted rows seen by read_uncommitted={self.aborted_rows}"
                f" restarts with the marker ahead={self.marker_ahead} behind={self.marker_behind}"
                f"\n  failpoints: {hits or 'none'}")

    def missing(self) -> list[str]:
        return [what for what in ("kills", "in_transaction", "aborted_rows", "marker_behind",
                                  "marker_ahead") if getattr(self, what) == 0]


class Campaign:
    """Topics, feed, readers and the job of one campaign on `kafka` (a parts.kafka.Cluster)."""

    def __init__(self, kafka, work: pathlib.Path, seed: int, mutant: str | None = None,
                 partitions: int = 3, rate: int = 1500, feed: Feed | None = None,
                 flags: Sequence[str] = (), checkpoints: pathlib.Path | None = None,
                 sets: Mapping[str, str] | None = None):
        self.kafka = kafka
        self.sets = sets or {}
        self.work = work
        self.seed = seed
        self.mutant = mutant
        self.flags = flags
        self.chance = random.Random(seed)
        self.name = feed.topic if feed else f"e2e-{uuid.uuid4().hex[:8]}"
        self.topics = {f"{self.name}.{output}": 3 for output in OUTPUTS}
        if feed is None:
            kafka.create_topic(self.name, partitions=partitions)
        for topic, count in self.topics.items():
            kafka.create_topic(topic, partitions=count)
        self.feed = feed or Feed(kafka.bootstrap, self.name, partitions, seed, rate)
        self.live = LiveReader(kafka.bootstrap, self.topics)
        self.weir = self.make_weir("state")
        self.weir.checkpoints = checkpoints or self.weir.state
        self.tally = Tally()
        self.verdict = checker.Verdict()
        self._hits_before = 0

    def variables(self) -> dict[str, str]:
        return {"JOB": self.name, "BOOTSTRAP": self.kafka.bootstrap, "TOPIC": self.feed.topic,
                "TABLE": str(self.work / "table")}

    def make_weir(self, state_name: str) -> Weir:
        """What runs the job."""
        return Weir(JOB, self.work, state_name=state_name, mutant=self.mutant,
                    flags=self.flags, variables=self.variables(), sets=self.sets)

    def __enter__(self) -> "Campaign":
        self.feed.start()
        return self

    def __exit__(self, *_) -> None:
        self.weir.kill()
        self.feed.abandon()
        self.live.close()

    # --- lives ----------------------------------------------------------------------------------

    def start(self, failpoints: str = "", **options) -> None:
        waiting = self._waiting()
        self.weir.start(failpoints, **options)
        self._waiting_before = waiting

    def _waiting(self) -> dict[str, int]:
        """Of each sink the newest sealed epoch with rows that the newest manifest holds."""
        newest = self.weir.newest_manifest()
        unpublished = newest.unpublished if newest else {}
        return {sink: max(epochs) for sink, epochs in unpublished.items() if any(epochs.values())}

    def ended(self, finished: Finished, wanted: tuple[int, ...] = (-9,)) -> bool:
        """Counts a life's end; one that is not `wanted` goes into the verdict."""
        new = self.weir.hits()[self._hits_before :]
        self._hits_before += len(new)
        self.tally.hits.update(new)
        if finished.killed:
            self.tally.kills += 1
            if new and new[-1] in IN_TRANSACTION:
                self.tally.in_transaction += 1
        for sink, marker in RECOVERED.findall(finished.log):
            if sink in self._waiting_before and sink.endswith("_topic"):
                if int(marker) < self._waiting_before[sink]:
                    self.tally.marker_behind += 1
                else:
                    self.tally.marker_ahead += 1
        if finished.code not in wanted:
            codes = " ".join(dict.fromkeys(finished.codes()))
            self.verdict.stopped.append(f"exit {finished.code} {codes}".strip())
            return False
        return True

    def life(self, failpoints: str, timeout_s: float = 40, **options) -> bool:
        """A life that a failpoint must end."""
        self.start(failpoints, **options)
        try:
            finished = self.weir.wait(timeout_s)
        except AssertionError:
            self.ended(Finished(-9, "", self.weir.log()))
            self.verdict.stopped.append(f"{failpoints} was not passed")
            return False
        return self.ended(finished)

    def short_life(self, seconds: float, failpoints: str = "", **options) -> bool:
        """A life that is killed after a while, wherever it is then."""
        self.start(failpoints, **options)
        self.weir.ends_within(seconds)
        return self.kill()

    def life_of(self, checkpoints: int, timeout_s: float = 60) -> bool:
        """A life that is killed once it has taken so many checkpoints."""
        newest = self.weir.newest_manifest()
        wanted = (newest.number if newest else 0) + checkpoints
        return self._life_until(
            lambda: (now := self.weir.newest_manifest()) is not None and now.number >= wanted,
            f"{checkpoints} checkpoints", timeout_s)

    def life_that_reads_all(self, timeout_s: float = 60) -> bool:
        """A life that is killed once a checkpoint has all rows behind it that there are at its start."""
        rows = len(self.feed.acknowledged)
        return self._life_until(lambda: self._all_read(rows), f"{rows} rows are read", timeout_s)

    def _life_until(self, reached: Callable[[], bool], what: str, timeout_s: float) -> bool:
        self.start()
        with contextlib.suppress(AssertionError):  # What ended it before is told by `ended`.
            self.weir.wait_until(reached, timeout_s, what)
        return self.kill()

    def kill(self) -> bool:
        """Ends a life now."""
        self.weir.kill()
        return self.ended(self.weir.wait())

    def check_at_rest(self) -> None:
        """While nothing runs: rows that leave together are seen together. The broker may take a
        moment to show a commit in all partitions."""
        def verdict() -> checker.Verdict:
            return checker.check_families(self.read("passed", "read_committed"), "passed, after a kill")

        try:
            wait_until(lambda: verdict().clean, 5, "all copies of a row are seen")
        except TimeoutError:
            self.verdict.merge(verdict())

    # --- the end --------------------------------------------------------------------------------

    def wait_for_windows(self, until_ms: int, timeout_s: float = 30) -> None:
        """Until a window that ends at `until_ms` or later has been seen."""
        topic = f"{self.name}.windows"
        checked = 0

        def seen_one() -> bool:
            nonlocal checked
            new = self.live.records[checked:]
            checked += len(new)
            begins = [int(record.value.rsplit(b":", 1)[1].rstrip(b"}"))
                      for record in new if record.topic == topic and record.value]
            return any(begin + checker.WINDOW // 1000 >= until_ms for begin in begins)

        self.weir.wait_until(seen_one, timeout_s, f"a window up to {until_ms} or later is seen")

    def _all_read(self, rows: int) -> bool:
        """Whether the newest checkpoint has that many rows of the input behind it."""
        newest = self.weir.newest_manifest()
        return newest is not None and newest.totals.get("numbers.in", 0) >= rows

    def finish(self, patience_s: float = 10, **options) -> checker.Verdict:
        """Ends the input, lets the job come to rest, stops it and judges everything. Results may
        come for `patience_s` after all input is in a checkpoint, however long that took."""
        self.feed.finish()
        truth = self.feed.acknowledged
        if not self.verdict.stopped:
            if not self.weir.running:
                self.start(**options)
            wanted = {
                f"{self.name}.passed": len(checker.expected_copies(truth)),
                f"{self.name}.windows": len(checker.expected_windows(truth)),
                f"{self.name}.sessions": len(checker.expected_sessions(truth))}
            rows = len(truth) + self.feed.partitions
            with contextlib.suppress(AssertionError):  # What is missing then is judged below.
                self.weir.wait_until(lambda: self.live.has(wanted) or self._all_read(rows),
                                     PATIENCE_S, "all input is in a checkpoint")
                # What is not there soon will not come any more.
                self.live.settle(patience_s, wanted)
            self.ended(self.weir.stop(), wanted=(0,))
        self.weir.kill()
        self.live.settle()
        final = {name: self.read(name, "read_committed") for name in OUTPUTS}
        self.tally.aborted_rows += sum(
            len(self.read(name, "read_uncommitted")) - len(final[name]) for name in OUTPUTS)
        self.live.close()
        lines = harness.read_sink(self.work / "table")
        self.verdict.merge(checker.check_campaign(truth, self.live.records, final, lines))
        return self.verdict

    def finish_clean(self, patience_s: float = 10) -> checker.Verdict:
        """`finish`, after which nothing may be wrong."""
        verdict = self.finish(patience_s)
        assert verdict.clean, self.told() + self.weir.whole_log()[-6000:]
        return verdict

    def read(self, name: str, isolation: str) -> list[Seen]:
        return [seen(m) for m in self.kafka.read_all(f"{self.name}.{name}", isolation)]

    def successor(self, name: str) -> Weir:
        """The job on another machine, as it were: a state directory with a lock and live stores of
        its own, and the same checkpoints behind it as behind a shared store."""
        other = self.make_weir(name)
        job = next(path.parent for path in self.weir.state.glob("*/checkpoints"))
        (other.state / job.name).mkdir(parents=True)
        for entry in job.iterdir():
            if entry.name not in ("lock", "live"):
                (other.state / job.name / entry.name).symlink_to(entry)
        return other

    def killed_with_an_open_file(self, timeout_s: float = 30) -> bool:
        """A life that is killed when the newest manifest counts on an unfinished file of the table."""
        self.start()
        self.weir.wait_until(self._open_file_in_manifest, timeout_s,
                             "a manifest counts on an unfinished file")
        return self.kill() and self._open_file_in_manifest()

    def _open_file_in_manifest(self) -> bool:
        newest = self.weir.newest_manifest()
        sealed = newest.sealed.get("windows_table", []) if newest else []
        return any(part and not part.startswith(b"open 0 ") for part in sealed)

    def told(self) -> str:
        return f"seed {self.seed}: {self.verdict}\n  {self.tally.lines()}"
