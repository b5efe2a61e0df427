"""Dead letters: what is in them, that they can be looked at and sent back, each once, and that too many of
them stop the job."""

import json
import pathlib
import re
import time
import uuid

import pytest
from confluent_kafka import Producer

from e2e.test_bad_input import refused
from e2e.weir import DECISION, DONE, USAGE, Weir, call

JOB = """
job: "{name}"
checkpoint: {{ interval: 100ms }}
connections:
  broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }}
sources:
  given:
    kafka: {{ connection: broker, topic: "{name}", stop: {stop} }}
    columns: {{ n: int64 }}
    on_error: {{ dead_letter: {{ kafka: {{ connection: broker, topic: "{name}.dead" }} }}{limit} }}
steps:
  parts:
    from: given
    select: {{ n: n, part: 100 / (n % 10) }}
    on_error: {{ dead_letter: {{ files: {{ path: "{work}/letters" }} }} }}
sinks:
  out: {{ from: parts, kafka: {{ connection: broker, topic: "{name}.out" }} }}
"""


class Letters:
    """A job that can't read some records and can't compute some rows."""

    def __init__(self, kafka, work: pathlib.Path, stop: str = "latest", limit: str = ""):
        self.kafka = kafka
        self.name = f"dead-{uuid.uuid4().hex[:8]}"
        self.path = work / "job.yaml"
        self.path.write_text(JOB.format(name=self.name, bootstrap=kafka.bootstrap, work=work,
                                        stop=stop, limit=limit))
        for topic in ("", ".out", ".dead"):
            kafka.create_topic(self.name + topic, partitions=2)
        self.weir = Weir(self.path, work / "run")

    def produce(self, values: list[bytes]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 5})
        for i, value in enumerate(values):
            producer.produce(self.name, value, key=b"\xff%d" % i, partition=i % 2,
                             headers=[("trace", b"\x01"), ("none", None)],
                             timestamp=1_700_000_000_000 + i)
        assert producer.flush(60) == 0

    def letters(self) -> list:
        return self.kafka.read_all(f"{self.name}.dead")

    def rows(self) -> list:
        return self.kafka.read_all(f"{self.name}.out")

    def dlq(self, *words: str) -> dict:
        done = call("dlq", words[0], self.path, *words[1:], "--output", "json")
        assert done.code == DONE, done.show()
        return json.loads(done.out)


def same(record) -> tuple:
    headers = [one for one in record.headers() if one[0] != "weir-redriven"]
    return record.key(), record.value(), headers, record.partition(), record.timestamp()[1]


def test_letters_are_shown(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Letters(kafka, tmp_path)
    case.produce([b'{"n":1}', b"broken", b'{"n":10}', b'{"n":"x"}'])
    began = time.time()
    assert case.weir.run().code == DONE
    shown = case.dlq("show", "given")
    assert shown["matching"] == 2 and shown["dead_letter"] == "given_dead_letter"
    letter = next(one for one in shown["letters"] if one["value"] == "YnJva2Vu")
    assert letter["node"] == "given" and letter["code"].startswith("WEIR-F")
    assert (letter["topic"], letter["partition"], letter["offset"]) == (case.name, 1, 0)
    assert letter["timestamp"] == 1_700_000_000_001 and letter["key"] == "/zE="
    assert letter["headers"] == [{"key": "trace", "value": "AQ=="}, {"key": "none", "value": None}]
    assert letter["job"] == case.name and len(letter["job_version"]) == 12
    assert letter["at_place"].startswith(f"{case.name}.dead/")
    assert began - 60 < letter["at"] / 1000 < time.time() + 60

    rows = case.dlq("show", "parts")
    assert rows["matching"] == 1 and rows["letters"][0]["row"] == {"n": 10}
    assert case.dlq("show", "given", "--limit", "1")["letters"][0]["value"] is not None
    assert case.dlq("show", "given", "--code", "WEIR-F999")["matching"] == 0
    assert case.dlq("show", "given", "--since", "1h")["matching"] == 2
    assert case.dlq("show", "given", "--since", "2100-01-01")["matching"] == 0
    told = call("dlq", "show", case.path, "given")
    assert told.code == DONE and "2 of 2 dead letters" in told.out and f"{case.name}/1/0" in told.out
    refused(call("dlq", "show", case.path), USAGE, "WEIR-C008", "given_dead_letter")
    refused(call("dlq", "show", case.path, "nobody"), USAGE, "WEIR-C008", "nobody")
    refused(call("dlq", "redrive", case.path, "parts", "--to", "original"), USAGE, "WEIR-C009")


def test_redrive_to_where_they_came_from(kafka, weir_binary: pathlib.Path,
                                         tmp_path: pathlib.Path) -> None:
    case = Letters(kafka, tmp_path)
    case.produce([b'{"n":1}', b"broken", b'{"n":2}', b"worse"])
    assert case.weir.run().code == DONE
    given = kafka.read_all(case.name)
    assert case.dlq("redrive", "given", "--to", "original", "--dry-run")["sent"] == 2
    assert len(kafka.read_all(case.name)) == 4
    assert case.dlq("redrive", "given", "--to", "original")["sent"] == 2
    assert case.dlq("redrive", "given", "--to", "original")["sent"] == 0
    now = kafka.read_all(case.name)
    again = [one for one in now if dict(one.headers()).get("weir-redriven")]
    assert sorted(map(same, again)) == sorted(same(one) for one in given if one.value() in (b"broken", b"worse"))
    assert {dict(one.headers())["weir-redriven"].decode().rsplit("/", 1)[0].rsplit("/", 1)[0]
            for one in again} == {f"{case.name}.dead"}
    kafka.create_topic(f"{case.name}.mended", partitions=1)
    assert case.dlq("redrive", "given", "--to", f"{case.name}.mended")["sent"] == 0


@pytest.mark.parametrize("place", ["kafka.redrive.produced=kill@2", "kafka.redrive.committed=kill@2"])
def test_redrive_that_is_killed(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                place: str) -> None:
    """In the middle, before a transaction is committed and after: a repeat sends the rest, and nothing
    twice."""
    case = Letters(kafka, tmp_path)
    case.produce([b"broken %d" % i for i in range(5_000)])
    assert case.weir.run().code == DONE
    kafka.create_topic(f"{case.name}.again", partitions=3)
    words = ["dlq", "redrive", case.path, "given", "--to", f"{case.name}.again"]
    killed = call(*words, env={"WEIR_FAILPOINTS": place})
    assert killed.killed, killed.show()
    sent = len(kafka.read_all(f"{case.name}.again"))
    assert 0 < sent < 5_000
    done = call(*words)
    assert done.code == DONE, done.show()
    values = sorted(one.value() for one in kafka.read_all(f"{case.name}.again"))
    assert values == sorted(b"broken %d" % i for i in range(5_000))


def test_too_many_stop_the_job(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Letters(kafka, tmp_path, stop="never", limit=", max_rejected: 5%")
    case.produce([b'{"n":1}'] * 950 + [b"broken"] * 50)
    case.weir.start()
    case.weir.wait_until(lambda: len(case.letters()) == 50, 30, "letters")
    assert case.weir.running
    case.produce([b"broken"] * 200)
    stopped = case.weir.wait(30)
    refused(stopped, DECISION, "WEIR-E026", "'given' rejected", "WEIR-F0", "weir dlq show")
    told = re.search(r"rejected (\d+) of its last (\d+) records", stopped.log)
    rejected, read = map(int, told.groups())
    # It may stop before it has read the last ones, or have read more by then; what it counted is out.
    assert 50 < rejected <= len(case.letters()) <= 250 and len(case.rows()) == read - rejected == 950

    case.produce([b'{"n":3}'] * 300)
    for _ in range(5):  # Each start goes on behind them, and those left may be too many again.
        case.weir.start()
        case.weir.wait_until(lambda: not case.weir.running or len(case.rows()) == 1_250, 30, "rows")
        done = case.weir.stop() if case.weir.running else case.weir.wait(30)
        if done.code == DONE:
            break
        refused(done, DECISION, "WEIR-E026")
    assert done.code == DONE, done.show()
    assert len(case.letters()) == 250 and len(case.rows()) == 1_250
