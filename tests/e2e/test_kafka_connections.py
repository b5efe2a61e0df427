"""What a job keeps open at its brokers, and how that fares: `weir validate --connect` before it runs, metrics and
/readyz while it does."""

import json
import os
import pathlib
import re
import urllib.error
import urllib.request
import uuid

import pytest
from confluent_kafka.admin import AclOperation

from e2e.cluster import Cluster as Workers
from e2e.test_metrics import names_of, of_connections, page_of
from e2e.test_rights import GUARDED, Denied
from e2e.weir import DONE, FAILED, Finished, Weir, call
from parts import process
from parts.kafka import Cluster

COPIER = """
job: "{name}"
parallelism: {tasks}
checkpoint: {{ interval: {interval} }}
connections:
  main: {{ kafka: {{ bootstrap_servers: "{at}" }} }}
sources:
  given:
    kafka: {{ connection: main, topic: "{name}", start: earliest }}
    format: json
    columns: {{ n: int64 }}
sinks:
  out: {{ from: given, kafka: {{ connection: main, topic: "{name}.out" }} }}
  copy: {{ from: given, kafka: {{ connection: main, topic: "{name}.copy" }} }}
"""


class Copier:
    """A job that copies a topic into two others, with a reader in each of its tasks."""

    def __init__(self, kafka, work: pathlib.Path, tasks: int = 2, interval: str = "100ms", partitions: int = 6,
                 **topic):
        self.kafka = kafka
        self.name = f"copied-{uuid.uuid4().hex[:8]}"
        self.topics = (self.name, f"{self.name}.out", f"{self.name}.copy")
        for one in self.topics:
            kafka.create_topic(one, partitions=partitions, **topic)
        self.partitions = partitions
        work.mkdir(exist_ok=True)
        self.path = work / "job.yaml"
        self.path.write_text(COPIER.format(name=self.name, tasks=tasks, interval=interval, at=kafka.bootstrap))
        self.weir = Weir(self.path, work / "run").serve_metrics()
        self.sent = 0

    def produce(self, count: int) -> None:
        self.kafka.produce(self.name, [(None, json.dumps({"n": n}).encode(), n % self.partitions)
                                       for n in range(self.sent, self.sent + count)])
        self.sent += count

    def numbers(self, topic: int = 1) -> list[int]:
        return sorted(json.loads(m.value())["n"] for m in self.kafka.read_all(self.topics[topic]))

    def wait_for_all(self) -> None:
        self.weir.wait_until(lambda: self.numbers() == self.numbers(2) == list(range(self.sent)), 60,
                             f"{self.sent} numbers are out twice")

    def validate(self, *words: str) -> Finished:
        return call("validate", self.path, "--connect", *words)


def most(done: Finished) -> int:
    found = re.search(r"^ok +connections: (\d+) at most to the \d+ brokers? at ", done.out, re.MULTILINE)
    assert found, done.show()
    return int(found[1])


def connections_of(pid: int, ports: set[int]) -> int:
    """Established connections of a process to these ports, as the kernel has them."""
    own = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue  # It was closed meanwhile.
        if target.startswith("socket:["):
            own.add(target[8:-1])
    count = 0
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            established = words[3] == "01"
            count += established and words[9] in own and int(words[2].rsplit(":", 1)[1], 16) in ports
    return count


def ports_of(kafka) -> set[int]:
    """Where clients dial the brokers."""
    addresses = {f"{one.host}:{one.port}" for one in kafka.admin.list_topics(timeout=30).brokers.values()}
    return {int(address.rsplit(":", 1)[1]) for address in addresses | set(kafka.bootstrap.split(","))}


def test_as_many_connections_as_were_told(kafka, weir_binary, tmp_path, tell) -> None:
    """With one broker it is known which they are: exactly so many are there."""
    job = Copier(kafka, tmp_path)
    told = job.validate()
    assert told.code == DONE, told.show()
    job.produce(300)
    job.weir.start()
    job.wait_for_all()
    seen = []

    def settled() -> bool:
        seen.append(connections_of(job.weir.pid, ports_of(kafka)))
        return seen[-1] == most(told)

    job.weir.wait_until(settled, 30, f"there are {most(told)} connections, and not {seen[-5:]}")
    # Tokens only come to an end where logins are by IAM.
    assert of_connections() - names_of(page_of(job.weir.metrics_address)) == {"weir_login_seconds"}
    tell(f"connections to one broker: told {most(told)}, there {seen[-1]}, "
         f"opened {job.weir.metric('weir_connections_opened_total'):.0f}")
    stopped = job.weir.stop()
    assert stopped.code == DONE, stopped.show()


def test_no_more_connections_than_were_told(kafka3, weir_binary, tmp_path, tell) -> None:
    """Which of three brokers a handle needs is for the leaders and coordinators to say."""
    job = Copier(kafka3, tmp_path, tasks=3)
    told = job.validate()
    assert told.code == DONE, told.show()
    assert "3 brokers" in told.out
    job.weir.start()
    highest = 0
    for _ in range(10):
        job.produce(100)
        job.wait_for_all()
        highest = max(highest, connections_of(job.weir.pid, ports_of(kafka3)))
    tell(f"connections to three brokers: told {most(told)} at most, there were {highest}")
    assert most(told) / 2 < highest <= most(told)
    assert most(job.validate("--workers", "3")) > most(told)
    stopped = job.weir.stop()
    assert stopped.code == DONE, stopped.show()


def test_what_is_not_there_is_told_before_it_runs(kafka, weir_binary, tmp_path) -> None:
    job = Copier(kafka, tmp_path)
    text = job.path.read_text()
    job.path.write_text(text.replace(f'topic: "{job.name}.copy"', f'topic: "{job.name}.cpoy"'))
    done = job.validate()
    assert done.code == FAILED, done.show()
    assert f"did you mean '{job.name}.copy'" in done.out and "WEIR-K002" in done.out, done.show()
    assert re.search(r"^ok +source 'given', partitions: 6 of 1 topics$", done.out, re.MULTILINE), done.show()
    job.path.write_text(text.replace(f'topic: "{job.name}", start', f'topic: "{job.name}x", start'))
    done = job.validate()
    assert done.code == FAILED and "bad       source 'given', partitions: WEIR-K002" in done.out, done.show()
    job.path.write_text(text.replace(kafka.bootstrap, "127.0.0.1:1"))
    done = job.validate()
    assert done.code == FAILED and "WEIR-K001" in done.out, done.show()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("guarded"), properties=GUARDED) as cluster:
        yield cluster


@pytest.mark.parametrize("kind, name, operation, told", [
    ("topic", "{}", AclOperation.DESCRIBE, "source 'given', partitions: WEIR-K006"),
    ("topic", "{}.out", AclOperation.DESCRIBE, "sink 'out', topic '{}.out': WEIR-K006"),
    ("group", "weir-{}", AclOperation.DESCRIBE, "source 'given', groups: WEIR-K006"),
    ("transactional id", "weir-{}-out-check", AclOperation.WRITE, "sink 'out', transactions: WEIR-K006"),
])
def test_a_right_that_is_missing_is_told_before_it_runs(guarded, weir_binary, tmp_path, kind, name, operation,
                                                        told) -> None:
    job = Copier(guarded, tmp_path)
    assert job.validate().code == DONE
    with Denied(guarded, kind, name.format(job.name), operation):
        done = job.validate()
    assert done.code == FAILED, done.show()
    bad = [line for line in done.out.splitlines() if line.startswith("bad ")]
    assert len(bad) == 1 and told.format(job.name) in bad[0], done.show()
    # It looked, and left no topic, group or record behind.
    assert job.numbers() == []


def test_connections_stay_over_a_thousand_epochs(kafka, weir_binary, tmp_path, tell) -> None:
    """Each epoch writes to both topics, and none of them dials."""
    job = Copier(kafka, tmp_path, interval="10ms")
    job.produce(60)
    job.weir.start()
    job.wait_for_all()
    before = job.weir.metric("weir_connections_opened_total")
    begun = job.weir.metric("weir_checkpoints_total")
    assert before > 0

    def epochs() -> float:
        job.produce(60)
        return job.weir.metric("weir_checkpoints_total") - begun

    job.weir.wait_until(lambda: epochs() >= 1000, 300, "a thousand checkpoints")
    after = job.weir.metric("weir_connections_opened_total")
    tell(f"connections opened: {before:.0f}, and {after:.0f} after {epochs():.0f} epochs with {job.sent} rows")
    assert after == before
    job.wait_for_all()
    stopped = job.weir.stop()
    assert stopped.code == DONE, stopped.show()


def test_a_quota_is_seen(kafka, weir_binary, tmp_path) -> None:
    """The broker holds answers to weir back: all comes out, only later, and it is told for how long."""
    job = Copier(kafka, tmp_path)
    job.weir.start()
    job.produce(60)
    job.wait_for_all()
    assert job.weir.metric("weir_throttled_seconds_total") == 0
    with kafka.quota("weir", producer_byte_rate=2_000):
        job.produce(3_000)
        job.weir.wait_until(lambda: job.weir.metric("weir_throttled_seconds_total") > 1, 60, "it is held back")
    job.wait_for_all()
    stopped = job.weir.stop()
    assert stopped.code == DONE, stopped.show()


def ready(job: Copier) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{job.weir.metrics_address}/readyz", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def one_that_leads(kafka3, topic: str):
    """A broker that leads some of a topic's partitions and not all of them, and how many."""
    leaders = [one["leader"] for one in kafka3.describe(topic).values()]
    assert len(set(leaders)) > 1
    return kafka3.broker(leaders[0]), leaders.count(leaders[0])


def test_partitions_without_a_leader_are_no_health(kafka3, weir_binary, tmp_path) -> None:
    """Each topic has one copy; the broker goes that holds some of the partitions, and comes back."""
    job = Copier(kafka3, tmp_path, replication=1)
    job.produce(600)
    job.weir.start()
    job.wait_for_all()
    job.weir.wait_until(lambda: ready(job)[0] == 200, 30, "it is ready")
    assert job.weir.metric("weir_leaderless_partitions") == 0
    broker, held = one_that_leads(kafka3, job.name)
    broker.kill()
    try:
        job.weir.wait_until(lambda: job.weir.metric("weir_leaderless_partitions") >= held, 60, "leaders are missed")
        status, text = ready(job)
        assert status == 503 and f"partitions of 'given' without a leader: {held}" in text
        assert job.weir.running  # Only what has no leader waits.
    finally:
        broker.start()
        kafka3.wait_ready()
    job.produce(600)
    job.wait_for_all()
    job.weir.wait_until(lambda: ready(job)[0] == 200, 60, "it is ready again")
    job.weir.wait_until(lambda: job.weir.metric("weir_leaderless_partitions") == 0, 30, "leaders are there")
    stopped = job.weir.stop()
    assert stopped.code == DONE, stopped.show()


def test_why_names_partitions_without_a_leader(kafka3, weir_binary, tmp_path) -> None:
    """Of a job on two workers; each tells of the connections of its own tasks."""
    job = Copier(kafka3, tmp_path, replication=1)
    job.produce(600)
    with Workers(tmp_path / "cluster", job.path, {"JOB": job.name}, workers=2, slots=1) as cluster:
        addresses = []
        for worker in cluster.workers.values():
            worker.kill()
            addresses.append(f"127.0.0.1:{process.free_port()}")
            worker.words += ["--http", addresses[-1]]
        cluster.start()
        cluster.wait_job("running")
        opened = re.compile(rf'^weir_connections_opened_total{{job="{job.name}",node="given"}} (\d+)', re.MULTILINE)

        def told(address: str) -> bool:
            found = opened.findall(page_of(address))
            return len(found) == 1 and int(found[0]) > 0

        cluster.wait_until(lambda: all(map(told, addresses)), 60, "both workers tell of their connections")
        assert not [one for one in cluster.ask("why", job.name)["findings"] if one["what"] == "partitions"]
        broker, held = one_that_leads(kafka3, job.name)
        broker.kill()
        try:
            def findings() -> list:
                return [one["message"] for one in cluster.ask("why", job.name)["findings"]
                        if one["what"] == "partitions"]

            cluster.wait_until(lambda: f"{held} partitions that given reads have no leader" in findings(), 60,
                               "it is told what holds the job")
        finally:
            broker.start()
            kafka3.wait_ready()
        cluster.wait_until(lambda: not findings(), 60, "nothing holds it any more")
