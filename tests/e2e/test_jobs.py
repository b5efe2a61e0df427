"""The jobs of the examples on a broker: independent clients read what they give, oracles judge it."""

import json
import pathlib
import time
import uuid
from datetime import timezone

import duckdb
import pytest

from e2e.weir import ROOT, Weir, call
from golden import harness
from golden.compare import difference
from oracle import clickstream
from oracle.rows import Row
from parts.process import wait_until

EXAMPLES = ROOT / "examples"
START_MS = 1_735_689_600_000


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def lives(job: Weir, failpoints: tuple[str, ...], timeout_s: float = 60) -> dict:
    """Kills the job at each of the places, then lets it end; its report."""
    for failpoint in failpoints:
        killed = job.run(failpoint, timeout_s=timeout_s)
        assert killed.killed, killed.show()
    done = job.run(timeout_s=timeout_s)
    assert done.code == 0, done.show()
    assert done.report is not None and done.report["unaccounted_rows"] == 0
    return done.report


def values(kafka, topic: str, isolation: str = "read_committed") -> list[str]:
    """The broker may take a moment to show a commit in all partitions."""
    wait_until(lambda: kafka.end_offsets(topic) == kafka.end_offsets(topic, "read_uncommitted"), 60,
               "no transaction is open")
    return [message.value().decode() for message in kafka.read_all(topic, isolation)]


class Clickstream:
    """The example's input in three partitions, with a bad record now and then, and what must come of it.
    `encode` makes records of events."""

    def __init__(self, kafka, sessions: int, encode=lambda event: clickstream.as_json(event).encode()):
        self.kafka = kafka
        self.topic = unique("clicks")
        kafka.create_topic(self.topic, partitions=3)
        for suffix in ("departments", "counts", "buying", "dead"):
            kafka.create_topic(f"{self.topic}.{suffix}", partitions=3)
        records, rows, offsets = [], [], [0, 0, 0]
        for number, event in enumerate(clickstream.walk(seed=17, sessions=sessions)):
            partition = event["userid"] % 3
            if number % 500 == 250:
                records.append((b"bad", b'{"eventtimestamp": "torn', partition))
                offsets[partition] += 1
            records.append((str(event["userid"]).encode(), encode(event), partition))
            rows.append(Row(event, None, partition, offsets[partition]))
            offsets[partition] += 1
        kafka.produce(self.topic, records)
        self.bad = len(records) - len(rows)
        self.expected = clickstream.results(rows)

    def sets(self) -> dict[str, str]:
        return {"job": self.topic, "sources.clicks.kafka.topic": self.topic, "sources.clicks.kafka.stop": "latest",
                "sources.clicks.on_error.dead_letter.kafka.topic": f"{self.topic}.dead",
                "sinks.departments_topic.kafka.topic": f"{self.topic}.departments",
                "sinks.session_counts_topic.kafka.topic": f"{self.topic}.counts",
                "sinks.buying_sessions_topic.kafka.topic": f"{self.topic}.buying",
                "checkpoint.interval": "100ms"}

    def judge(self, report: dict) -> None:
        for name, suffix in (("department_counts", "departments"), ("session_counts", "counts"),
                             ("buying_sessions", "buying")):
            told = difference(self.expected[name], values(self.kafka, f"{self.topic}.{suffix}"))
            assert not told, f"{name}: {told}"
        letters = [json.loads(text) for text in values(self.kafka, f"{self.topic}.dead")]
        assert len(letters) == report["rejected"] == self.bad
        assert {letter["node"] for letter in letters} == {"clicks"}
        assert {letter["topic"] for letter in letters} == {self.topic}


SLOW = "engine.source.poll=delay:100@1+"
DEATHS = (f"{SLOW},kafka.publish.marked=kill@2", f"{SLOW},engine.all_acked=kill@4")


def test_clickstream(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Three topics from sessions of 2,000 walks, with bad records among them, killed twice."""
    given = Clickstream(kafka, sessions=2_000)
    job = Weir(EXAMPLES / "clickstream-json.yaml", tmp_path, variables={"BOOTSTRAP_SERVERS": kafka.bootstrap},
               sets=given.sets())
    given.judge(lives(job, DEATHS))


def test_stock_into_a_partitioned_table(kafka, weir_binary: pathlib.Path,
                                        tmp_path: pathlib.Path) -> None:
    """price > 50 into files by ticker, day and hour; no unfinished file is ever under its own name."""
    topic = unique("stock")
    kafka.create_topic(topic, partitions=2)
    tickers = ["AAPL", "AMZN", "MSFT", "INTC", "TBV"]
    records, expected = [], []
    for number in range(20_000):
        seconds, price = number // 4, (number * 37 % 10_000) / 100
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(START_MS // 1000 + seconds))
        row = {"event_time": f"{moment}.{number % 4 * 250:03d}Z", "ticker": tickers[number % 5],
               "price": price}
        records.append((row["ticker"].encode(), json.dumps(row).encode(), number % 2))
        if price > 50:
            expected.append((row["ticker"], moment[:10], moment[11:13], price,
                             START_MS + number * 250))
    kafka.produce(topic, records)
    job = Weir(EXAMPLES / "stock-to-files.yaml", tmp_path, variables={
        "BOOTSTRAP_SERVERS": kafka.bootstrap, "TABLES": str(tmp_path / "tables")},
        sets={"job": topic, "sources.stock.kafka.topic": topic, "sources.stock.kafka.stop": "latest",
              "checkpoint.interval": "100ms"})
    slow = "engine.source.poll=delay:100@1+"
    lives(job, (f"{slow},state.manifest.after_link=kill@4", f"{slow},engine.sinks_told=kill@3"))
    table = tmp_path / "tables" / "stock"
    assert not list(table.rglob("*.open")), "left over"
    found = duckdb.sql(
        f"select ticker, dt, hr, price, event_time from read_json('{table}/**/*.json', format="
        "'newline_delimited', hive_partitioning=true, columns={price: 'DOUBLE', event_time:"
        " 'TIMESTAMP', ticker: 'VARCHAR', dt: 'VARCHAR', hr: 'VARCHAR'})").fetchall()
    got = sorted(
        (ticker, str(day), f"{int(hour):02d}", price,
         round(moment.replace(tzinfo=timezone.utc).timestamp() * 1000))
        for ticker, day, hour, price, moment in found)
    assert got == sorted(expected)


def test_blog_lines_into_a_table(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The producer's job makes lines, the other reads them into CSV files; SQL asks the table."""
    topic = unique("blog")
    kafka.create_topic(topic, partitions=2)
    count = 5_000
    sets = {"job": topic, "sinks.topic.kafka.topic": topic}
    maker = Weir(EXAMPLES / "blog-producer.yaml", tmp_path / "maker", sets=sets, variables={
        "BOOTSTRAP_SERVERS": kafka.bootstrap, "N": str(count)})
    done = maker.run()
    assert done.code == 0, done.show()
    sent = [line.split(",") for line in values(kafka, topic)]
    assert sorted(int(fields[1]) for fields in sent) == list(range(count))
    now_ms = time.time() * 1000
    for recordtime, _, url, ip in sent:
        assert now_ms - 600_000 < int(recordtime) < now_ms + 60_000
        assert url.startswith("www.amazon") and url.endswith(".com")
        assert 0 <= int(url[len("www.amazon") : -len(".com")]) <= 254
        assert ip.startswith("192.168.2.") and 0 <= int(ip.rpartition(".")[2]) <= 254
    kafka.produce(topic, [(b"bad", b"one,two", 0), (b"bad", b"1,x,www,ip", 1)])
    reader = Weir(EXAMPLES / "blog-replay.yaml", tmp_path / "reader", variables={
        "BOOTSTRAP_SERVERS": kafka.bootstrap, "TABLES": str(tmp_path / "tables")},
        sets={"job": f"{topic}-replay", "sources.messages.kafka.topic": topic,
              "sources.messages.kafka.stop": "latest", "checkpoint.interval": "100ms"})
    slow = "engine.source.poll=delay:100@1+"
    report = lives(reader, (f"{slow},state.manifest.after_link=kill@4",))
    assert report["rejected"] == 2
    table = harness.read_sink(tmp_path / "tables" / "csmessages")
    assert sorted(table) == sorted(",".join(fields) for fields in sent)
    asked = duckdb.sql(
        f"select count(*), count(distinct column1), max(column1) from read_csv("
        f"'{tmp_path}/tables/csmessages/[!_]*', header=false)").fetchall()[0]
    assert asked == (count, count, count - 1)
    rejected = harness.read_sink(tmp_path / "tables" / "csmessages_rejected")
    assert len(rejected) == 2
    # The screen shows rows at most; after a crash some may show again.
    assert reader.out_path.read_text().count("www.amazon") > 0


@pytest.mark.quick
def test_the_examples_are_valid(weir_binary: pathlib.Path) -> None:
    """Every job that is shipped passes `weir validate`."""
    # One asks the registry for its schema; test_opensearch.py runs it.
    asks = EXAMPLES / "clickstream.yaml"
    files = [p for p in EXAMPLES.glob("**/*.yaml") if "\njob:" in "\n" + p.read_text() and p != asks]
    assert len(files) >= 4
    variables = ["--var", "BOOTSTRAP_SERVERS=127.0.0.1:9092", "--var", "TABLES=/tmp/tables",
                 "--var", "TRIPS=/tmp/trips", "--var", "BUCKET=some-bucket",
                 "--var", "OPENSEARCH_URL=http://127.0.0.1:9200", "--var", "SCHEMA_REGISTRY_URL=http://127.0.0.1:8081",
                 "--config", EXAMPLES / "weir-confluent.yaml"]
    for path in files:
        done = call("validate", path, *variables)
        assert done.code == 0, f"{path}: {done.show()}"
