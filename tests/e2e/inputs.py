"""Numbers without gaps for each key, from one seed, into a topic; what was acknowledged is the truth."""

import json
import random
import threading
import time
from dataclasses import dataclass

from confluent_kafka import KafkaError, Message, Producer

BASE_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z, a multiple of all windows' sizes.
STEP_MS = 4  # Between one row's event time and the next one's, before the jitter.
JITTER_MS = 800  # Less than the job's delay: such a row is never late.
KEYS = 40
COPIES = [0, 1, 2]
END_KEY = "~end"  # Rows that only move the time on; their own windows never close.


@dataclass(frozen=True)
class Number:
    """A row as the input topic acknowledged it."""

    key: str
    seq: int
    at_ms: int
    late: bool  # So old that every window it belongs to was closed and shown when it was sent.
    partition: int
    offset: int


class Feed:
    """Sends rows at a steady rate from a thread of its own until `finish`."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, seed: int, rate: int = 1500):
        self.topic = topic
        self.partitions = partitions
        self.rate = rate
        self.acknowledged: list[Number] = []
        self.failed: list[KafkaError] = []
        self.late_share = 0.0
        self.active = set(range(partitions))  # Others get no rows for a while.
        self._chance = random.Random(seed)
        self._next = {number: 0 for number in range(KEYS)}
        self._index = 0
        self._lock = threading.Lock()
        self._producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5,
            "message.timeout.ms": 300_000, "log_level": 2, "error_cb": lambda _: None})
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Feed":
        self._thread.start()
        return self

    def pause(self) -> None:
        self._paused.set()

    def resume(self) -> None:
        self._paused.clear()

    def _run(self) -> None:
        begin, sent = time.monotonic(), 0
        while not self._stop.wait(0.01):
            if self._paused.is_set():
                begin, sent = time.monotonic(), 0
                continue
            due = int((time.monotonic() - begin) * self.rate) - sent
            if due > 0:
                self.send(due)
                sent += due
            self._producer.poll(0)

    def send(self, count: int) -> None:
        with self._lock:
            for _ in range(count):
                self._send_one()

    def _send_one(self) -> None:
        # Busy keys and rare ones, so that some sessions are long and some have a single row.
        number = min(self._chance.randrange(KEYS), self._chance.randrange(KEYS))
        while number % self.partitions not in self.active:
            number = self._chance.randrange(KEYS)
        late = self._chance.random() < self.late_share
        at_ms = BASE_MS + self._index * STEP_MS + JITTER_MS - self._chance.randrange(JITTER_MS)
        if late:
            at_ms = BASE_MS - 60_000 + self._chance.randrange(1_000)
        else:
            self._index += 1
        key, seq = f"k{number:02d}", self._next[number]
        self._next[number] += 1
        value = {"key": key, "seq": seq, "at": at_ms, "copies": COPIES}

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self.failed.append(error)
            else:
                self.acknowledged.append(
                    Number(key, seq, at_ms, late, message.partition(), message.offset()))

        self._produce(json.dumps(value).encode(), key, number % self.partitions, delivered)

    def _produce(self, value: bytes, key: str, partition: int, delivered) -> None:
        while True:
            try:
                self._producer.produce(
                    self.topic, value, key, partition=partition, on_delivery=delivered)
                return
            except BufferError:
                self._producer.poll(0.1)

    @property
    def newest_ms(self) -> int:
        return BASE_MS + self._index * STEP_MS

    def flush(self, timeout_s: float = 60) -> None:
        assert self._producer.flush(timeout_s) == 0, "the broker did not take all input"
        assert not self.failed, f"input was refused: {self.failed[:3]}"

    def finish(self) -> None:
        """Ends the input with rows that move the time far on in every partition."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            at_ms = self.newest_ms + 3_600_000
            for partition in range(self.partitions):
                value = {"key": END_KEY, "seq": partition, "at": at_ms, "copies": []}
                self._produce(json.dumps(value).encode(), END_KEY, partition, None)
        self.flush()

    def abandon(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._producer.purge()
