"""Measurements of a manager and workers, for bench/run: the processes are those of the end-to-end tests."""

import base64
import contextlib
import json
import pathlib
import random
import statistics
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from e2e.cluster import Cluster, attempt_of

JOBS = pathlib.Path(__file__).resolve().parent / "jobs"
TEXT_BYTES = 1000
TEXT_PARTITIONS = 4
TICKS_PER_SECOND = 500
WORKER_MEMORY = "3GiB"  # So that all state stays in memory while it is gathered.
SETTLE_CHECKPOINTS = 5


class Ticks:
    """Rows that say when they were sent, at a steady rate, and when each came out again."""

    def __init__(self, bootstrap: str, topic: str, out: str):
        self.arrivals: list[tuple[float, float]] = []  # (sent, seen), in the order they were seen.
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self._topic = topic
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False,
                                   "isolation.level": "read_committed", "fetch.wait.max.ms": 10})
        partitions = len(self._consumer.list_topics(out, timeout=10).topics[out].partitions)
        self._consumer.assign([TopicPartition(out, p, 0) for p in range(partitions)])
        self._over = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._send, self._read)]

    def __enter__(self) -> "Ticks":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._consumer.close()

    def _send(self) -> None:
        begin, sent = time.time(), 0
        while not self._over.is_set():
            due = int((time.time() - begin) * TICKS_PER_SECOND)
            for _ in range(due - sent):
                self._producer.produce(self._topic, json.dumps({"at": int(time.time() * 1e6)}))
            sent = due
            self._producer.poll(0)
            time.sleep(0.002)
        self._producer.flush(10)

    def _read(self) -> None:
        while not self._over.is_set():
            for message in self._consumer.consume(1000, timeout=0.05):
                if message.error() is None:
                    self.arrivals.append((json.loads(message.value())["at"] / 1e6, time.time()))

    def first_sent_after(self, moment: float, timeout_s: float = 60) -> float:
        """When the first row was seen that was sent after `moment`."""
        at = len(self.arrivals)
        while time.time() < moment + timeout_s:
            # Rows before `at` were seen, and so sent, before this was called.
            for sent, seen in self.arrivals[at:]:
                if sent > moment:
                    return seen
            time.sleep(0.002)
        raise TimeoutError(f"no row came within {timeout_s} s")

    def longest_delay(self, begin: float, end: float) -> float:
        """Of rows sent in between, from sending to being seen."""
        return max(seen - sent for sent, seen in self.arrivals if begin <= sent <= end)

    def longest_gap(self, begin: float, end: float) -> float:
        """Between two rows that were seen one after the other."""
        seen = [moment for _, moment in self.arrivals if begin <= moment <= end]
        return max(b - a for a, b in zip(seen, seen[1:]))


def workers_with(work: pathlib.Path, job: pathlib.Path, variables: dict, count: int, slots: int,
                 memory: str | None = None) -> Cluster:
    cluster = Cluster(work, job, variables, workers=count, slots=slots)
    if memory:
        for worker in cluster.workers.values():
            worker.words = [*worker.words, "--memory", memory]
    return cluster


def bounded_run(work: pathlib.Path, job: pathlib.Path, variables: dict, workers: int, slots: int) -> float:
    """Seconds from the submission of a job that ends by itself until it has ended."""
    with workers_with(work, job, variables, workers, slots) as cluster:
        begin = time.monotonic()
        cluster.ask(*cluster.submit_words())
        while (cluster.look_at_job() or {}).get("state") != "ended":
            if not cluster.running:
                raise RuntimeError(f"the job did not end well: {cluster.status()}")
            time.sleep(0.02)
        return time.monotonic() - begin


def produce_texts(bootstrap: str, topic: str, total_bytes: int) -> int:
    """Texts that hardly compress, one for each key; how many."""
    chance = random.Random(1)
    pool = [base64.b85encode(chance.randbytes(TEXT_BYTES * 4 // 5)).decode() for _ in range(512)]
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50, "batch.size": 1 << 20,
                         "queue.buffering.max.messages": 1_000_000})
    count = total_bytes // TEXT_BYTES
    for key in range(count):
        # Neighbours differ everywhere, so that a block of them is no repetition.
        text = pool[key % 512][key % 97 :] + pool[(key * 31 + 7) % 512][: key % 97]
        value = json.dumps({"at": 1_700_000_000_000, "key": key, "text": text})
        while True:
            with contextlib.suppress(BufferError):
                producer.produce(topic, value, partition=key % TEXT_PARTITIONS)
                break
            producer.poll(0.1)
    producer.flush(120)
    return count


class Kept:
    """A cluster whose job keeps much state, and passes ticks on; `with` it."""

    def __init__(self, kafka, work: pathlib.Path, state_bytes: int, workers: int, slots: int):
        self.kafka = kafka
        names = {"TICKS": "ticks", "TEXTS": "texts", "OUT_TOPIC": "passed"}
        kafka.create_topic("ticks", partitions=4)
        kafka.create_topic("texts", partitions=TEXT_PARTITIONS)
        kafka.create_topic("passed", partitions=1)
        self.texts = produce_texts(kafka.bootstrap, "texts", state_bytes)
        self.cluster = workers_with(work, JOBS / "kept.yaml",
                                    {"JOB": "bench-kept", "BOOTSTRAP": kafka.bootstrap, **names},
                                    workers, slots, WORKER_MEMORY)
        self.ticks = Ticks(kafka.bootstrap, "ticks", "passed")

    def __enter__(self) -> "Kept":
        self.cluster.up()
        self.cluster.ask(*self.cluster.submit_words())
        self.ticks.__enter__()
        self.cluster.wait_until(lambda: self.read_all(), 600, "all texts are in a checkpoint")
        self.settle()
        return self

    def __exit__(self, *_) -> None:
        self.ticks.__exit__()
        self.cluster.kill()

    def read_all(self) -> bool:
        newest = self.cluster.newest_manifest()
        return newest is not None and newest.totals.get("texts.in", 0) >= self.texts

    def settle(self) -> None:
        self.cluster.wait_checkpoints(SETTLE_CHECKPOINTS)

    def state_bytes(self) -> int:
        """Of the files that the newest checkpoint's tasks name."""
        newest = self.cluster.newest_manifest()
        assert newest is not None
        return newest.state_bytes

    def kill_a_worker(self, chance: random.Random) -> dict[str, float]:
        """Seconds from kill -9 until it is noticed, tasks run elsewhere, a row is out; the worker comes back."""
        cluster = self.cluster
        status = cluster.wait_job("running")
        victim = cluster.workers[chance.choice(status["attempt"]["workers"])]
        killed = time.time()
        victim.kill()
        noticed = redeployed = None
        while redeployed is None and time.time() < killed + 60:
            now = cluster.look_at_job() or {}
            changed = attempt_of(now) != attempt_of(status) or now.get("state") != "running"
            noticed = noticed or (time.time() if changed else None)
            if noticed and now.get("state") == "running" and attempt_of(now) not in (None, attempt_of(status)):
                redeployed = time.time()
            time.sleep(0.005)
        first = self.ticks.first_sent_after(killed)
        assert noticed is not None and redeployed is not None, "the job did not come back"
        victim.start()
        cluster.wait_workers({victim.name: "here"})
        self.settle()
        return {"noticed": noticed - killed, "redeployed": redeployed - noticed, "first row": first - redeployed,
                "all": first - killed}

    def rescale(self, parallelism: int) -> float:
        """Longest time without a row around a rescale."""
        before = self.cluster.wait_job("running")
        begin = time.time()
        self.cluster.ask("rescale", "bench-kept", str(parallelism))
        self.cluster.wait_job("running", parallelism=parallelism, not_attempt=attempt_of(before))
        self.ticks.first_sent_after(time.time())
        end = time.time()
        self.settle()
        return self.ticks.longest_gap(begin, end)

    def restart_manager(self) -> tuple[float, float]:
        """Longest delay of a row before, and while the manager is killed and comes back."""
        begin = time.time()
        self.settle()
        calm = time.time()
        self.cluster.manager.kill()
        time.sleep(1)  # It is away for so long: what is measured is that rows do not care.
        self.cluster.up()
        back = time.time()
        self.settle()
        self.ticks.first_sent_after(back)
        return self.ticks.longest_delay(begin, calm), self.ticks.longest_delay(calm, back)


def manager_memory(work: pathlib.Path, jobs: int) -> int:
    """Bytes that a manager has resident when so many jobs run and have reported."""
    with workers_with(work, JOBS / "idle.yaml", {"JOB": "idle"}, count=2, slots=(jobs + 1) // 2) as cluster:
        for number in range(jobs):
            cluster.ask(*cluster.submit_words(JOB=f"idle-{number}"))

        def all_run() -> bool:
            listed = (cluster.look("jobs") or {"jobs": []})["jobs"]
            running = [job for job in listed if job["state"] == "running" and job.get("checkpoint", 0) > 2]
            return len(running) == jobs

        cluster.wait_until(all_run, 300, f"{jobs} jobs run")
        status = pathlib.Path(f"/proc/{cluster.manager.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def shares(kills: list[dict[str, float]]) -> str:
    return ", ".join(f"{part} {statistics.median(kill[part] for kill in kills):.2f}"
                     for part in ("noticed", "redeployed", "first row"))
