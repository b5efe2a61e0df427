"""Avro records by real registries, Confluent's way and AWS Glue's: written by weir and read by fastavro,
written by fastavro and read by weir, with schemas that change and registries that go away."""

import io
import json
import pathlib
import struct
import urllib.request
import uuid
import zlib

import fastavro
import pytest

from e2e.cluster import Cluster, Daemon
from e2e.weir import DONE, FAILED, USAGE, Weir, call
from parts.proxy import Proxy

V1 = {"type": "record", "name": "Order", "fields": [
    {"name": "n", "type": "long"}, {"name": "what", "type": ["null", "string"], "default": None}]}
V2 = {"type": "record", "name": "Order", "fields": [
    {"name": "city", "type": "string", "default": ""}, *V1["fields"]]}
OTHER = {"type": "record", "name": "Order", "fields": [{"name": "n", "type": "string"}]}

READER = """
job: "{name}"
checkpoint: {{ interval: 100ms }}
sources:
  orders:
    kafka: {{ connection: main, topic: "{name}", start: earliest, stop: {stop} }}
    format: {{ avro: {{ {format} }} }}
    on_error: {on_error}
sinks:
  out:
    from: orders
    kafka: {{ connection: main, topic: "{name}.out" }}
"""


def encode(schema: dict, row: dict) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), row)
    return out.getvalue()


class Confluent:
    """What a test does at the registry itself, beside weir, which goes by a proxy."""

    def __init__(self, registry):
        self.url = registry.url
        self.proxy = Proxy(registry.port).start()

    @property
    def connection(self) -> str:
        return f"schema_registry: {{ url: 'http://127.0.0.1:{self.proxy.port}/apis/ccompat/v7' }}"

    def call(self, method: str, path: str, body=None):
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def register(self, subject: str, schema: dict) -> bytes:
        """What stands before its records."""
        body = {"schema": json.dumps(schema)}
        return b"\0" + struct.pack(">I", self.call("POST", f"/subjects/{subject}/versions", body)["id"])

    def decode(self, record: bytes) -> dict:
        magic, number = struct.unpack(">bI", record[:5])
        assert magic == 0
        schema = json.loads(self.call("GET", f"/schemas/ids/{number}")["schema"])
        return fastavro.schemaless_reader(io.BytesIO(record[5:]), schema)

    def versions(self, subject: str) -> list:
        return self.call("GET", f"/subjects/{subject}/versions")


class Glue:
    def __init__(self, moto, name: str):
        self.client = moto.client("glue")
        self.name = name
        self.proxy = Proxy(moto.port).start()
        moto.unchecked_requests(1_000_000)
        self.client.create_registry(RegistryName=name)

    @property
    def connection(self) -> str:
        return (f"glue: {{ region: us-east-1, registry: {self.name}, "
                f"endpoint: 'http://127.0.0.1:{self.proxy.port}' }}")

    def register(self, subject: str, schema: dict) -> bytes:
        name = {"RegistryName": self.name, "SchemaName": subject}
        try:
            made = self.client.register_schema_version(SchemaId=name, SchemaDefinition=json.dumps(schema))
        except self.client.exceptions.EntityNotFoundException:
            made = self.client.create_schema(
                RegistryId={"RegistryName": self.name}, SchemaName=subject, DataFormat="AVRO",
                Compatibility="FULL", SchemaDefinition=json.dumps(schema))
        return b"\x03\0" + uuid.UUID(made.get("VersionId") or made.get("SchemaVersionId")).bytes

    def decode(self, record: bytes) -> dict:
        assert record[:2] == b"\x03\0"
        found = self.client.get_schema_version(SchemaVersionId=str(uuid.UUID(bytes=record[2:18])))
        return fastavro.schemaless_reader(io.BytesIO(record[18:]), json.loads(found["SchemaDefinition"]))

    def versions(self, subject: str) -> list:
        newest = self.client.get_schema_version(
            SchemaId={"RegistryName": self.name, "SchemaName": subject},
            SchemaVersionNumber={"LatestVersion": True})
        return list(range(1, newest["VersionNumber"] + 1))


@pytest.fixture(params=["confluent", "glue"])
def place(request, monkeypatch):
    """A registry of either kind."""
    if request.param == "confluent":
        place = Confluent(request.getfixturevalue("registry"))
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        place = Glue(request.getfixturevalue("moto"), f"r-{uuid.uuid4().hex[:8]}")
    yield place
    place.proxy.stop()


@pytest.fixture
def confluent(registry):
    place = Confluent(registry)
    yield place
    place.proxy.stop()


class Case:
    """A topic of Avro records, and a job that copies it into another as JSON."""

    def __init__(self, kafka, place, work: pathlib.Path, stop: str = "latest", on_error: str = "fail",
                 more: str = "", partitions: int = 2):
        self.kafka, self.place = kafka, place
        self.name = f"avro-{uuid.uuid4().hex[:8]}"
        self.subject = f"{self.name}-value"
        for topic in (self.name, f"{self.name}.out", f"{self.name}.dead"):
            kafka.create_topic(topic, partitions=partitions)
        self.config = work / "weir.yaml"
        self.config.write_text(
            f"connections:\n  main: {{ kafka: {{ bootstrap_servers: '{kafka.bootstrap}' }} }}\n"
            f"  registry: {{ {place.connection} }}\n")
        self.job = work / "job.yaml"
        self.job.write_text(READER.format(
            name=self.name, stop=stop, format=f"registry: registry{more}",
            on_error=on_error.format(name=self.name)))
        self.weir = Weir(self.job, work / "run", flags=["--config", str(self.config)])

    def send(self, records: list, partition: int = 0) -> None:
        self.kafka.produce(self.name, [(None, record, partition) for record in records])

    def numbers(self) -> list:
        return sorted(json.loads(m.value())["n"] for m in self.kafka.read_all(f"{self.name}.out"))

    def wait_for(self, numbers) -> None:
        self.weir.wait_until(lambda: self.numbers() == sorted(numbers), 40, "each number is out once")


def rows(frame: bytes, schema: dict, numbers) -> list:
    return [frame + encode(schema, {"n": n, "what": None, "city": "x"}) for n in numbers]


def test_what_weir_writes_others_read_and_so_does_weir(kafka, place, weir_binary, tmp_path):
    case = Case(kafka, place, tmp_path)
    (tmp_path / "click.avsc").write_text(json.dumps({
        "type": "record", "name": "ClickEvent", "namespace": "weir.examples", "fields": [
            {"name": "n", "type": "long"}, {"name": "event_type", "type": ["string", "null"]},
            {"name": "spare", "type": "int", "default": 7}]}))
    producer = tmp_path / "producer.yaml"
    producer.write_text(f"""
job: {case.name}-producer
sources:
  users: {{ generator: {{ kind: clickstream, users: 3, delay: none, count: 400, seed: 1 }} }}
steps:
  few: {{ from: users, select: {{ n: globalseq, event_type: event_type }} }}
sinks:
  events:
    from: few
    kafka: {{ connection: main, topic: "{case.name}", key: n }}
    format: {{ avro: {{ registry: registry, schema: {{ file: click.avsc }}, register: true, compatibility: FULL }} }}
""")
    written = Weir(producer, tmp_path / "producer", flags=["--config", str(case.config)])
    done = written.run()
    assert done.code == DONE, done.show()
    # Started again while the registry is away, it knows the id.
    place.proxy.cut()
    done = written.run()
    assert done.code == DONE and "a schema's id is taken from before" in done.log, done.show()
    place.proxy.restore()
    assert place.versions(case.subject) == [1]
    written = [place.decode(m.value()) for m in kafka.read_all(case.name)]
    assert len(written) == 400 and all(row["spare"] == 7 for row in written)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    read = [json.loads(m.value()) for m in kafka.read_all(f"{case.name}.out")]
    assert sorted(read, key=lambda row: row["n"]) == sorted(written, key=lambda row: row["n"])


def test_a_registry_goes_away_and_comes_back(kafka, place, weir_binary, tmp_path):
    case = Case(kafka, place, tmp_path, stop="never")
    one = place.register(case.subject, V1)
    case.send(rows(one, V1, range(100)))
    case.weir.start()
    case.wait_for(range(100))
    two = place.register(case.subject, V2)
    place.proxy.cut()
    # Known ids go on, in the same run and the next one; what is unknown waits, and nobody else.
    case.send(rows(two, V2, range(1000, 1050)), partition=1)
    case.send(rows(one, V1, range(100, 200)))
    case.wait_for(range(200))
    assert "WEIR-A001" in case.weir.wait_log("a schema cannot be had")
    case.weir.kill()
    case.weir.start()
    case.send(rows(one, V1, range(200, 300)))
    case.wait_for(range(300))
    place.proxy.restore()
    case.wait_for([*range(300), *range(1000, 1050)])
    done = case.weir.stop()
    assert done.code == DONE, done.show()


def test_bad_records_are_set_aside(kafka, confluent, weir_binary, tmp_path):
    letters = "{{ dead_letter: {{ kafka: {{ connection: main, topic: '{name}.dead' }} }} }}"
    case = Case(kafka, confluent, tmp_path, on_error=letters)
    frame = confluent.register(case.subject, V1)
    good = rows(frame, V1, range(50))
    hostile = b"\x02" + b"\xff" * 9 + b"\x7f"  # A text that claims to be endless.
    bad = [b'{"n": 1}', b"\x01" + good[0][1:], b"\0\0\0", good[0][:5], good[0][:-1],
           b"\0" + struct.pack(">I", 4_000_000) + good[0][5:], frame + b"\0" + hostile, b"Obj\x01xxxxxx"]
    case.send([record for pair in zip(good, bad, strict=False) for record in pair] + good[len(bad):])
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(50))
    told = [json.loads(m.value()) for m in kafka.read_all(f"{case.name}.dead")]
    codes = [letter["code"] for letter in sorted(told, key=lambda letter: letter["offset"])]
    assert codes == ["WEIR-F034", "WEIR-F034", "WEIR-F034", "WEIR-F001", "WEIR-F001", "WEIR-F035",
                     "WEIR-F001", "WEIR-F034"]


def test_packed_records_of_glue_are_read(kafka, moto, monkeypatch, weir_binary, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    case = Case(kafka, Glue(moto, f"r-{uuid.uuid4().hex[:8]}"), tmp_path, on_error="skip")
    frame = case.place.register(case.subject, V1)
    packed = b"\x03\x05" + frame[2:]
    case.send(rows(frame, V1, range(10)) +
              [packed + zlib.compress(row[18:]) for row in rows(frame, V1, range(10, 20))] +
              [packed + zlib.compress(b"\0" * (64 << 20)), packed + b"nonsense"])
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(20))


def test_a_schema_that_cannot_be_read_stops_the_job(kafka, confluent, weir_binary, tmp_path):
    case = Case(kafka, confluent, tmp_path, stop="never")
    one = confluent.register(case.subject, V1)
    case.send(rows(one, V1, range(10)))
    case.weir.start()
    case.wait_for(range(10))
    # Apicurio takes it: a subject's compatibility is NONE there, unless somebody says otherwise.
    two = confluent.register(case.subject, V2)
    case.send(rows(two, V2, range(10, 20)))
    case.wait_for(range(20))
    other = confluent.register(case.subject, OTHER)
    case.send([other + encode(OTHER, {"n": "twenty"})])
    done = case.weir.wait()
    assert done.code == FAILED, done.show()
    assert "WEIR-F039" in done.log and case.subject in done.log
    assert case.numbers() == list(range(20))


def test_what_does_not_fit_is_not_written(kafka, place, weir_binary, tmp_path):
    case = Case(kafka, place, tmp_path)
    place.register(case.subject, V1)
    (tmp_path / "rows.json").write_text("\n".join(
        json.dumps({"n": n if n % 3 else None, "what": "x"}) for n in range(30)))
    job = tmp_path / "producer.yaml"

    def produce(format_options: str):
        job.write_text(f"""
job: {case.name}-producer
sources:
  given: {{ files: {{ path: rows.json }}, format: json, columns: {{ n: int64, what: string }} }}
sinks:
  events:
    from: given
    kafka: {{ connection: main, topic: "{case.name}" }}
    format: {{ avro: {{ registry: registry, {format_options} }} }}
    on_error: skip
""")
        return Weir(job, tmp_path / uuid.uuid4().hex, flags=["--config", str(case.config)]).run()

    # Neither a schema that breaks what others rely on, nor one that nobody may register.
    broken = {**V1, "fields": [*V1["fields"], {"name": "x", "type": "int"}]}
    broken["fields"] = [broken["fields"][0], {"name": "what", "type": "string"}]
    (tmp_path / "broken.avsc").write_text(json.dumps(broken))
    done = produce("schema: { file: broken.avsc }, register: true, compatibility: FULL")
    assert done.code == FAILED and "WEIR-F038" in done.codes(), done.show()
    assert "what" in done.log and case.subject in done.log
    done = produce("register: false")
    assert done.code == FAILED and "WEIR-F037" in done.codes() and case.subject in done.log, done.show()
    assert place.versions(case.subject) == [1]
    assert sum(kafka.end_offsets(case.name).values()) == 0
    done = produce(f"schema: '{json.dumps(V1)}'")
    assert done.code == DONE, done.show()
    written = sorted(place.decode(m.value())["n"] for m in kafka.read_all(case.name))
    assert written == [n for n in range(30) if n % 3]


def test_a_job_without_its_registry_is_told_so(kafka, confluent, weir_binary, tmp_path):
    case = Case(kafka, confluent, tmp_path)
    asked = ["validate", str(case.job), "--config", str(case.config)]
    done = call(*asked)
    assert done.code == USAGE and "has no subject" in done.log and "schema: { file" in done.log, done.show()
    confluent.register(case.subject, V1)
    confluent.register(case.subject, V2)
    assert call(*asked).code == DONE
    version = ["--set", "sources.orders.format.avro.version=1"]
    explained = call("explain", *asked[1:], *version)
    assert "decodes n int64, what string\n" in explained.out, explained.show()
    confluent.proxy.cut()
    done = call(*asked)
    assert done.code == USAGE and "WEIR-F036" in done.log and "WEIR-A001" in done.log, done.show()
    (tmp_path / "v1.avsc").write_text(json.dumps(V1))
    done = call(*asked, "--set", "sources.orders.format.avro.schema={ file: v1.avsc }")
    assert done.code == DONE, done.show()


class Configured(Cluster):
    """One whose processes know the connections, which the command line does not."""

    def __init__(self, case: Case, work: pathlib.Path):
        self.config = str(case.config)
        super().__init__(work, case.job, {"JOB": case.name}, workers=2)

    def make_manager(self, name: str, listen: str, http_address: str, *flags: str) -> Daemon:
        return super().make_manager(name, listen, http_address, *flags, "--config", self.config)

    def make_worker(self, worker_id: str, slots: int = 2, manager: str | None = None) -> Daemon:
        worker = super().make_worker(worker_id, slots, manager)
        worker.words = [*worker.words, "--config", self.config]
        return worker


def test_a_cluster_asks_once_for_the_schema(kafka, confluent, weir_binary, tmp_path):
    case = Case(kafka, confluent, tmp_path, stop="never")
    one = confluent.register(case.subject, V1)
    case.send(rows(one, V1, range(50)))
    with Configured(case, tmp_path / "cluster") as cluster:
        cluster.start()
        cluster.wait_until(lambda: case.numbers() == list(range(50)), 60, "50 numbers are out")
        # A newer version, an outage, and a worker that is lost: the job still reads as it did.
        confluent.register(case.subject, V2)
        confluent.proxy.cut()
        cluster.workers["w0"].kill()
        case.send(rows(one, V1, range(50, 100)))
        cluster.wait_until(lambda: case.numbers() == list(range(100)), 60, "100 numbers are out")
        assert "city" not in kafka.read_all(f"{case.name}.out")[-1].value().decode()
