"""Tables of files in a real S3 service: every row once, over kills at every place and rescales."""

import base64
import contextlib
import json
import os
import pathlib
import random
import subprocess
import time
import urllib.parse
import uuid
from datetime import datetime

import duckdb
import pytest

from e2e.cluster import Cluster
from e2e.lake import Table
from e2e.weir import DONE, FAILED, ROOT, Weir
from parts import process
from parts import s3 as part

SEED = int(os.environ.get("WEIR_SEED", "20250601"))

# A kill there, on so many passes. Each comes to pass in the life that is killed there: a begun upload that no
# checkpoint knows is ended by the next start, one that a checkpoint counts on is finished by it.
PLACES = {
    "files.upload.begun": 1, "files.cleanup.ended": 1, "files.upload.part": 1, "files.seal.write": 3,
    "files.publish.put": 1, "files.publish.completed": 1, "files.publish.renamed": 3, "files.publish.visible": 2,
    "files.publish.listed": 2,
}
RECOVERING = "files.publish.tail"

JOB = """
job: "{name}"
checkpoint: {{ interval: 250ms }}
connections:
  broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }}
  lake: {{ s3: {{ bucket: "{bucket}", region: us-east-1, endpoint: "{endpoint}", timeout: 2s }} }}
sources:
  records:
    kafka: {{ connection: broker, topic: "{name}", start: earliest, stop: latest }}
    format: raw
steps:
  shown:
    from: records
    select: {{ p: kafka_partition, offset: kafka_offset, value: base64(value) }}
sinks:
  table:
    from: shown
    files: {{ connection: lake, path: landed/table, partition_by: [p], roll: {{ size: {size}, every: {every} }}, compression: {compression} }}
    format: json
"""


@pytest.fixture(autouse=True)
def keys(monkeypatch) -> None:
    """As AWS's own tools are told."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", part.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", part.SECRET_KEY)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
                 "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket(s3) -> str:
    name = f"lake-{uuid.uuid4().hex[:8]}"
    s3.make_bucket(name)
    return name


class Landing:
    """A job from a topic of three partitions into a table, both of its own, and what must be there."""

    def __init__(self, kafka, s3, own_bucket: str, work: pathlib.Path, **settings: str) -> None:
        self.name = f"lake-{uuid.uuid4().hex[:8]}"
        self.kafka = kafka
        self.table = Table(s3, own_bucket, "landed/table")
        self.job = work / "job.yaml"
        self.job.write_text(JOB.format(**{
            "name": self.name, "bootstrap": kafka.bootstrap, "bucket": own_bucket, "endpoint": s3.endpoint,
            "size": "12MiB", "every": "3s", "compression": "none", **settings}))
        self.weir = Weir(self.job, work / "run")
        self.sent: list[dict[int, bytes]] = [{}, {}, {}]

    def produce(self, records: int, size: int) -> "Landing":
        """Random bytes: what packs them makes them no smaller. Partition 0 gets most."""
        if not any(self.sent):
            self.kafka.create_topic(self.name, partitions=3)
        messages = []
        for number in range(records):
            partition = 0 if number % 10 else 1 + number // 10 % 2
            value = os.urandom(size)
            self.sent[partition][len(self.sent[partition])] = value
            messages.append((None, value, partition))
        self.kafka.produce(self.name, messages)
        return self

    def check(self, complete: bool = True) -> int:
        """No row twice, none that was not sent, none with another content; at the end none missing."""
        seen: set[tuple[int, int]] = set()
        for row in self.table.rows():
            at = (int(row["_at"]["p"]), row["offset"])
            assert at not in seen, f"doubled: {at}"
            seen.add(at)
            assert base64.b64decode(row["value"]) == self.sent[at[0]][at[1]], at
        expected = {(p, offset) for p, sent in enumerate(self.sent) for offset in sent}
        assert seen <= expected
        if complete:
            assert seen == expected, f"lost: {len(expected - seen)} of {len(expected)}"
        self.table.check_lists(complete)
        return len(seen)

    def listed_rows(self) -> int:
        return sum(line["rows"] for line in self.table.listed())

    def finish(self) -> None:
        done = self.weir.run(timeout_s=120)
        assert done.code == DONE, done.show()
        assert done.report is not None and done.report["unaccounted_rows"] == 0
        assert self.table.uploads() == [], "uploads that nobody ends"


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_small_and_large_files(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                               compression: str) -> None:
    """Some files of one request, some of several parts; all whole, listed and told by their names."""
    landing = Landing(kafka, s3, bucket, tmp_path, compression=compression).produce(30_000, 1000)
    landing.finish()
    assert landing.check() == 30_000
    sizes = sorted(landing.table.objects().values())
    assert sizes[0] < 5 << 20 < 11 << 20 < sizes[-1] < 16 << 20, sizes


def test_kills(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    """At every place and at random moments, at another parallelism each time, while rows come."""
    chance = random.Random(SEED)
    landing = Landing(kafka, s3, bucket, tmp_path)
    endless = {"sources.records.kafka.stop": "never"}
    weir = landing.weir
    kills = 0

    def start(failpoint: str = "") -> None:
        weir.sets = {**endless, "parallelism": str(chance.choice([1, 2, 3]))}
        weir.start("engine.source.poll=delay:20@1+" + (f",{failpoint}" if failpoint else ""))

    def life(place: str, number: int) -> None:
        nonlocal kills
        start(f"{place}=kill@{number}")
        for _ in range(30):  # Some places are come to only by a file that has grown long.
            if weir.ends_within(2):
                break
            landing.produce(3_000, 1000)
        assert not weir.running, f"not killed at {place}: {weir.log()[-3000:]}"
        assert weir.wait().killed, weir.log()[-3000:]
        kills += 1
        landing.check(complete=False)

    for place, number in PLACES.items():
        landing.produce(7_000, 1000)
        life(place, number)
    landing.produce(7_000, 1000)
    start()
    weir.wait_until(landing.table.uploads, 60, "an upload is open")
    newest = max(weir.manifests())
    weir.wait_until(lambda: max(weir.manifests()) > newest + 2, 60, "checkpoints count on it")
    weir.kill()
    kills += 1
    life(RECOVERING, 1)
    for _ in range(8):
        landing.produce(3_000, 1000)
        start()
        assert not weir.ends_within(chance.uniform(0.2, 2.5)), weir.log()[-3000:]
        weir.kill()
        kills += 1
        landing.check(complete=False)
    start()
    total = sum(map(len, landing.sent))
    weir.wait_until(lambda: landing.listed_rows() == total, 60, "all rows are listed")
    done = weir.stop()
    assert done.code == DONE, done.show()
    rows = landing.check()
    tell(f"kills of a table in S3: {kills} kills, each of {len(PLACES) + 1} places, lost=0 doubled=0 of {rows}")
    assert {*PLACES, RECOVERING} <= set(weir.hits())
    assert landing.table.uploads() == [], "uploads that nobody ends"


def test_sql_sees_committed_rows_only(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                      tell) -> None:
    """While the job runs, is killed and goes on: by the lists and by a pattern, whole rows and each once."""
    landing = Landing(kafka, s3, bucket, tmp_path, every="500ms", compression="gzip").produce(20_000, 500)
    folder = landing.table.folder
    looks, counts = 0, [0]

    def look() -> None:
        nonlocal looks
        files = landing.table.listed()  # First: what is listed is there for whoever looks afterwards.
        if not files:
            return
        columns = "columns={\"offset\": 'BIGINT', value: 'VARCHAR', p: 'BIGINT'}, hive_partitioning=true"
        paths = [f"{folder}/{line['file']}" for line in files]
        by_list = duckdb.sql(f'select count(*), count(distinct (p, "offset")) from read_json({paths}, {columns})')
        by_pattern = duckdb.sql(
            f"select count(*), count(distinct (p, \"offset\")) from read_json('{folder}/p=*/*.json.gz', {columns})")
        rows, distinct = by_list.fetchall()[0]
        assert rows == distinct == sum(line["rows"] for line in files)
        seen, distinct = by_pattern.fetchall()[0]
        assert seen == distinct >= rows
        counts.append(rows)
        looks += 1

    slowly = "engine.source.poll=delay:40@1+"
    for _ in range(3):
        landing.weir.start(slowly)
        end = time.monotonic() + 2.5
        while landing.weir.running and time.monotonic() < end:
            look()
        landing.weir.kill()
    landing.finish()
    look()
    assert counts == sorted(counts) and counts[-1] == 20_000 and len(set(counts)) > 3, counts
    landing.check()
    tell(f"SQL over a table that grows: {looks} looks, {len(set(counts))} sizes")


def test_the_example_of_a_backup(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                 monkeypatch) -> None:
    """As it is shipped; a kill in between. Every record with where it stood, also one without a value."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    topic = f"backup-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(topic, partitions=2)
    sent = [(f"k{n}".encode() if n % 3 else None, os.urandom(n % 700), n % 2, 1_735_689_600_000 + n * 1000)
            for n in range(10_000)]
    kafka.produce(topic, sent)
    job = Weir(ROOT / "examples" / "raw-backup.yaml", tmp_path, variables={
        "BOOTSTRAP_SERVERS": kafka.bootstrap, "BUCKET": bucket}, sets={
            "job": topic, "sources.records.kafka.topic": topic, "sources.records.kafka.stop": "latest",
            "checkpoint.interval": "200ms"})
    killed = job.run("engine.source.poll=delay:50@1+,engine.sinks_told=kill@3")
    assert killed.killed, killed.show()
    done = job.run()
    assert done.code == DONE, done.show()
    table = Table(s3, bucket, "raw")
    table.check_lists()
    rows = sorted(table.rows(), key=lambda row: (row["partition"], row["offset"]))
    expected = sorted(((key, value, partition, at) for key, value, partition, at in sent),
                      key=lambda record: (record[2], record[3]))
    assert len(rows) == len(expected)
    for row, (key, value, partition, at) in zip(rows, expected, strict=True):
        assert row["topic"] == topic and row["partition"] == partition
        assert (row["key"] and base64.b64decode(row["key"])) == key
        assert base64.b64decode(row["value"]) == value
        moment = time.gmtime(at // 1000)
        assert row["_at"] == {"day": time.strftime("%Y-%m-%d", moment), "hour": time.strftime("%H", moment)}


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_example_of_a_table(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                monkeypatch) -> None:
    """As it is shipped: what is above 50, by share, day and hour, with event times in the lists."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    topic = f"stock-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(topic, partitions=2)
    records, expected = [], []
    for n in range(20_000):
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_735_689_600 + n // 4))
        row = {"event_time": f"{moment}.{n % 4 * 250:03d}Z", "ticker": ["A/B", "C", "D e"][n % 3],
               "price": n * 37 % 10_000 / 100}
        records.append((None, json.dumps(row).encode(), n % 2))
        if row["price"] > 50:
            expected.append((row["ticker"], row["event_time"], row["price"]))
    kafka.produce(topic, records)
    job = Weir(ROOT / "examples" / "stock-to-s3.yaml", tmp_path, variables={
        "BOOTSTRAP_SERVERS": kafka.bootstrap, "BUCKET": bucket}, sets={
            "job": topic, "sources.stock.kafka.topic": topic, "sources.stock.kafka.stop": "latest",
            "checkpoint.interval": "200ms"})
    killed = job.run("engine.source.poll=delay:50@1+,files.publish.visible=kill@3")
    assert killed.killed, killed.show()
    done = job.run()
    assert done.code == DONE, done.show()
    table = Table(s3, bucket, "stock")
    listed = table.listed()
    assert {line["file"] for line in listed} == set(table.objects())
    assert sum(line["rows"] for line in listed) == len(expected)
    assert {line["partition"]["ticker"] for line in listed} == {"A/B", "C", "D e"}
    for line in listed:
        times = [json.loads(row)["event_time"] for row in table.read(line["file"]).splitlines()]
        assert moment_of(line["min_event_time"]) == min(map(moment_of, times)), line
        assert moment_of(line["max_event_time"]) == max(map(moment_of, times)), line
        assert all(t[:10] == line["partition"]["dt"] and t[11:13] == line["partition"]["hr"] for t in times)
    got = sorted((urllib.parse.unquote(row["_at"]["ticker"]), moment_of(row["event_time"]), row["price"])
                 for row in table.rows())
    assert got == sorted((ticker, moment_of(at), price) for ticker, at, price in expected)


# --- what goes wrong outside --------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "environment", "code", "texts"), [
    ({"bucket": "lake-that-is-nowhere"}, {}, "WEIR-A005", ["sink 'table'", "make the bucket 'lake-that-is-nowhere'"]),
    ({}, {"AWS_SECRET_ACCESS_KEY": "not-the-secret"}, "WEIR-A004", ["sink 'table'", "s3://"]),
    ({}, {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true"},
     "WEIR-A007", ["AWS_ACCESS_KEY_ID"]),
])
def test_a_bucket_that_cannot_be_used(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                      monkeypatch, settings: dict, environment: dict, code: str,
                                      texts: list[str]) -> None:
    """Told before anything runs, with the cure; and nothing is read."""
    landing = Landing(kafka, s3, bucket, tmp_path, **settings).produce(10, 10)
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    done = landing.weir.run(flags=["--wait", "2s"])
    assert done.code == FAILED, done.show()
    assert code in done.codes(), done.show()
    for text in texts:
        assert text in done.log, done.show()
    assert "not-the-secret" not in done.log
    assert landing.weir.manifests() == []


def test_a_service_that_goes_away_and_comes_back(kafka, s3, bucket: str, weir_binary: pathlib.Path,
                                                 tmp_path: pathlib.Path) -> None:
    """It is waited for, also by parts of files that are under way; nothing is lost or doubled."""
    landing = Landing(kafka, s3, bucket, tmp_path, endpoint=s3.proxied_endpoint).produce(40_000, 1000)

    def waits() -> int:
        log = landing.weir.log()
        return log.count("publishing waits") + log.count("parts of files wait")

    landing.weir.start("engine.source.poll=delay:25@1+")
    try:
        for away in (s3.proxy.cut, s3.proxy.blackhole):
            there = len(landing.table.objects())
            told = waits()
            landing.weir.wait_until(lambda seen=there: len(landing.table.objects()) > seen, 30, "more files")
            away()
            landing.weir.wait_until(lambda before=told: waits() > before, 60, "it is told")
            s3.proxy.restore()
    finally:
        s3.proxy.restore()
    done = landing.weir.wait(120)
    assert done.code == DONE, done.show()
    assert "WEIR-A001" in done.log, done.show()
    assert landing.check() == 40_000
    # An upload whose beginning was never answered stays: nobody knows of it but the next start, which looks.
    again = landing.weir.run()
    assert again.code == DONE and "the job has ended" in again.log, again.show()
    assert landing.table.uploads() == []
    assert landing.check() == 40_000


def test_an_upload_that_somebody_ended(kafka, s3, bucket: str, weir_binary: pathlib.Path,
                                       tmp_path: pathlib.Path) -> None:
    """A checkpoint counts on its parts: that is a stop which says so, not a gap in the table."""
    landing = Landing(kafka, s3, bucket, tmp_path, size="128MiB", every="10m").produce(20_000, 1000)
    landing.weir.start("engine.source.poll=delay:60@1+")
    landing.weir.wait_until(lambda: landing.table.uploads(), 30, "an upload is begun")
    number = max(landing.weir.manifests())
    landing.weir.wait_until(lambda: max(landing.weir.manifests()) > number + 3, 30, "checkpoints count on it")
    landing.weir.kill()
    client = s3.client()
    for upload in client.list_multipart_uploads(Bucket=bucket)["Uploads"]:
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    done = landing.weir.run()
    assert done.code == FAILED and "WEIR-L007" in done.codes(), done.show()
    assert "is gone, and a checkpoint counts on its" in done.log and "lifecycle" in done.log, done.show()
    assert landing.check(complete=False) == 0


def test_a_full_disk(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """What a checkpoint holds of files finds no room: it is told, nothing shows, and with room all goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk], capture_output=True,
                             text=True)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small file system")
    landing = Landing(kafka, s3, bucket, tmp_path, every="500ms").produce(1_000, 1000)
    landing.weir.state = disk / "state"
    try:
        landing.weir.start(sets={"sources.records.kafka.stop": "never"})
        landing.weir.wait_until(lambda: landing.listed_rows() == 1_000, 30, "all rows")
        with open(disk / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"\0" * 4096)
        landing.produce(4_000, 1000)
        landing.weir.wait_log("No space left on device")
        landing.weir.wait_log("checkpoint dropped")
        assert landing.listed_rows() == 1_000, "visible without a durable checkpoint"
        (disk / "filler").unlink()
        landing.weir.wait_until(lambda: landing.listed_rows() == 5_000, 40, "all rows")
        done = landing.weir.stop()
        assert done.code == DONE, done.show()
        assert landing.check() == 5_000
    finally:
        landing.weir.kill()
        subprocess.run(["umount", "-l", disk], check=True)


def test_over_workers(kafka, s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A cluster writes the table: a worker is killed, and the job rescaled, while files are open."""
    landing = Landing(kafka, s3, bucket, tmp_path).produce(40_000, 1000)
    cluster = Cluster(tmp_path / "cluster", landing.job, {"JOB": landing.name}, workers=3, slots=2)
    cluster.manager.start()
    for worker in cluster.workers.values():
        worker.start("engine.source.poll=delay:60@1+")
    with cluster:
        cluster.start()
        cluster.wait_job("running")
        cluster.wait_until(landing.table.listed, 60, "files are listed")
        cluster.ask("rescale", landing.name, "3")
        cluster.wait_job("running", parallelism=3)
        cluster.wait_until(landing.table.uploads, 60, "an upload is open")
        victim = cluster.workers["w0"]
        victim.kill()
        victim.start("engine.source.poll=delay:60@1+")
        cluster.wait_job("ended", timeout_s=120)
    assert landing.check() == 40_000
    assert landing.table.uploads() == []
