"""A topic grows while a job reads it: rows of the new partition are as much on time as all others."""

import pathlib
import re
import threading

from confluent_kafka import Producer

from e2e.test_jobs import unique
from e2e.weir import Weir

JOB = """
job: "${TOPIC}"
parallelism: 2
checkpoint: { interval: 100ms }
connections:
  broker: { kafka: { bootstrap_servers: "${BOOTSTRAP}" } }
sources:
  records:
    kafka: { connection: broker, topic: "${TOPIC}", start: earliest }
    format: raw
    event_time: { column: kafka_timestamp }
steps:
  windows:
    from: records
    window: { tumbling: 10ms }
    group_by: value
    select: { value: value, n: count() }
sinks:
  nowhere: { from: windows, blackhole: {} }
"""


class Flow:
    """Gives one row a millisecond to one partition, with the time that it is sent at."""

    def __init__(self, bootstrap: str, topic: str, partition: int):
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1})
        self._topic = topic
        self._partition = partition
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.001):
            self._producer.produce(self._topic, str(self.sent % 100), partition=self._partition)
            self._producer.poll(0)
            self.sent += 1
        self._producer.flush(5)  # What it could not send any more is not missed.

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def rows_read(job: Weir, partition: str) -> int:
    """As the newest checkpoint has it: the offset comes first in a position."""
    newest = job.newest_manifest()
    position = newest.positions.get(partition, "0") if newest else "0"
    return int(re.split("[/@]", position)[0])


def test_rows_of_a_new_partition_are_on_time(kafka, weir_binary: pathlib.Path,
                                             tmp_path: pathlib.Path) -> None:
    topic = unique("growing")
    kafka.create_topic(topic, partitions=1)
    job_file = tmp_path / "job.yaml"
    job_file.write_text(JOB)
    job = Weir(job_file, tmp_path, variables={"TOPIC": topic, "BOOTSTRAP": kafka.bootstrap}).start()
    flows = []
    try:
        for partition in range(4):
            if partition > 0:
                kafka.add_partitions(topic, partition + 1)
            flows.append(Flow(kafka.bootstrap, topic, partition))  # Before weir has seen it.
            if partition > 0:
                job.wait_log(f"{topic}/{partition}")
            job.wait_until(lambda: rows_read(job, f"{topic}/{partition}") >= 1000, 60,
                           f"rows of partition {partition} are read")
    finally:
        for flow in flows:
            flow.end()
    done = job.stop()
    assert done.code == 0, done.show()
    assert done.report is not None and done.report["rows_in"] > 0
    assert done.report["late"] == 0, done.report
