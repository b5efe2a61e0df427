"""Programs that a step calls: each row has its answers once, through kills, deaths and nonsense."""

import json
import pathlib
import shutil
import sys
import textwrap
import uuid

import pytest

from e2e.cluster import Cluster
from e2e.test_bad_input import refused
from e2e.weir import DONE, FAILED, USAGE, Weir

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "msk-patterns"
JOB = """
job: "{name}"
parallelism: 2
checkpoint: {{ interval: 100ms }}
connections: {{ broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }} }}
sources:
  numbers:
    kafka: {{ connection: broker, topic: "{name}", stop: {stop} }}
    columns: {{ n: int64 }}
steps:
  asked:
    from: numbers
    call: {{ program: handler, columns: {{ twice: int64 }}, timeout: {timeout} }}
    on_error: {on_error}
sinks:
  out: {{ from: asked, kafka: {{ connection: broker, topic: "{name}.out" }} }}
"""
# No answer where n is a multiple of 3, two where it is one of 5; {fault} comes before.
HANDLER = """
import json, os, sys, time
batch = []
for line in sys.stdin:
    if line.strip():
        batch.append(json.loads(line))
        continue
    for row in batch:
        n = row["n"]
{fault}
        if n % 3:
            for i in range(2 if n % 5 == 0 else 1):
                print(json.dumps({{"_row": row["_row"], "twice": 2 * n + i}}))
    batch = []
    print(flush=True)
"""
LETTERS = '{{ dead_letter: {{ kafka: {{ connection: broker, topic: "{name}.dead" }} }} }}'


def answers(n: int) -> list[int]:
    """What the handler says to a number."""
    if n % 3 == 0:
        return []
    return [2 * n, 2 * n + 1] if n % 5 == 0 else [2 * n]


class Case:
    """A job that calls a handler for each number of a topic."""

    def __init__(self, kafka, work: pathlib.Path, fault: str = "pass", stop: str = "latest",
                 on_error: str = "fail", timeout: str = "20s"):
        self.kafka = kafka
        self.name = f"call-{uuid.uuid4().hex[:8]}"
        self.handler = work / "handler.py"
        self.mend(fault)
        self.config = work / "weir.yaml"
        self.config.write_text(f'programs: {{ handler: {{ command: ["{sys.executable}", "{self.handler}"] }} }}')
        self.job = work / "job.yaml"
        letters = LETTERS.replace("{{", "{").replace("}}", "}").replace("{name}", self.name)
        self.job.write_text(JOB.format(name=self.name, bootstrap=kafka.bootstrap, stop=stop, timeout=timeout,
                                       on_error=letters if on_error == "letters" else on_error))
        for topic in ("", ".out", ".dead"):
            kafka.create_topic(self.name + topic, partitions=2)
        self.weir = Weir(self.job, work / "run", flags=["--config", str(self.config)])

    def mend(self, fault: str = "pass") -> None:
        self.handler.write_text(HANDLER.format(fault=textwrap.indent(fault, " " * 8)))

    def produce(self, count: int) -> None:
        self.kafka.produce(self.name, [(None, json.dumps({"n": n}).encode(), n % 2) for n in range(count)])

    def pairs(self) -> list[tuple[int, int]]:
        """What came out of each partition, in its order."""
        rows = [json.loads(m.value()) for m in self.kafka.read_all(f"{self.name}.out")]
        return sorted((row["n"], row["twice"]) for row in rows)

    def expected(self, count: int, without: tuple[int, ...] = ()) -> list[tuple[int, int]]:
        return sorted((n, twice) for n in range(count) if n not in without for twice in answers(n))


def test_the_example_as_given(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for part in EXAMPLES.iterdir():
        shutil.copy(part, tmp_path)
    kafka.create_topic("MyTopic", partitions=2)
    kafka.produce("MyTopic", [(b"k", b"text %d" % n, n % 2) for n in range(100)])
    weir = Weir(tmp_path / "per-record-function.yaml", tmp_path / "run",
                flags=["--config", str(tmp_path / "weir.yaml")],
                variables={"BOOTSTRAP_SERVERS": kafka.bootstrap, "KAFKA_SECURITY": "plaintext",
                           "HANDLER": str(tmp_path / "handler.py")})
    done = weir.run(sets={"sources.records.kafka.stop": "latest"})
    assert done.code == DONE, done.show()
    rows = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
    assert sorted(row["message"] for row in rows) == sorted(f"seen {row['value']}" for row in rows)
    assert len(rows) == 100
    assert "a program says" in done.log and "characters" in done.log


def test_kills_do_not_double_an_answer(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, fault="time.sleep(0.001)", stop="never")
    case.produce(6_000)
    for number in (3, 9, 15):
        case.weir.start()
        case.weir.wait_until(lambda: (m := case.weir.newest_manifest()) and m.number >= number, 60,
                             f"checkpoint {number}")
        case.weir.kill()
    case.weir.start()
    want = case.expected(6_000)
    case.weir.wait_until(lambda: len(case.pairs()) >= len(want), 90, "all answers")
    done = case.weir.stop()
    assert done.code == DONE, done.show()
    assert case.pairs() == want


@pytest.mark.parametrize("fault, told", [
    ("if n == 70: raise ValueError('no seventy')", "no seventy"),
    ("if n == 70: os.kill(os.getpid(), 9)", "signal 9"),
    ("if n == 70: print('rubbish', flush=True)", "the line rubbish"),
    ("if n == 70: time.sleep(1000)", "no answer within 2000 ms"),
    ("if n == 70: row['_row'] = 5000; n = 71", "_row 5000"),
    ("if n == 70: print(json.dumps({'_row': row['_row'], 'twice': 'x'}))", "twice"),
])
def test_the_row_that_a_program_fails_over(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                           fault: str, told: str) -> None:
    """It is a dead letter with the reason; the others have their answers."""
    case = Case(kafka, tmp_path, fault, on_error="letters", timeout="2s")
    case.produce(300)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.pairs() == case.expected(300, without=(70,))
    letter, = (json.loads(m.value()) for m in kafka.read_all(f"{case.name}.dead"))
    assert letter["row"] == {"n": 70} and told in letter["reason"], letter
    assert letter["code"] in ("WEIR-P012", "WEIR-P013")


def test_restarts_are_counted(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, "if n == 70: raise ValueError('no seventy')", stop="never", on_error="skip")
    case.weir.serve_metrics().start()
    case.produce(100)
    case.weir.wait_until(lambda: case.weir.metric("weir_program_restarts_total") >= 2, 60, "restarts")
    case.weir.wait_until(lambda: case.pairs() == case.expected(100, without=(70,)), 60, "answers")
    assert case.weir.stop().code == DONE


def test_a_row_that_fails_stops_the_job(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, "if n == 70: raise ValueError('no seventy')")
    case.produce(100)
    refused(case.weir.run(), FAILED, "WEIR-P013", "asked", "no seventy")
    assert case.pairs() == []
    case.mend()
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.pairs() == case.expected(100)


def test_a_program_that_does_not_start_is_waited_for(kafka, weir_binary: pathlib.Path,
                                                     tmp_path: pathlib.Path) -> None:
    """No row is blamed on it: the job starts anew until it is mended."""
    case = Case(kafka, tmp_path, on_error="letters")
    case.handler.write_text("import nothing_of_this_name\n")
    case.produce(100)
    case.weir.start()
    line = case.weir.wait_log("WEIR-P015")
    assert "nothing_of_this_name" in line and "batch of no rows" in line
    assert kafka.read_all(f"{case.name}.dead") == []
    case.mend()
    done = case.weir.wait(60)
    assert done.code == DONE, done.show()
    assert case.pairs() == case.expected(100) and kafka.read_all(f"{case.name}.dead") == []


def test_a_program_that_is_not_in_the_list(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path)
    case.config.write_text("programs: { handlr: { command: [/bin/cat] } }")
    case.produce(10)
    refused(case.weir.run(), USAGE, "WEIR-P014", "no program 'handler'", "did you mean 'handlr'?")
    assert case.pairs() == []


def test_programs_of_a_worker(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its own list counts, and a killed worker leaves no answer out."""
    case = Case(kafka, tmp_path, stop="never")
    case.produce(2_000)
    cluster = Cluster(tmp_path / "cluster", case.job, {"JOB": case.name}, workers=2)
    for worker in cluster.workers.values():
        worker.words += ["--config", str(case.config)]
    with cluster:
        cluster.start()
        cluster.wait_job("running")
        cluster.wait_checkpoints(3)
        hosting = next(iter(cluster.workers.values()))
        hosting.kill()
        hosting.start()
        want = case.expected(2_000)
        cluster.wait_until(lambda: len(case.pairs()) >= len(want), 60, "all answers")
        cluster.ask("stop", case.name)
        cluster.wait_job("stopped")
    assert case.pairs() == want
