"""Documents in a real search server: each once and right, whatever dies or refuses meanwhile. What is
there is read by plain HTTP."""

import base64
import json
import os
import pathlib
import random
import re
import time
import uuid

import pytest
import yaml

from e2e import failpoints
from e2e.cluster import Cluster
from e2e.test_avro import Confluent, encode
from e2e.test_kafka_security import doctor, verdicts
from e2e.weir import DONE, FAILED, ROOT, Weir, call
from oracle import clickstream
from parts.kafka_secure import Certificates
from parts.search_front import Front, Signatures

SEED = int(os.environ.get("WEIR_SEED", "20250101"))

JOB = """
job: "{name}"
checkpoint: {{ interval: {interval} }}
connections:
  broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }}
  search: {{ opensearch: {{ {connection} }} }}
sources:
  given:
    kafka: {{ connection: broker, topic: "{name}", start: earliest, stop: {stop} }}
    columns: {{ id: string, n: int64, what: string, gone: bool }}
sinks:
  out:
    from: given
    opensearch: {{ connection: search, index: "{name}"{options} }}
    on_error: {on_error}
"""
DEAD_LETTER = '{{ dead_letter: {{ kafka: {{ connection: broker, topic: "{name}.dead" }} }} }}'
BY_ID = ", id: id"
# The index takes numbers only, and this is none; long, so that some of them are a file of the store.
BAD = "no number " + "x" * 4000
NUMBERS = {"mappings": {"properties": {"what": {"type": "long"}}}}


class Case:
    """A small job from a topic into an index, both of its own."""

    def __init__(self, kafka, search, work: pathlib.Path, url: str = "", **settings: str):
        self.kafka, self.search = kafka, search
        self.name = f"search-{uuid.uuid4().hex[:8]}"
        self.settings = {
            "name": self.name, "bootstrap": kafka.bootstrap, "interval": "100ms", "stop": "never",
            "options": BY_ID, "on_error": "fail", "connection": f'url: "{url or search.url}"', **settings}
        self.settings["on_error"] = self.settings["on_error"].format(name=self.name)
        kafka.create_topic(self.name, partitions=2)
        kafka.create_topic(f"{self.name}.dead", partitions=1)
        self.path = work / "job.yaml"
        self.write()
        self.weir = Weir(self.path, work / "run")
        self.rows: list[dict] = []

    def write(self, **settings: str) -> None:
        self.settings.update(settings)
        self.path.write_text(JOB.format(**self.settings))

    def produce(self, rows: list[dict]) -> None:
        """Rows of an id go to one partition, so that their order is one."""
        rows = [{"id": f"k{row['n']}", "what": str(row["n"]), "gone": False, **row} for row in rows]
        self.rows += rows
        self.kafka.produce(self.name, [
            (None, json.dumps(row).encode(), sum(row["id"].encode()) % 2) for row in rows])

    def expected(self) -> dict:
        """The last row of each id, but where it deletes it."""
        last = {row["id"]: row for row in self.rows}
        return {name: row for name, row in last.items() if not row["gone"]}

    def documents(self) -> dict:
        return self.search.documents(self.name)

    def wait_for_all(self, timeout_s: float = 60) -> None:
        self.weir.wait_until(lambda: self.documents() == self.expected(), timeout_s, "all documents are right")

    def letters(self) -> list[dict]:
        return [json.loads(one.value()) for one in self.kafka.read_all(f"{self.name}.dead")]

    def stop(self) -> None:
        stopped = self.weir.stop()
        assert stopped.code == DONE, stopped.show()


def rows(begin: int, end: int, **more) -> list[dict]:
    return [{"n": n, **more} for n in range(begin, end)]


def test_the_last_row_of_an_id_is_its_document(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, stop="latest")
    case.produce([{"n": n, "id": f"k{n % 50}"} for n in range(1000)])
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.documents() == case.expected() and len(case.expected()) == 50
    # A job that is begun anew starts with small numbers of checkpoints, and counts all the same.
    case.produce([{"n": n, "id": f"k{n % 40}"} for n in range(2000, 2100)])
    assert case.weir.run(flags=["--fresh"]).code == DONE
    assert case.documents() == case.expected()


def test_without_an_id_each_row_is_a_document(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, options="")
    case.produce(rows(0, 300))
    for number in (1, 2, 2):
        case.weir.start(f"opensearch.publish.done=kill@{number}")
        case.produce(rows(len(case.rows), len(case.rows) + 100))
        assert case.weir.wait().killed
    case.weir.start()

    def all_once():
        return sorted(one["n"] for one in case.documents().values()) == list(range(600))

    case.weir.wait_until(all_once, 30, "each row is there once")
    case.stop()
    assert all_once()


def test_tombstones_delete(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, options=", id: id, tombstone: gone")
    case.weir.start()
    case.produce(rows(0, 20))
    case.wait_for_all()
    case.produce(rows(0, 20, gone=True)[::2])
    case.produce([{"n": 100, "id": "never", "gone": True}, {"n": 101, "id": "k4"}])
    case.wait_for_all()
    case.stop()
    assert set(case.documents()) == {"k4", *(f"k{n}" for n in range(1, 20, 2))}


def feed(case: Case, chance: random.Random, count: int) -> None:
    """Rows of few ids and of many, some of which the index will never take."""
    made = []
    for n in range(len(case.rows), len(case.rows) + count):
        bad = n % 20 == 7
        made.append({"n": n, "id": f"bad{n}" if bad else f"k{chance.randrange(200)}",
                     **({"what": BAD} if bad else {}), "gone": not bad and chance.random() < 0.1})
    case.produce(made)


def check_letters(case: Case) -> None:
    """Each refused document is a dead letter, once, with the server's words."""
    wanted = {row["id"]: row for row in case.rows if row["what"] == BAD}
    letters = case.letters()
    keys = [base64.b64decode(letter["key"]).decode() for letter in letters]
    assert sorted(keys) == sorted(wanted), (len(keys), len(wanted))
    for key, letter in zip(keys, letters):
        assert letter["code"] == "WEIR-O006" and letter["node"] == "out" and letter["topic"] == case.name
        assert "no number" in letter["reason"] and "mapper_parsing_exception" in letter["reason"]
        assert json.loads(base64.b64decode(letter["value"])) == wanted[key]


def good_ones(case: Case) -> dict:
    return {name: row for name, row in case.expected().items() if row["what"] != BAD}


def test_refused_documents_are_dead_letters(kafka, search, weir_binary, tmp_path) -> None:
    """Also those of the last checkpoint of a job that ends."""
    case = Case(kafka, search, tmp_path, stop="latest", options=", id: id, tombstone: gone",
                on_error=DEAD_LETTER, interval="1h")
    search.call("PUT", f"/{case.name}", NUMBERS)
    feed(case, random.Random(SEED), 200)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.documents() == good_ones(case)
    check_letters(case)
    assert case.weir.newest_manifest().totals["out.set_aside"] == len(case.letters()) == 10
    assert case.weir.run().code == DONE
    check_letters(case)


def test_skip_and_fail(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, stop="latest")
    search.call("PUT", f"/{case.name}", NUMBERS)
    feed(case, random.Random(SEED), 100)
    done = case.weir.run()
    assert done.code == FAILED and "WEIR-O006" in done.codes(), done.show()
    assert "mapper_parsing_exception" in done.log and "on_error: skip" in done.log
    case.write(on_error="skip")
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert set(case.documents()) == set(row["id"] for row in case.rows if row["what"] != BAD)
    assert case.letters() == []


def next_checkpoint(case: Case) -> None:
    """So that what is given next is of another epoch."""
    before = case.weir.newest_manifest()
    case.weir.wait_until(lambda: (now := case.weir.newest_manifest()) and (not before or now.number > before.number),
                         60, "another checkpoint")


def campaign(case: Case, lives: list[str], chance: random.Random) -> int:
    """One life after the other, each with an end: at a failpoint, or by chance. How many were killed."""
    killed = 0
    for life in lives:
        case.weir.start(life)
        for _ in range(3):
            feed(case, chance, 50)
            if case.weir.ends_within(chance.uniform(0.05, 0.3)):
                break
        if life:
            # It may not come to the place in this life: then it is killed somewhere else.
            if not case.weir.ends_within(8):
                case.weir.kill()
            else:
                killed += 1
        else:
            assert not case.weir.ends_within(chance.uniform(0.1, 2)), case.weir.log()[-3000:]
            case.weir.kill()
            killed += 1
    return killed


def finish(case: Case) -> None:
    case.weir.start()
    case.weir.wait_until(lambda: case.documents() == good_ones(case), 60, "all documents are right")
    case.weir.wait_until(
        lambda: len(case.letters()) >= sum(row["what"] == BAD for row in case.rows), 30, "all letters")
    case.stop()
    assert case.documents() == good_ones(case)
    check_letters(case)


def test_kills(kafka, search, weir_binary, tmp_path, tell) -> None:
    """At random moments, and at every place of publishing and of what is refused."""
    chance = random.Random(SEED)
    case = Case(kafka, search, tmp_path, options=", id: id, tombstone: gone", on_error=DEAD_LETTER)
    search.call("PUT", f"/{case.name}", NUMBERS)
    lives = []
    for place in failpoints.SEARCH:
        # What recovery does with refused documents comes after a kill that leaves some unpublished.
        if place.startswith("engine.recovery"):
            lives += ["opensearch.publish.done=kill@2", f"{place}=kill@1"]
        else:
            lives += [f"{place}=kill@2", f"{place}=kill@1"]
    killed = campaign(case, [*lives, *[""] * 4], chance)
    finish(case)
    hits = set(case.weir.hits())
    assert hits >= set(failpoints.SEARCH), f"not hit: {set(failpoints.SEARCH) - hits}"
    tell(f"search: {killed} kills, {len(case.rows)} rows, {len(case.expected())} ids, "
         f"{len(case.letters())} letters")


def test_a_cluster(kafka, search, weir_binary, tmp_path) -> None:
    """Two workers publish and refuse; one of them is lost."""
    case = Case(kafka, search, tmp_path, options=", id: id, tombstone: gone", on_error=DEAD_LETTER)
    case.path.write_text("parallelism: 2\n" + case.path.read_text())
    search.call("PUT", f"/{case.name}", NUMBERS)
    chance = random.Random(SEED)
    with Cluster(tmp_path / "cluster", case.path, {"JOB": case.name}, workers=2, slots=1) as cluster:
        cluster.start()
        for _ in range(4):
            feed(case, chance, 100)
            cluster.wait_checkpoints(1)
        cluster.wait_until(lambda: case.documents() == good_ones(case), 60, "all documents are right")
        feed(case, chance, 100)
        cluster.workers["spare"] = cluster.make_worker("spare", 1).start()
        cluster.workers["w1"].kill()
        feed(case, chance, 100)
        cluster.wait_until(lambda: case.documents() == good_ones(case), 90, "all documents are right")
        wanted = sum(row["what"] == BAD for row in case.rows)
        cluster.wait_until(lambda: len(case.letters()) >= wanted, 30, "all letters")
        stopped = cluster.stop()
        assert stopped.code == DONE, stopped.show()
    assert case.documents() == good_ones(case)
    check_letters(case)


def test_an_error_in_the_middle_of_publishing(kafka, search, weir_binary, tmp_path) -> None:
    """What was written already is written again, to no effect."""
    case = Case(kafka, search, tmp_path, options=", id: id, tombstone: gone", on_error=DEAD_LETTER)
    search.call("PUT", f"/{case.name}", NUMBERS)
    chance = random.Random(SEED + 1)
    case.weir.start("opensearch.publish.some=error@2,opensearch.publish.done=error@3")
    for _ in range(5):
        feed(case, chance, 60)
        next_checkpoint(case)
    case.weir.wait_until(lambda: case.documents() == good_ones(case), 60, "all documents are right")
    case.weir.wait_log("publishing goes on")
    case.stop()
    finish(case)


def test_a_server_that_goes_away_and_comes_back(kafka, own_search, weir_binary, tmp_path) -> None:
    case = Case(kafka, own_search, tmp_path)
    case.weir.start()
    case.produce(rows(0, 100))
    case.wait_for_all()
    own_search.kill()
    case.produce(rows(50, 200, what="7"))
    assert "WEIR-A001" in case.weir.wait_log("publishing waits")
    case.weir.kill()
    case.weir.start()  # It waits for the server, too.
    own_search.start()
    case.wait_for_all()
    case.stop()


def test_a_block_is_waited_for_and_told(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path)
    case.weir.start()
    case.produce(rows(0, 50))
    case.wait_for_all()
    before = case.expected()
    for block in ("write", "read_only_allow_delete"):
        search.call("PUT", f"/{case.name}/_settings", {f"index.blocks.{block}": True})
        case.produce(rows(len(case.rows), len(case.rows) + 50))
        line = case.weir.wait_log("publishing waits")
        assert "WEIR-O004" in line and "cluster_block_exception" in line
        assert case.documents() == before
        search.call("PUT", f"/{case.name}/_settings", {f"index.blocks.{block}": None})
        case.wait_for_all()
        before = case.expected()
    case.stop()


def test_a_server_that_has_too_much_to_do(kafka, search, weir_binary, tmp_path) -> None:
    """Requests are refused, answered by nonsense, and items of them refused; each is sent again."""
    with Front(search) as front:
        case = Case(kafka, search, tmp_path, url=front.url)
        chance = random.Random(SEED)
        answers = [(429, {"error": {"type": "rejected_execution_exception"}}), (503, {}), (502, "<html>"),
                   (200, {"items": []}), (200, "half an answer"), None, None]

        def fault(method, path, body):
            return chance.choice(answers) if "_bulk" in path else None

        front.fault = fault
        case.weir.start()
        for _ in range(10):
            case.produce([{"n": len(case.rows) + i, "id": f"k{chance.randrange(60)}"} for i in range(100)])
            next_checkpoint(case)
        front.fault = None
        case.wait_for_all()
        case.stop()


def test_a_request_that_is_too_large_is_cut(kafka, search, weir_binary, tmp_path) -> None:
    with Front(search) as front:
        case = Case(kafka, search, tmp_path, url=front.url, on_error=DEAD_LETTER, interval="2s")
        front.fault = lambda method, path, body: (413, {}) if len(body) > 3000 else None
        case.weir.start()
        case.produce(rows(0, 200))
        case.produce([{"n": 200, "id": "large", "what": "x" * 5000}])
        case.weir.wait_until(lambda: len(case.documents()) == 200, 30, "all but the large one are there")
        case.weir.wait_until(case.letters, 30, "the large one is a letter")
        case.stop()
        del case.rows[-1]
        assert case.documents() == case.expected()
        [letter] = case.letters()
        assert base64.b64decode(letter["key"]) == b"large" and "size" in letter["reason"]


def test_the_index_is_made_from_the_mapping(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, stop="latest",
                options=", id: id, mapping: { what: geo_point, n: integer }")
    case.produce(rows(0, 10, what="dr5ru7z"))
    done = case.weir.run()
    assert done.code == DONE, done.show()
    made = search.call("GET", f"/{case.name}/_mapping")[case.name]["mappings"]["properties"]
    assert made["what"] == {"type": "geo_point"} and made["n"] == {"type": "integer"}
    assert made["gone"] == {"type": "boolean"} and made["id"]["fields"]["keyword"]["type"] == "keyword"
    assert case.documents() == case.expected()
    near = {"query": {"geo_distance": {"distance": "20km", "what": {"lat": 40.7484, "lon": -73.9857}}}}
    assert search.call("POST", f"/{case.name}/_search", near)["hits"]["total"]["value"] == 10
    # It is there now, and has another type than what the job says next.
    case.write(options=", id: id, mapping: { what: keyword }")
    done = case.weir.run(flags=["--fresh"])
    assert done.code == FAILED and "WEIR-O009" in done.codes(), done.show()
    assert "'what' is geo_point, and the job says keyword" in done.log


def test_an_index_that_is_there_gets_what_it_lacks(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, stop="latest", options=", id: id, mapping: { what: keyword }")
    search.call("PUT", f"/{case.name}", {"mappings": {"properties": {"n": {"type": "double"}}}})
    case.produce(rows(0, 10))
    assert case.weir.run().code == DONE
    made = search.call("GET", f"/{case.name}/_mapping")[case.name]["mappings"]["properties"]
    assert made["what"] == {"type": "keyword"} and made["n"] == {"type": "double"}


def test_a_template_counts_where_no_mapping_is_given(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, stop="latest")
    search.call("PUT", f"/_index_template/{case.name}", {
        "index_patterns": [f"{case.name}*"],
        "template": {"mappings": {"properties": {"what": {"type": "keyword"}}}}})
    case.produce(rows(0, 10))
    assert case.weir.run().code == DONE
    made = search.call("GET", f"/{case.name}/_mapping")[case.name]["mappings"]["properties"]
    assert made["what"] == {"type": "keyword"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_tls_and_a_password(kafka, search, certificates, weir_binary, tmp_path) -> None:
    folder = certificates.folder
    password = tmp_path / "password"
    password.write_text("it's \"secret\"")
    login = (f"user: weir, password: {{ file: {password} }}", f"tls: {{ ca: {certificates.ca} }}")
    with Front(search, (folder / "server.pem", folder / "server.key"), ("weir", "it's \"secret\"")) as front:
        url = f'url: "{front.url}"'
        case = Case(kafka, search, tmp_path, connection=", ".join((url, *login)))
        case.produce(rows(0, 100))
        case.weir.start()
        case.wait_for_all()
        # The password is changed at both ends, at the server first.
        front.login = ("weir", "another")
        case.produce(rows(100, 150))
        assert "status 401" in case.weir.wait_log("publishing waits")
        password.write_text("another")
        case.wait_for_all()
        case.stop()

        def refused(connection: str, code: str) -> str:
            case.write(connection=connection)
            done = case.weir.run()
            assert done.code == FAILED and code in done.codes(), done.show()
            return done.log

        assert "docs" not in refused(", ".join((url, login[0])), "WEIR-A008")
        password.write_text("wrong")
        told = refused(", ".join((url, *login)), "WEIR-O002")
        assert "wrong" not in told.replace("wrongly", "") and "who are you" in told
        assert "WEIR-O002" in refused(", ".join((url, login[1])), "WEIR-O002")

        config = {"good": f"opensearch: {{ {url}, {login[1]}, {login[0]} }}"}
        password.write_text("another")
        done, told = doctor(config, tmp_path, "good")
        assert done.code == DONE and verdicts(told)["server"] == "ok", done.show()
        assert set(verdicts(told)) == {"port", "login", "server", "health"}
        assert "opensearch 2.19" in json.dumps(told)
        password.write_text("wrong")
        done, told = doctor(config, tmp_path, "good")
        assert done.code == FAILED and verdicts(told) == {"port": "ok", "login": "bad"}, done.show()
        done, told = doctor({"strange": f"opensearch: {{ {url} }}"}, tmp_path, "strange")
        assert done.code == FAILED and verdicts(told) == {"tls": "bad"}, done.show()
        done, told = doctor({"away": 'opensearch: { url: "http://127.0.0.1:1" }'}, tmp_path, "away")
        assert done.code == FAILED and verdicts(told) == {"port": "bad"}, done.show()


@pytest.mark.parametrize("service", ["es", "aoss"])
def test_signed_requests(kafka, search, weir_binary, tmp_path, monkeypatch, service: str) -> None:
    keys = ("AKIAWEIRTEST", "weir+test/secret", "a session's token")
    for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), keys):
        monkeypatch.setenv(f"AWS_{name}", value)
    with Front(search, signatures=Signatures(service, "eu-central-1", keys)) as front:
        def connection(region: str) -> str:
            return f'url: "{front.url}", signing: {{ service: {service}, region: {region} }}'

        case = Case(kafka, search, tmp_path, connection=connection("eu-central-1"),
                    options=", id: id, mapping: { what: keyword }")
        case.produce(rows(0, 100))
        case.weir.start()
        case.wait_for_all()
        case.stop()
        case.write(connection=connection("us-east-1"))
        done = case.weir.run()
        assert done.code == FAILED and "WEIR-O003" in done.codes(), done.show()
        assert "Credential should be scoped" in done.log and "region" in done.log
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        case.write(connection=connection("eu-central-1"))
        done = case.weir.run()
        assert done.code == FAILED and "WEIR-O003" in done.codes(), done.show()
        assert "does not match the signature" in done.log and keys[1] not in done.log


def test_another_address_is_taken_where_one_is_away(kafka, search, weir_binary, tmp_path) -> None:
    case = Case(kafka, search, tmp_path, stop="latest", url=f"http://127.0.0.1:1, {search.url}")
    case.produce(rows(0, 100))
    assert case.weir.run().code == DONE
    assert case.documents() == case.expected()


@pytest.mark.parametrize("changes, words", [
    ({"connection": 'url: "localhost:9200"'}, "no address"),
    ({"connection": 'url: "http://a:1", user: me'}, "belong together"),
    ({"connection": 'url: "http://a:1", role: me'}, "without 'signing'"),
    ({"connection": 'url: "http://a:1", tls: { ca: a }'}, "http://"),
    ({"options": ", id: id, mapping: { where: geo_point }"}, "no column 'where'"),
    ({"options": ", tombstone: gone"}, "no 'id'"),
    ({"options": ", id: id, tombstone: n"}, "condition"),
])
def test_faults_of_options_are_told_at_once(kafka, search, weir_binary, tmp_path, changes, words) -> None:
    case = Case(kafka, search, tmp_path, **changes)
    done = call("validate", case.path)
    assert done.code != DONE and "WEIR-O008" in done.codes() and words in done.log + done.out, done.show()


# The examples, as they are.

def produced(kafka, topic: str) -> list[dict]:
    return [json.loads(one.value()) for one in kafka.read_all(topic)]


def as_documents(records: list[dict], times: set[str], name_of) -> dict:
    """What the index should hold of what a topic does: times are texts there."""
    found = {}
    for record in records:
        times_of = {column: record[column] for column in times}
        found[name_of(record)] = record
        for column in times:
            seconds, millis = divmod(times_of[column], 1000)
            part = f".{millis:03}" if millis else ""
            record[column] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + part + "Z"
    return found


def test_the_clickstream_example(kafka, search, registry, weir_binary, tmp_path, monkeypatch) -> None:
    for name, value in (("BOOTSTRAP_SERVERS", kafka.bootstrap), ("OPENSEARCH_URL", search.url),
                        ("SCHEMA_REGISTRY_URL", registry.url)):
        monkeypatch.setenv(name, value)
    job, config = ROOT / "examples/clickstream.yaml", ROOT / "examples/weir-confluent.yaml"
    topics = ["ExampleTopic.dead", "Departments_Agg", "ClickEvents_UserId_Agg_Result",
              "User_Sessions_Aggregates_With_Order_Checkout"]
    kafka.create_topic("ExampleTopic", partitions=3)
    for topic in topics:
        kafka.create_topic(topic, partitions=2)
    schema = json.loads((ROOT / "examples/click_event.avsc").read_text())
    frame = Confluent(registry).register("ExampleTopic-value", schema)
    kafka.produce("ExampleTopic", [
        (None, frame + encode(schema, event), event["userid"] % 3)
        for event in clickstream.walk(SEED, sessions=2000)])
    done = call("validate", job, "--config", config)
    assert done.code == DONE, done.show()

    weir = Weir(job, tmp_path / "run", flags=["--config", str(config)], sets={
        "checkpoint.interval": "500ms", "sources.clicks.event_time.idle_after": "2s"})
    weir.start()
    weir.wait_until(lambda: len(search.documents("departments_count")) > 20, 60, "departments are counted")
    weir.kill()
    weir.start()
    weir.wait_log("lane recovered")
    weir.wait_until(lambda: len(produced(kafka, topics[3])) > 20, 60, "sessions are there")
    stopped = weir.stop()
    assert stopped.code == DONE, stopped.show()
    times = {"windowBeginTime", "windowEndTime"}
    assert search.documents("departments_count") == as_documents(
        produced(kafka, topics[1]), times, lambda row: f"{row['departmentName']}/{row['windowEndTime']}")
    assert search.documents("user_session_counts") == as_documents(
        produced(kafka, topics[2]), times, lambda row: str(row["windowEndTime"]))
    assert search.documents("user_session_details") == as_documents(
        produced(kafka, topics[3]), times, lambda row: f"{row['userId']}/{row['windowEndTime']}")


def test_the_taxi_example(kafka, search, weir_binary, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BOOTSTRAP_SERVERS", kafka.bootstrap)
    monkeypatch.setenv("OPENSEARCH_URL", search.url)
    kafka.create_topic("taxi-trip-events", partitions=2)
    chance = random.Random(SEED)
    trips = []
    for n in range(3000):
        end = 1_700_000_000 + n * 10
        trips.append({
            "trip_id": n, "pickup_latitude": 40.7 + chance.random() / 50, "pickup_longitude": -73.98,
            "dropoff_latitude": 40.64, "dropoff_longitude": -73.78, "pickup_datetime": (end - 1800) * 1000,
            "dropoff_datetime": end * 1000, "total_amount": 20.0, "passenger_count": 1})
    kafka.produce("taxi-trip-events", [(None, json.dumps(trip).encode(), n % 2) for n, trip in enumerate(trips)])
    weir = Weir(ROOT / "examples/taxi.yaml", tmp_path / "run", sets={"checkpoint.interval": "500ms"})
    weir.start()
    closed = [trip for trip in trips if trip["dropoff_datetime"] // 3_600_000
              < (trips[-1]["dropoff_datetime"] - 60_000) // 3_600_000]

    def total():
        return sum(one["pickup_count"] for one in search.documents("pickup_count").values())

    weir.wait_until(lambda: total() == len(closed), 60, "all closed hours are counted")
    weir.wait_until(lambda: search.documents("trip_duration"), 30, "durations are there")
    stopped = weir.stop()
    assert stopped.code == DONE, stopped.show()
    assert total() == len(closed)
    durations = search.documents("trip_duration").values()
    assert {one["airport_code"] for one in durations} == {"JFK"} and {one["avg_trip_duration"] for one in durations} == {30.0}
    mapping = search.call("GET", "/trip_duration/_mapping")["trip_duration"]["mappings"]["properties"]
    assert mapping["location"] == {"type": "geo_point"} and mapping["timestamp"] == {"type": "date"}


def test_the_examples_are_those_of_amazon_too(weir_binary) -> None:
    """The same names stand in both files of connections."""
    def names(path: str) -> set[str]:
        text = re.sub(r"\$\{[^}]*\}", "x", (ROOT / "examples" / path).read_text())
        return set(yaml.safe_load(text)["connections"])

    assert names("weir-glue.yaml") == names("weir-confluent.yaml")
