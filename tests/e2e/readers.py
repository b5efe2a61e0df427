"""Independent readers of weir's topics."""

import threading
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, TopicPartition


@dataclass(frozen=True)
class Seen:
    """A record as a reader saw it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


def seen(message) -> Seen:
    return Seen(message.topic(), message.partition(), message.offset(), message.key(),
                message.value())


class LiveReader:
    """Reads topics with read_committed as they grow, from a thread of its own: what users see."""

    def __init__(self, bootstrap: str, topics: dict[str, int]):
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "e2e-live", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "isolation.level": "read_committed",
            "enable.partition.eof": False, "log_level": 2, "error_cb": lambda _: None})
        self._consumer.assign([
            TopicPartition(topic, p, 0) for topic, count in topics.items() for p in range(count)])
        self.records: list[Seen] = []
        self.counts: dict[str, int] = {topic: 0 for topic in topics}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(2000, timeout=0.1):
                if message.error() is None:
                    self.records.append(seen(message))
                    self.counts[message.topic()] += 1
                elif message.error().code() == KafkaError._FATAL:
                    raise RuntimeError(str(message.error()))

    def has(self, wanted: dict[str, int]) -> bool:
        """Whether so many were seen of every topic."""
        return all(self.counts[topic] >= count for topic, count in wanted.items())

    def settle(self, quiet_s: float = 0.7, wanted: dict[str, int] | None = None) -> None:
        """Until nothing more comes for so long, or all that is `wanted` has been seen."""
        last, since = dict(self.counts), time.monotonic()
        while time.monotonic() - since < quiet_s and not (wanted and self.has(wanted)):
            if self.counts != last:
                last, since = dict(self.counts), time.monotonic()
            time.sleep(0.05)

    def close(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._consumer.close()
