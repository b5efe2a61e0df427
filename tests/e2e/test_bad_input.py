"""What goes wrong outside, and what a user asks for wrongly: each with its code, its message and its
exit status, and with nothing changed that should not have been."""

import json
import pathlib
import re
import signal
import subprocess
import time
import uuid

import pytest

from e2e.weir import DECISION, DONE, FAILED, GAVE_UP, INTERRUPTED, USAGE, Finished, Weir, call

JOB = """
job: "{name}"
checkpoint: {{ interval: 100ms }}
connections:
  broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }}
sources:
  given:
    kafka: {{ connection: broker, topic: "{topic}", start: earliest, stop: {stop}{options} }}
    format: json
    columns: {{ n: int64, text: string }}
    on_error: {on_error}
steps:
  shown:
    from: given
    {step}
sinks:
  out:
    from: shown
    kafka: {{ connection: broker, topic: "{topic}.out" }}
"""


class Case:
    """A small job from a topic into another, both of its own."""

    def __init__(self, kafka, work: pathlib.Path, **settings: str):
        self.kafka = kafka
        self.topic = f"bad-{uuid.uuid4().hex[:8]}"
        self.settings = {
            "name": self.topic, "bootstrap": kafka.bootstrap if kafka else "127.0.0.1:1",
            "topic": self.topic, "stop": "latest", "options": "", "on_error": "fail",
            "step": "with: { more: n + 1 }", **settings}
        self.path = work / "job.yaml"
        self.work = work
        self.write()
        self.weir = Weir(self.path, work / "run")

    def write(self, **settings: str) -> None:
        self.settings.update(settings)
        self.path.write_text(JOB.format(**self.settings))

    def topics(self, given: bool = True, out: bool = True, **config) -> "Case":
        if given:
            self.kafka.create_topic(self.topic, partitions=2)
        if out:
            self.kafka.create_topic(f"{self.topic}.out", partitions=2, **config)
        return self

    def produce(self, begin: int, end: int, text: str = "x") -> None:
        self.kafka.produce(self.topic, [
            (None, json.dumps({"n": n, "text": text}).encode(), n % 2) for n in range(begin, end)])

    def numbers(self) -> list[int]:
        records = self.kafka.read_all(f"{self.topic}.out")
        return sorted(json.loads(m.value())["n"] for m in records)

    def wait_for(self, count: int, timeout_s: float = 30, weir: Weir | None = None) -> None:
        """Until so many rows are out."""
        (weir or self.weir).wait_until(lambda: len(self.numbers()) >= count, timeout_s,
                                       f"{count} rows are in {self.topic}.out")


def run_to_the_middle(case: Case) -> None:
    case.produce(0, 100)
    case.weir.start()
    case.wait_for(100)


def refused(finished: Finished, status: int, code: str, *texts: str) -> None:
    """The exit status, the code, and each text in the message."""
    assert finished.code == status, finished.show()
    told = finished.log + finished.out
    assert re.search(code, told), f"{code} is not in:\n{finished.show()}"
    for text in texts:
        assert text in told, f"'{text}' is not in:\n{finished.show()}"
    for noise in ("terminate called", "std::", "what():", "yaml-cpp", "Segmentation", "Local: "):
        assert noise not in told, f"'{noise}' is in:\n{finished.show()}"


# --- the broker ---------------------------------------------------------------------------------


def test_broker_away_at_the_start(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(None, tmp_path)
    begin = time.monotonic()
    done = case.weir.run(flags=["--wait", "2s"])
    refused(done, GAVE_UP, "WEIR-[EK]0", "127.0.0.1:1")
    assert 2 <= time.monotonic() - begin < 20
    assert case.weir.manifests() == []


def test_broker_comes_while_weir_waits(kafka, weir_binary: pathlib.Path,
                                       tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, bootstrap=kafka.proxied_bootstrap).topics()
    case.produce(0, 100)
    proxy = kafka.brokers[0].proxy
    proxy.cut()
    try:
        case.weir.start(flags=["--wait", "60s"])
        case.weir.wait_log(str(proxy.port))
    finally:
        proxy.restore()
    done = case.weir.wait(60)
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(100))


def test_broker_away_later(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Cut off for some seconds: it waits, goes on, and nothing is lost or doubled."""
    case = Case(kafka, tmp_path, bootstrap=kafka.proxied_bootstrap, stop="never").topics()
    case.produce(0, 200)
    case.weir.start()
    case.wait_for(200)
    proxy = kafka.brokers[0].proxy
    for harm, begin in ((proxy.cut, 200), (proxy.blackhole, 300)):
        harm()
        try:
            case.produce(begin, begin + 100)
            if harm == proxy.cut:
                case.weir.wait_log("kafka brokers are away")
            # Tries to connect are up to 2 s apart, and there must be some that fail; of the hole weir
            # learns only by a minute's silence, so nothing tells that it is in it.
            time.sleep(4)
        finally:
            proxy.restore()
    case.wait_for(400, timeout_s=60)
    done = case.weir.stop()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(400))


def test_source_topic_missing(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path).topics(given=False)
    done = case.weir.run(flags=["--wait", "2s"])
    assert done.code in (FAILED, USAGE), done.show()
    refused(done, done.code, "WEIR-K0", case.topic)
    assert case.weir.manifests() == [] and case.numbers() == []


def test_sink_topic_missing(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path).topics(out=False)
    case.produce(0, 10)
    done = case.weir.run(flags=["--wait", "2s"])
    assert done.code in (FAILED, USAGE), done.show()
    refused(done, done.code, "WEIR-K0", f"{case.topic}.out")
    assert case.weir.manifests() == []
    assert f"{case.topic}.out" not in kafka.topics(), "a topic was made by looking for it"


def test_source_topic_deleted(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    run_to_the_middle(case)
    kafka.delete_topic(case.topic)
    refused(case.weir.wait(40), FAILED, "WEIR-K0", case.topic)
    assert case.numbers() == list(range(100))


def test_source_topic_made_anew(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Another topic under the old name: its offsets mean other records, so weir must not go on."""
    case = Case(kafka, tmp_path, stop="never").topics()
    run_to_the_middle(case)
    assert case.weir.stop().code == DONE
    kafka.delete_topic(case.topic)
    kafka.create_topic(case.topic, partitions=2)
    case.produce(1_000, 1_300)
    done = case.weir.run(timeout_s=40)
    refused(done, done.code, "WEIR-K0", case.topic)
    assert done.code in (FAILED, DECISION)
    assert case.numbers() == list(range(100))


@pytest.mark.parametrize("policy", ["fail", "earliest"])
def test_offsets_that_are_gone(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                               policy: str) -> None:
    case = Case(kafka, tmp_path, stop="never", options=f", on_lost_offsets: {policy}").topics()
    run_to_the_middle(case)
    assert case.weir.stop().code == DONE
    case.produce(100, 200)
    kafka.delete_records(case.topic, {0: 75, 1: 75})
    if policy == "fail":
        refused(case.weir.run(timeout_s=40), FAILED, "WEIR-K0", case.topic, "on_lost_offsets")
        assert case.numbers() == list(range(100))
        return
    case.weir.start()
    case.wait_for(150)
    assert case.weir.stop().code == DONE
    assert case.numbers() == [*range(100), *range(150, 200)]


@pytest.mark.parametrize("policy", ["fail", "skip", "dead_letter"])
def test_a_record_that_is_too_large(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                    policy: str) -> None:
    case = Case(kafka, tmp_path).topics(config={"max.message.bytes": 20_000})
    rule = policy if policy != "dead_letter" else \
        f"{{ dead_letter: {{ files: {{ path: \"{tmp_path}/letters\" }} }} }}"
    case.path.write_text(case.path.read_text() + f"    on_error: {rule}\n")
    case.produce(0, 50)
    case.produce(50, 51, text="y" * 30_000)
    case.produce(51, 100)
    done = case.weir.run()
    if policy == "fail":
        refused(done, FAILED, "WEIR-K0", "out")
        assert 50 not in case.numbers()
        return
    assert done.code == DONE, done.show()
    assert case.numbers() == [n for n in range(100) if n != 50]
    assert done.report is not None and done.report["rejected"] == 1
    if policy == "dead_letter":
        lines = [line for path in (tmp_path / "letters").glob("*.json")
                 for line in path.read_text().splitlines()]
        assert len(lines) == 1 and json.loads(lines[0])["code"].startswith("WEIR-K0")


# --- records ------------------------------------------------------------------------------------

POISON = [
    b"", b"{", b"null", b"[]", b"\xff\xfe{}", b'{"n":"x"}', b'{"n":1e400}', b'{"n":9223372036854775808}',
    b'{"n":1.5}', b'{"n":[1]}', b"[" * 100_000, b'{"a":' * 50_000, b'{"n":1}{"n":2}', b'{"n":1,}',
    b'{"text":"\xc3\x28"}', b'{"n":1', b"\0" * 1000, b"x" * 800_000,
]


@pytest.mark.parametrize("policy", ["fail", "skip"])
def test_poisoned_records(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                          policy: str) -> None:
    case = Case(kafka, tmp_path, on_error=policy).topics()
    case.produce(0, 100)
    kafka.produce(case.topic, [(b"k" * 50_000, value, n % 2) for n, value in enumerate(POISON)])
    case.produce(100, 200)
    done = case.weir.run()
    if policy == "fail":
        # Where the first bad record is: topic, partition and offset.
        refused(done, FAILED, "WEIR-F0", case.topic)
        return
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(200))
    assert done.report is not None and done.report["rejected"] == len(POISON)
    assert done.report["unaccounted_rows"] == 0


def test_a_tombstone_is_a_row_error(kafka, weir_binary: pathlib.Path,
                                    tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, on_error="skip").topics()
    kafka.produce(case.topic, [(b"k", None, 0)])
    case.produce(0, 10)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(10))
    assert done.report is not None and done.report["rejected"] == 1


def test_a_row_that_breaks_an_expression(kafka, weir_binary: pathlib.Path,
                                         tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, step="with: { share: 100 / n }").topics()
    case.produce(0, 10)
    refused(case.weir.run(), FAILED, "WEIR-", "100 / n", "shown")


# --- the state directory ------------------------------------------------------------------------


def test_two_processes_in_one_directory(kafka, weir_binary: pathlib.Path,
                                        tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    run_to_the_middle(case)
    second = Weir(case.path, tmp_path / "second")
    second.state = case.weir.state
    refused(second.run(), FAILED, "WEIR-S005", str(case.weir.pid))
    case.produce(100, 200)
    case.wait_for(200)
    assert case.weir.stop().code == DONE
    assert case.numbers() == list(range(200))


def test_a_second_state_directory(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Another instance has written to the lane: a choice, and --take-over is it."""
    case = Case(kafka, tmp_path, stop="never").topics()
    run_to_the_middle(case)
    assert case.weir.stop().code == DONE
    second = Weir(case.path, tmp_path / "second")
    done = second.run()
    refused(done, DECISION, "WEIR-E004", "--take-over")
    assert case.numbers() == list(range(100))
    case.produce(100, 150)
    # The command that it printed is the one that works.
    second.start(flags=["--take-over"])
    case.wait_for(250, weir=second)
    assert second.stop().code == DONE, second.log()
    assert case.numbers() == sorted([*range(100), *range(150)])


def test_a_changed_job_on_an_old_directory(kafka, weir_binary: pathlib.Path,
                                           tmp_path: pathlib.Path) -> None:
    window = "window: { session: { gap: 1s } }\n    group_by: text\n    select: { n: {what} }"
    timed = "on_error: fail\n    event_time: { column: kafka_timestamp }"
    case = Case(kafka, tmp_path, stop="never", step=window.replace("{what}", "count()"),
                on_error=timed.replace("on_error: ", "", 1)).topics()
    case.produce(0, 10)
    case.weir.start()
    case.weir.wait_until(
        lambda: (newest := case.weir.newest_manifest()) and newest.totals.get("given.in") == 10, 30,
        "all rows are in a checkpoint")
    assert case.weir.stop().code == DONE, case.weir.log()
    before = sorted(p.read_bytes() for p in case.weir.state.rglob("checkpoints/*/manifest"))
    case.write(step=window.replace("{what}", "sum(n)"))
    refused(case.weir.run(), DECISION, "WEIR-E006", "shown", "--drop-state shown")
    assert sorted(p.read_bytes() for p in case.weir.state.rglob("checkpoints/*/manifest")) == before


def test_a_job_that_has_ended(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path).topics()
    case.produce(0, 100)
    assert case.weir.run().code == DONE
    case.produce(100, 200)
    again = case.weir.run()
    assert "--fresh" in again.log and case.numbers() == list(range(100))


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "swapped"])
def test_a_damaged_checkpoint(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                              harm: str) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    run_to_the_middle(case)
    assert case.weir.stop().code == DONE
    paths = sorted(case.weir.state.glob("*/checkpoints/*/manifest"), key=lambda p: int(p.parent.name))
    data = paths[-1].read_bytes()
    if harm == "cut":
        paths[-1].write_bytes(data[: len(data) // 2])
    elif harm == "flipped":
        paths[-1].write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    elif harm == "gone":
        paths[-2].unlink()
    else:
        paths[-1].write_bytes(paths[-2].read_bytes())
    verify = call("checkpoint", "verify", case.topic, "--state-dir", case.weir.state)
    assert verify.code == FAILED, verify.show()
    done = case.weir.run(timeout_s=30) if harm != "gone" else None
    if done is not None:
        assert done.code in (FAILED, DECISION), done.show()
        refused(done, done.code, "WEIR-[SE]0")
    assert case.numbers() == list(range(100))


def test_checkpoint_and_txn_commands(kafka, weir_binary: pathlib.Path,
                                     tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    case.produce(0, 100)
    killed = case.weir.run("kafka.publish.received=kill@1")
    assert killed.killed, killed.show()
    listed = call("checkpoint", "list", case.topic, "--state-dir", case.weir.state)
    assert listed.code == DONE and str(case.weir.manifests()[-1]) in listed.out
    verified = call("checkpoint", "verify", case.topic, "--state-dir", case.weir.state)
    assert verified.code == DONE, verified.show()
    waiting = call("txn", "list", case.topic, "--state-dir", case.weir.state)
    assert waiting.code == DONE and "sink out" in waiting.out and "100 rows" in waiting.out
    missing = call("checkpoint", "list", "nobody", "--state-dir", case.weir.state)
    refused(missing, missing.code, "WEIR-C0", "nobody")
    assert missing.code in (FAILED, USAGE)


def test_signals(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The first SIGTERM is a last checkpoint and a clean end, the second an end at once."""
    case = Case(kafka, tmp_path, stop="never").topics()
    run_to_the_middle(case)
    case.weir.freeze()
    case.weir.signal(signal.SIGTERM)
    case.weir.thaw()
    assert case.weir.wait().code == DONE
    case.weir.start("state.manifest.before_sync=delay:20000@2+")
    case.weir.wait_log("lane recovered")
    case.weir.wait_hit()
    case.weir.signal(signal.SIGTERM)
    case.weir.wait_log("stopping with a last checkpoint")
    # Two signals within 100 ms are one word; and the savepoint, which is held up, is waited for.
    assert not case.weir.ends_within(0.5)
    case.weir.signal(signal.SIGTERM)
    assert case.weir.wait(5).code == INTERRUPTED
    case.produce(100, 200)
    case.weir.start()
    case.wait_for(200)
    assert case.weir.stop().code == DONE
    assert case.numbers() == list(range(200))


def test_a_full_disk(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The state directory has no room: checkpoints fail, are told and counted; with room again all
    goes on and nothing is missing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small file system")
    try:
        case = Case(kafka, tmp_path, stop="never").topics()
        case.weir.state = disk / "state"
        case.weir.serve_metrics()
        run_to_the_middle(case)
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"\0" * 4096)
            except OSError:
                pass
        case.produce(100, 200)
        case.weir.wait_log("No space left on device", 30)
        case.weir.wait_until(lambda: case.weir.metric("weir_checkpoints_dropped_total") > 2, 30,
                             "more than two checkpoints failed")
        assert case.weir.running, case.weir.log()[-3000:]
        assert case.numbers() == list(range(100)), "published without a durable checkpoint"
        (disk / "filler").unlink()
        case.wait_for(200, timeout_s=40)
        done = case.weir.stop()
        assert done.code == DONE, done.show()
        assert case.numbers() == list(range(200))
        assert done.report is not None and done.report["checkpoints_dropped"] > 0
    finally:
        case.weir.kill()
        subprocess.run(["umount", "-l", disk], check=True)


# --- the command line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["run"], ["WEIR-C001", "job is required"]),
        (["run", "nowhere.yaml"], ["WEIR-J021", "nowhere.yaml"]),
        (["run", "{job}", "--nonsense"], ["--nonsense"]),
        (["run", "{job}", "--wait", "soon"], ["WEIR-C", "soon", "--wait"]),
        (["run", "{job}", "--memory", "1KiB"], ["WEIR-C", "32MiB"]),
        (["run", "{job}", "--memory", "much"], ["WEIR-C", "much"]),
        (["run", "{job}", "--metrics", "nowhere"], ["WEIR-H001", "nowhere"]),
        (["run", "{job}", "--set", "sinks.out.kafka.topics=x"], ["topics"]),
        (["run", "{job}", "--set", "sinks.nobody.kafka.topic=x"], ["nobody"]),
        (["run", "{job}", "--set", "nonsense"], ["WEIR-J020", "nonsense"]),
        (["run", "{job}", "--var", "nonsense"], ["nonsense"]),
        (["run", "{job}", "--config", "nowhere.yaml"], ["nowhere.yaml"]),
        (["validate"], ["WEIR-C001", "job is required"]),
        (["nonsense"], ["nonsense"]),
        ([], []),
    ],
)
def test_wrong_flags(weir_binary: pathlib.Path, tmp_path: pathlib.Path, arguments: list[str],
                     texts: list[str]) -> None:
    case = Case(None, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = call(*[word.format(job=case.path) for word in arguments], cwd=tmp_path)
    refused(done, USAGE, "", *texts)
    assert sorted(tmp_path.rglob("*")) == before, "something was made"


def test_a_missing_variable_is_named(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(None, tmp_path, topic="${NO_SUCH_VARIABLE}")
    refused(call("validate", case.path), USAGE, "WEIR-J010", "NO_SUCH_VARIABLE", "job.yaml:")
