"""Savepoints: they outlive the checkpoints that they were, may be moved, and a job goes on from them."""

import json
import pathlib
import re
import shlex
import shutil
import signal
import uuid
from collections import Counter
from collections.abc import Callable

import pytest

from e2e.campaign import Campaign
from e2e.cluster import Cluster, ClusterCampaign
from e2e.weir import DECISION, DONE, FAILED, USAGE, Weir, binary, call
from parts import s3 as s3_part

SEED = 20250501
KEYS = 5
WINDOW_MS = 1_000

# Counts over windows of a second: what must come out of so many numbers can be told by heart.
JOB = """
job: "${JOB:-kept}"
parallelism: 2
checkpoint: { interval: 100ms }
connections: { broker: { kafka: { bootstrap_servers: "${BOOTSTRAP}" } } }
sources:
  numbers:
    kafka: { connection: broker, topic: "${TOPIC}", start: earliest }
    format: json
    columns: { key: string, at: timestamp }
    event_time: { column: at }
steps:
  counts:
    from: numbers
    window: { tumbling: 1s }
    group_by: key
    select: [key, { n: count() }, { begin: window_start }]
sinks:
  out:
    from: counts
    kafka: { connection: broker, topic: "${OUT}", key: key }
"""


class Kept:
    """A topic of numbers, one for each key and tenth of a second, and a job that counts them."""

    def __init__(self, kafka, work: pathlib.Path):
        self.kafka = kafka
        self.topic = f"kept-{uuid.uuid4().hex[:8]}"
        self.job = work / "job.yaml"
        self.job.write_text(JOB)
        self.work = work
        kafka.create_topic(self.topic)
        self.out = self.make_output()
        self.seconds = 0

    def make_output(self) -> str:
        name = f"{self.topic}.out-{uuid.uuid4().hex[:4]}"
        self.kafka.create_topic(name)
        return name

    def variables(self, out: str | None = None) -> dict[str, str]:
        return {"JOB": self.topic, "BOOTSTRAP": self.kafka.bootstrap, "TOPIC": self.topic, "OUT": out or self.out}

    def weir(self, name: str, out: str | None = None, **options) -> Weir:
        return Weir(self.job, self.work, state_name=name, variables=self.variables(out), **options)

    def feed(self, seconds: int) -> None:
        """So many more seconds of event time; the last one's windows stay open."""
        first, self.seconds = self.seconds * 10, self.seconds + seconds
        self.kafka.produce(self.topic, [
            (None, json.dumps({"key": f"k{key}", "at": 1_735_689_600_000 + tenth * 100}), 0)
            for tenth in range(first, self.seconds * 10) for key in range(KEYS)])

    def windows(self, seconds: range) -> Counter:
        """What must be counted in these seconds."""
        return Counter({(f"k{key}", second, 10): 1 for second in seconds for key in range(KEYS)})

    def closed(self) -> Counter:
        return self.windows(range(self.seconds - 1))

    def read(self, out: str) -> Counter:
        rows = [json.loads(message.value()) for message in self.kafka.read_all(out)]
        return Counter((row["key"], (row["begin"] - 1_735_689_600_000) // WINDOW_MS, row["n"]) for row in rows)

    def wait(self, weir: Weir | Cluster, out: str, wanted: Counter) -> None:
        weir.wait_until(lambda: self.read(out).total() >= wanted.total(), 60, "all windows are out")
        assert self.read(out) == wanted


def take_savepoint(weir: Weir) -> tuple[int, str]:
    """Number and folder of one that `weir run` is asked for."""
    said = weir.log().count("savepoint is complete")
    weir.signal(signal.SIGUSR2)
    weir.wait_until(lambda: weir.log().count("savepoint is complete") > said, 30, "a savepoint is complete")
    line = [line for line in weir.log().splitlines() if "savepoint is complete" in line][-1]
    number, location = re.search(r"checkpoint=(\d+) location=(\S+)", line).groups()
    return int(number), location


def wait_cleaned_up(weir: Weir | Cluster, numbers: Callable[[], list[int]], number: int) -> None:
    weir.wait_until(lambda: numbers() and number < min(numbers()), 60, f"checkpoint {number} is cleaned up")


def printed_command(log: str) -> list[str]:
    """The one that a stop says makes the choice."""
    return shlex.split(log.split("to choose so:\n")[1].splitlines()[0])


def test_a_job_goes_on_from_a_savepoint_that_was_moved(kafka, weir_binary: pathlib.Path,
                                                       tmp_path: pathlib.Path) -> None:
    kept = Kept(kafka, tmp_path)
    first = kept.weir("first").start()
    kept.feed(6)
    kept.wait(first, kept.out, kept.closed())
    number, location = take_savepoint(first)
    assert pathlib.Path(location) == first.state / kept.topic / "savepoints" / str(number)
    before = kept.closed()
    kept.feed(6)
    kept.wait(first, kept.out, kept.closed())
    wait_cleaned_up(first, first.manifests, number)
    assert first.stop().code == DONE
    listed = call("checkpoint", "list", kept.topic, "--state-dir", first.state)
    assert re.search(rf"^ *{number} .*savepoint$", listed.out, re.MULTILINE), listed.show()
    verified = call("checkpoint", "verify", kept.topic, "--state-dir", first.state, "--savepoint", str(number))
    assert verified.code == DONE and "1 savepoint, " in verified.out, verified.show()

    moved = tmp_path / "moved"
    shutil.copytree(location, moved)
    # Into an output of its own: what came before the savepoint is in the old one, all else comes here.
    fresh = kept.make_output()
    elsewhere = kept.weir("elsewhere", fresh, flags=["--from", str(moved)]).start()
    after = kept.closed() - before
    kept.wait(elsewhere, fresh, after)
    wait_cleaned_up(elsewhere, elsewhere.manifests, number + 1)
    elsewhere.kill()
    # Once it has begun, it is a job like any other.
    kept.feed(3)
    elsewhere.flags = []
    elsewhere.start()
    kept.wait(elsewhere, fresh, kept.closed() - before)
    assert elsewhere.stop().code == DONE
    # There it has checkpoints of an instance of its own.
    refused = elsewhere.run(flags=["--from", str(moved)])
    assert refused.code == DECISION and "WEIR-E023" in refused.log, refused.show()
    assert printed_command(refused.log)[-1] == "--fresh"

    # Into the same output, where what came after the savepoint is out already: that is to be chosen.
    again = kept.weir("again")
    refused = again.run(flags=["--from", str(moved)])
    assert refused.code == DECISION and "WEIR-E003" in refused.log, refused.show()
    assert not again.manifests()
    command = printed_command(refused.log)
    assert command[-1] == "--rewind" and command[command.index("--from") + 1] == str(moved), command
    out_before = kept.read(kept.out)
    again.launch([str(binary()), *command[1:]])
    doubled = kept.closed() - before
    again.wait_until(lambda: kept.read(kept.out).total() >= (out_before + doubled).total(), 60, "all windows are out")
    assert kept.read(kept.out) == out_before + doubled
    assert again.stop().code == DONE
    # The old process finds that it is not the only one any more.
    late = first.run()
    assert late.code == DECISION and "WEIR-E004" in late.log, late.show()


def test_a_job_goes_back_in_its_own_directory(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    kept = Kept(kafka, tmp_path)
    weir = kept.weir("state").start()
    kept.feed(4)
    kept.wait(weir, kept.out, kept.closed())
    number, _ = take_savepoint(weir)
    before = kept.closed()
    # Nothing was published since: no choice is asked for.
    assert weir.stop().code == DONE
    weir.start(flags=["--from", str(number)])
    kept.feed(4)
    kept.wait(weir, kept.out, kept.closed())
    wait_cleaned_up(weir, weir.manifests, number + 3)
    newest = weir.manifests()[-1]
    assert weir.stop().code == DONE
    refused = weir.run(flags=["--from", str(number)])
    assert refused.code == DECISION and "WEIR-E003" in refused.log, refused.show()
    out_before = kept.read(kept.out)
    weir.start(flags=["--from", str(number), "--rewind"])
    doubled = out_before + (kept.closed() - before)
    weir.wait_until(lambda: kept.read(kept.out).total() >= doubled.total(), 60, "windows are out twice")
    assert kept.read(kept.out) == doubled
    assert weir.stop().code == DONE
    assert weir.manifests()[-1] > newest
    assert call("checkpoint", "verify", kept.topic, "--state-dir", weir.state).code == DONE

    # Damage is found before anything of it is used.
    files = sorted((weir.state / kept.topic / "savepoints" / str(number) / "files").iterdir())
    damaged = files[0]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.unlink()
    damaged.write_bytes(data)
    numbers = weir.manifests()
    refused = weir.run(flags=["--from", str(number), "--rewind"])
    assert refused.code == USAGE and "WEIR-E024" in refused.log, refused.show()
    assert weir.manifests() == numbers
    verified = call("checkpoint", "verify", kept.topic, "--state-dir", weir.state)
    assert verified.code == FAILED and damaged.name in verified.out, verified.show()
    removed = call("checkpoint", "remove", kept.topic, str(number), "--state-dir", weir.state)
    assert removed.code == DONE, removed.show()
    assert not (weir.state / kept.topic / "savepoints" / str(number)).exists()
    gone = weir.run(flags=["--from", str(number)])
    assert gone.code == USAGE and "WEIR-E024" in gone.log, gone.show()
    # An older checkpoint will do as well, while it is kept.
    weir.start(flags=["--from", str(numbers[-2]), "--rewind"])
    weir.wait_log("going on from what was chosen")
    weir.wait_until(lambda: weir.manifests()[-1] > numbers[-1] + 3, 30, "it takes checkpoints")
    assert weir.stop().code == DONE


def test_a_kill_in_the_middle_of_a_copy_leaves_no_savepoint(kafka, weir_binary: pathlib.Path,
                                                            tmp_path: pathlib.Path, tell) -> None:
    with Campaign(kafka, tmp_path, SEED, rate=800) as campaign:
        weir = campaign.weir
        folder = weir.state / campaign.name / "savepoints"
        for place in ("state.savepoint.file", "state.savepoint.before_record"):
            campaign.start(f"{place}=kill")
            campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
            weir.signal(signal.SIGUSR2)
            assert campaign.ended(weir.wait()), campaign.told()
            assert [entry.name for entry in folder.iterdir() if not entry.name.startswith(".tmp-")] == []
            assert any(folder.iterdir())
        # One that fails is told; the job goes on.
        campaign.start("state.savepoint.file=error")
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        assert list(folder.iterdir()) == []
        weir.signal(signal.SIGUSR2)
        assert "WEIR-S003" in weir.wait_log("savepoint could not be copied")
        number, _ = take_savepoint(weir)
        assert [entry.name for entry in folder.iterdir()] == [str(number)]
        wait_cleaned_up(weir, weir.manifests, number)
        campaign.kill()
        campaign.finish_clean()
        tell("kills in the middle of a savepoint, " + campaign.told())
        verified = call("checkpoint", "verify", campaign.name, "--state-dir", weir.state)
        assert verified.code == DONE and "and 1 savepoint, " in verified.out, verified.show()


def test_a_savepoint_of_a_cluster(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with ClusterCampaign(kafka, tmp_path, SEED, rate=600) as campaign:
        cluster = campaign.cluster
        cluster.manager.start()
        for worker in cluster.workers.values():
            worker.start("state.savepoint.file=error")
        campaign.start()
        cluster.wait_job("running")
        cluster.wait_checkpoints(3)
        # The copy fails: the command says why, the job does not notice.
        attempt = cluster.status()["attempt"]["id"]
        failed = cluster.command("savepoint", campaign.name)
        assert failed.code != DONE and "WEIR-S003" in failed.codes(), failed.show()
        taken = cluster.ask("savepoint", campaign.name)
        assert cluster.status()["attempt"]["id"] == attempt
        number, location = taken["savepoint"], pathlib.Path(taken["location"])
        assert location == cluster.state / campaign.name / "savepoints" / str(number)
        wait_cleaned_up(cluster, lambda: [
            int(path.parent.name) for path in cluster.state.glob("*/checkpoints/*/manifest")], number)
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        cluster.ask("stop", campaign.name)
        cluster.wait_job("stopped")
        # Later results are out: that is to be chosen, or not.
        cluster.ask("restart", campaign.name, "--from", str(number))
        asks = cluster.wait_job("needs decision")
        assert asks["failure"]["code"] == "WEIR-E003", asks
        assert f"--from {number} --rewind" in asks["failure"]["cure"], asks
        nonsense = cluster.command("restart", campaign.name, "--from", "some/where")
        assert nonsense.code == USAGE and "WEIR-M007" in nonsense.codes(), nonsense.show()
        cluster.ask("restart", campaign.name)
        cluster.wait_job("running")
        looked = cluster.ask("checkpoint", "verify", campaign.name, "--savepoint", str(number))
        assert looked["ok"] and [one["savepoint_at"] for one in looked["checkpoints"]] == [str(location)]
        by_folder = cluster.command("checkpoint", "verify", campaign.name, "--savepoint", str(location))
        assert by_folder.code == USAGE and "by their number" in by_folder.log, by_folder.show()
        verified = call("checkpoint", "verify", campaign.name, "--state-dir", cluster.state,
                        "--savepoint", str(location))
        assert verified.code == DONE, verified.show()
        assert cluster.ask("checkpoint", "remove", campaign.name, str(number))["removed"] == number
        assert not location.exists()
        listed = cluster.ask("checkpoint", "list", campaign.name)["checkpoints"]
        assert listed and not any("savepoint_at" in one for one in listed)
        again = cluster.command("checkpoint", "remove", campaign.name, str(number))
        assert again.code == USAGE and "WEIR-S004" in again.codes(), again.show()
        campaign.finish_clean()
        tell("a savepoint of a cluster, " + campaign.told())


def test_another_cluster_goes_on_from_a_savepoint(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    kept = Kept(kafka, tmp_path)
    with Cluster(tmp_path / "one", kept.job, kept.variables(), workers=2) as one:
        one.start()
        kept.feed(5)
        kept.wait(one, kept.out, kept.closed())
        location = one.ask("savepoint", kept.topic)["location"]
        one.ask("stop", kept.topic)
        one.wait_job("stopped")
    with Cluster(tmp_path / "other", kept.job, kept.variables(), workers=3) as other:
        other.ask(*other.submit_words(), "--parallelism", "3", "--from", location)
        other.wait_job("running", parallelism=3)
        kept.feed(5)
        kept.wait(other, kept.out, kept.closed())
        # A worker that is lost costs nothing of it.
        lead = other.status()["attempt"]["lead"]
        other.workers[lead].kill()
        kept.feed(5)
        kept.wait(other, kept.out, kept.closed())


STOCK = """
job: small
checkpoint: { interval: 50ms }
sources:
  prices:
    generator: { kind: stock, rate: 2000/s, count: 400000, seed: 3 }
    event_time: { column: event_time }
steps:
  counts: { from: prices, window: { tumbling: 100ms }, group_by: ticker, select: [ticker, { n: count() }] }
sinks:
  nowhere: { from: counts, blackhole: {} }
"""


def test_a_savepoint_in_s3(s3, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_part.KEYS.items():
        monkeypatch.setenv(name, value)
    bucket = f"weir-{uuid.uuid4().hex[:8]}"
    s3.make_bucket(bucket)
    config = tmp_path / "weir.yaml"
    config.write_text(s3.config(bucket))
    job = tmp_path / "job.yaml"
    job.write_text(STOCK)
    weir = Weir(job, tmp_path / "run", flags=["--config", str(config)])
    weir.checkpoints = s3.data / bucket / "weir"
    folder = weir.checkpoints / "small" / "savepoints"

    def wait_checkpoints(which: Weir, more: int) -> None:
        wanted = max(which.manifests(), default=0) + more
        which.wait_until(lambda: max(which.manifests(), default=0) >= wanted, 30, "checkpoints")

    # A kill in the middle leaves files, and no savepoint.
    weir.start("state.savepoint.before_record=kill")
    wait_checkpoints(weir, 5)
    weir.signal(signal.SIGUSR2)
    assert weir.wait().killed
    assert list(folder.glob("*/files/*")) and not list(folder.glob("*/manifest"))
    listed = call("checkpoint", "list", "small", "--config", config)
    assert "savepoint" not in listed.out, listed.show()
    weir.start()
    wait_checkpoints(weir, 3)
    number, location = take_savepoint(weir)
    assert location == f"s3://{bucket}/weir/small/savepoints/{number}"
    wait_cleaned_up(weir, weir.manifests, number)
    assert weir.stop().code == DONE
    verified = call("checkpoint", "verify", "small", "--config", config)
    assert verified.code == DONE and "1 savepoint, " in verified.out, verified.show()
    # On another machine, in another prefix.
    other_config = tmp_path / "other.yaml"
    other_config.write_text(s3.config(bucket, url=f"s3://{bucket}/other"))
    other = Weir(job, tmp_path / "run", state_name="other", flags=["--config", str(other_config)])
    other.checkpoints = s3.data / bucket / "other"
    other.start(flags=["--from", location])
    wait_checkpoints(other, 1)
    assert min(other.manifests()) > number
    wait_checkpoints(other, 6)
    other.kill()
    shutil.rmtree(other.state)
    wait_checkpoints(other.start(), 5)
    assert other.stop().code == DONE
    assert call("checkpoint", "verify", "small", "--config", other_config).code == DONE
    # To a directory, and with the old checkpoints forgotten.
    fresh = weir.start(flags=["--fresh", "--from", str(number)])
    wait_checkpoints(fresh, 1)
    assert min(fresh.manifests()) > number
    assert fresh.stop().code == DONE
    removed = call("checkpoint", "remove", "small", str(number), "--config", config)
    assert removed.code == DONE and not list((folder / str(number)).rglob("*")), removed.show()
