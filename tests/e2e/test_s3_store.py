"""Checkpoints in a real S3 service: kills, a service that goes away, a new machine, and what is refused."""

import json
import os
import pathlib
import shutil
import uuid

import pytest

from e2e import manifest
from e2e.campaign import Campaign
from e2e.weir import DECISION, DONE, FAILED, GAVE_UP, USAGE, Weir, call
from parts import process
from parts import s3 as part

SEED = int(os.environ.get("WEIR_SEED", "20250401"))

# A kill there, on so many passes: before and after each thing that makes a checkpoint be there.
KILLS = {
    "state.upload.file": 30,
    "state.upload.after_file": 30,
    "state.manifest.before_link": 8,
    "state.manifest.after_link": 8,
    "engine.manifest_committed": 8,
    "state.cleanup.before_manifest": 8,
    "state.cleanup.before_file": 20,
    "state.publishing": 3,
    "kafka.publish.marked": 9,
}

JOB = """
job: small
checkpoint: { interval: 50ms }
sources:
  prices:
    generator: { kind: stock, rate: 4000/s, count: "${COUNT:-8000}", seed: 3 }
    event_time: { column: event_time }
steps:
  counts: { from: prices, window: { tumbling: 100ms }, group_by: ticker, select: [ticker, { n: count() }] }
sinks:
  nowhere: { from: counts, blackhole: {} }
"""


@pytest.fixture(autouse=True)
def keys(monkeypatch) -> None:
    for name, value in part.KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
                 "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket(s3) -> str:
    name = f"weir-{uuid.uuid4().hex[:8]}"
    s3.make_bucket(name)
    return name


def configured(s3, bucket: str, work: pathlib.Path, **more) -> pathlib.Path:
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"weir-{uuid.uuid4().hex[:6]}.yaml"
    path.write_text(s3.config(bucket, **more))
    return path


def objects(s3, bucket: str) -> dict[str, int]:
    """What an independent client sees: keys and sizes."""
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {o["Key"]: o["Size"] for page in pages for o in page.get("Contents", [])}


@pytest.fixture
def small(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> Weir:
    path = tmp_path / "job.yaml"
    path.write_text(JOB)
    return Weir(path, tmp_path / "run")


def test_kills_with_the_checkpoints_in_s3(kafka, s3, bucket: str, weir_binary: pathlib.Path,
                                          tmp_path: pathlib.Path, tell) -> None:
    config = configured(s3, bucket, tmp_path)
    with Campaign(kafka, tmp_path, SEED, rate=800, flags=["--config", str(config)],
                  checkpoints=s3.data / bucket / "weir") as campaign:
        for place, number in KILLS.items():
            if not campaign.life(f"{place}=kill@{number}"):
                break
        for number in range(3):
            campaign.weir.sets = {"parallelism": str(number + 2)}
            campaign.short_life(campaign.chance.uniform(0.5, 2))
            # Another machine: nothing but the store is left.
            shutil.rmtree(campaign.weir.state)
        verdict = campaign.finish()
        tell("kills with the checkpoints in S3, " + campaign.told())
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]
        assert not (set(KILLS) - set(campaign.tally.hits)), campaign.told()
        assert not list(campaign.weir.state.rglob("manifest")), "in the state directory"
        checked = call("checkpoint", "verify", campaign.name, "--config", config)
        assert checked.code == DONE, checked.show()
        # What kills have left is no more than a day's worth: nothing of it is named.
        newest = manifest.newest(s3.data / bucket / "weir")
        assert newest.number > 30


def test_a_service_that_goes_away_and_comes_back(kafka, s3, bucket: str, weir_binary: pathlib.Path,
                                                 tmp_path: pathlib.Path, tell) -> None:
    config = configured(s3, bucket, tmp_path, endpoint=s3.proxied_endpoint)
    with Campaign(kafka, tmp_path, SEED + 1, rate=500, flags=["--config", str(config)],
                  checkpoints=s3.data / bucket / "weir") as campaign:
        short = {"checkpoint.timeout": "2s"}
        campaign.start(sets=short)
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        for away in (s3.proxy.cut, s3.proxy.blackhole):
            def told(text: str) -> int:
                return campaign.weir.log().count(text)

            dropped, again = told("checkpoint dropped"), told("checkpoints work again")
            away()
            process.wait_until(lambda seen=dropped: told("checkpoint dropped") > seen, 30, "a checkpoint is dropped")
            s3.proxy.restore()
            process.wait_until(lambda seen=again: told("checkpoints work again") > seen, 30, "checkpoints work again")
            assert campaign.weir.running, campaign.weir.log()[-3000:]
        campaign.weir.kill()
        campaign.ended(campaign.weir.wait())
        # At a start it is waited for.
        s3.proxy.cut()
        campaign.start(sets=short)
        assert "WEIR-A001" in campaign.weir.wait_log("for=\"the checkpoint store\"")
        s3.proxy.restore()
        verdict = campaign.finish(sets=short)
        report = campaign.weir.wait().report
        tell("a service that goes away, " + campaign.told())
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]
        assert report is not None and report["unaccounted_rows"] == 0


@pytest.mark.parametrize("place", ["state.manifest.before_link=stop@10", "state.upload.after_file=stop@30",
                                   "kafka.publish.received=stop@9"])
def test_a_process_that_slept_finds_its_job_taken_over(kafka, s3, bucket: str, weir_binary: pathlib.Path,
                                                       tmp_path: pathlib.Path, place: str) -> None:
    """Another machine goes on from the store meanwhile. No lock is between the two, only the manifests."""
    config = configured(s3, bucket, tmp_path)
    with Campaign(kafka, tmp_path, SEED + 2, rate=500, flags=["--config", str(config)],
                  checkpoints=s3.data / bucket / "weir") as campaign:
        sleeper = campaign.weir
        campaign.start(place)
        sleeper.wait_stopped()
        campaign.weir = campaign.make_weir("elsewhere")
        campaign.weir.checkpoints = sleeper.checkpoints
        campaign.start()
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        sleeper.thaw()
        deposed = sleeper.wait(60)
        assert deposed.code == FAILED and "WEIR-E002" in deposed.log, deposed.show()
        verdict = campaign.finish()
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]
        assert call("checkpoint", "verify", campaign.name, "--config", config).code == DONE


def test_failed_checkpoints_are_counted(small: Weir, s3, bucket: str, tmp_path: pathlib.Path) -> None:
    config = configured(s3, bucket, tmp_path, endpoint=s3.proxied_endpoint)
    small.variables = {"COUNT": "60000"}
    small.start(flags=["--config", str(config)], sets={"checkpoint.timeout": "2s"})
    process.wait_until(lambda: "weir/small/checkpoints/4/manifest" in objects(s3, bucket), 20, "checkpoints")
    s3.proxy.cut()
    small.wait_until(lambda: "checkpoint dropped" in small.log() or "checkpoint waits" in small.log(), 30,
                     "a checkpoint has failed")
    s3.proxy.restore()
    done = small.wait()
    assert done.code == DONE, done.show()
    assert done.report["checkpoints_dropped"] > 0 and done.report["rows_in"] == 60_000, done.report
    assert done.log.count("checkpoints work again") == 1, done.show()


def test_a_run_that_ends_leaves_only_what_is_named(small: Weir, s3, bucket: str,
                                                   tmp_path: pathlib.Path) -> None:
    config = configured(s3, bucket, tmp_path)
    flags = ["--config", str(config)]
    done = small.run(flags=flags)
    assert done.code == DONE and done.report["rows_in"] == 8000, done.show()
    there = objects(s3, bucket)
    folder = s3.data / bucket / "weir"
    listed = call("checkpoint", "list", "small", *flags)
    assert listed.code == DONE and "the job's end" in listed.out, listed.show()
    numbers = sorted(int(key.split("/")[3]) for key in there if key.endswith("/manifest"))
    assert len(numbers) == 3 and len(listed.out.splitlines()) == 4, listed.show()
    verified = call("checkpoint", "verify", "small", *flags)
    assert verified.code == DONE, verified.show()
    files = int(verified.out.split("all right: ")[1].split(" files")[0].split()[-1])
    assert files == sum("/files/" in key for key in there), (verified.out, there)
    waiting = call("txn", "list", "small", *flags)
    assert waiting.code == DONE and f"checkpoint {numbers[-1]}" in waiting.out, waiting.show()
    assert call("checkpoint", "list", "other", *flags).codes() == ["WEIR-C003"]
    # A second start finds that it has ended; from an empty state directory, too.
    shutil.rmtree(small.state)
    again = small.run(flags=flags)
    assert again.code == DONE and "the job has ended" in again.log, again.show()
    assert {k: v for k, v in objects(s3, bucket).items() if "/files/" in k} == {
        k: v for k, v in there.items() if "/files/" in k}
    # --fresh forgets what is there.
    fresh = small.run(flags=[*flags, "--fresh"])
    assert fresh.code == DONE and fresh.report["rows_in"] == 8000, fresh.show()
    assert manifest.newest(folder).ended


def test_a_damaged_object_is_found_and_gone_back_behind(small: Weir, s3, bucket: str,
                                                        tmp_path: pathlib.Path) -> None:
    flags = ["--config", str(configured(s3, bucket, tmp_path))]
    small.variables = {"COUNT": "100000"}
    small.start(flags=flags)
    process.wait_until(lambda: small_newest(s3, bucket) > 5, 20, "checkpoints")
    small.kill()
    newest = small_newest(s3, bucket)
    path = s3.data / bucket / "weir" / "small" / "checkpoints" / str(newest) / "manifest"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    verified = call("checkpoint", "verify", "small", *flags)
    assert verified.code == FAILED and f"checkpoint {newest}" in verified.out, verified.show()
    stopped = small.run(flags=flags)
    assert stopped.code == DECISION and "WEIR-E007" in stopped.log, stopped.show()
    small.start(flags=[*flags, "--rewind"])
    small.wait_log("rewound to an older checkpoint")
    process.wait_until(lambda: small_newest(s3, bucket) > newest + 3, 20, "checkpoints")
    assert small.stop().code == DONE
    assert any(f"/damaged/{newest}-" in key for key in objects(s3, bucket))
    assert call("checkpoint", "verify", "small", *flags).code == DONE


def small_newest(s3, bucket: str) -> int:
    folder = s3.data / bucket / "weir" / "small" / "checkpoints"
    return max((int(p.parent.name) for p in folder.glob("*/manifest")), default=0)


LARGE_JOB = """
job: large
checkpoint: { interval: 1s }
connections: { broker: { kafka: { bootstrap_servers: "${BOOTSTRAP}" } } }
sources:
  lines:
    kafka: { connection: broker, topic: "${TOPIC}", start: earliest }
    format: json
    columns: { key: string, at: timestamp }
    event_time: { column: at, watermark_delay: 1s }
steps:
  counts: { from: lines, window: { tumbling: 1h }, group_by: key, select: [key, { n: count() }] }
sinks:
  nowhere: { from: counts, blackhole: {} }
"""


def test_large_files_go_in_parts_and_come_back(kafka, s3, bucket: str, weir_binary: pathlib.Path,
                                               tmp_path: pathlib.Path) -> None:
    """State of 45 MB in one file, which is more than weir sends with one request."""
    topic = f"large-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(topic)
    kafka.produce(topic, [(None, json.dumps({"key": os.urandom(450).hex(), "at": 1_735_689_600_000}))
                          for _ in range(50_000)])
    job = tmp_path / "job.yaml"
    job.write_text(LARGE_JOB)
    weir = Weir(job, tmp_path / "run", variables={"BOOTSTRAP": kafka.bootstrap, "TOPIC": topic},
                flags=["--config", str(configured(s3, bucket, tmp_path))])
    weir.checkpoints = s3.data / bucket / "weir"

    def counted() -> bool:
        return bool(weir.manifests()) and manifest.newest(weir.checkpoints).totals.get("lines.in") == 50_000

    weir.start(sets={"checkpoint.interval": "4s"})
    process.wait_until(counted, 40, "all rows are in a checkpoint")
    stopped = weir.stop()
    assert stopped.code == DONE, stopped.show()
    large = [key for key, size in objects(s3, bucket).items() if size > 32 << 20]
    assert large, objects(s3, bucket)
    shutil.rmtree(weir.state)
    weir.start()
    cache = weir.state / "large" / "cache"
    process.wait_until(lambda: (cache / large[0].rpartition("/")[2]).exists(), 30, "the state is fetched")
    again = weir.stop()
    assert again.code == DONE and again.report["rows_in"] == 50_000, again.show()
    assert call("checkpoint", "verify", "large", *weir.flags).code == DONE


REFUSED = [
    ("wrong secret", {}, {"WEIR_S3_SECRET": "not-the-secret"}, FAILED, "WEIR-A004"),
    ("wrong key", {}, {"WEIR_S3_KEY": "AKIANOBODY"}, FAILED, "WEIR-A004"),
    ("no key", {}, {"WEIR_S3_KEY": None}, FAILED, "WEIR-J023"),
    ("missing bucket", {"url": "s3://weir-nowhere/weir"}, {}, FAILED, "WEIR-A005"),
    ("no profile", {"access_key": None, "secret_key": None, "profile": "nobody"}, {}, FAILED, "WEIR-A007"),
    ("no TLS there", {"endpoint_scheme": "https"}, {}, GAVE_UP, "WEIR-E012"),
    ("no address", {"endpoint": "minio"}, {}, USAGE, "WEIR-A010"),
    ("half a key", {"secret_key": None}, {}, USAGE, "WEIR-J025"),
    ("no bucket's name", {"url": "s3://x"}, {}, USAGE, "WEIR-J025"),
    ("a key in the clear", {"secret_key": "abcdef"}, {}, USAGE, "WEIR-J025"),
]


@pytest.mark.parametrize("more, environment, code, error", [r[1:] for r in REFUSED],
                         ids=[r[0] for r in REFUSED])
def test_a_store_that_cannot_be_used(small: Weir, s3, bucket: str, tmp_path: pathlib.Path, monkeypatch,
                                     more: dict, environment: dict, code: int, error: str) -> None:
    good = ["--config", str(configured(s3, bucket, tmp_path))]
    assert small.run(flags=good, sets={"sources.prices.generator.count": "400"}).code == DONE
    before = objects(s3, bucket)
    facts = (small.state / "small" / "job").read_bytes()
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    more = dict(more)
    if more.pop("endpoint_scheme", None):
        more["endpoint"] = s3.endpoint.replace("http:", "https:")
    config = configured(s3, bucket, tmp_path, **more)
    done = small.run(flags=["--config", str(config), "--wait", "1s"])
    assert done.code == code, done.show()
    assert error in done.log or (error == "WEIR-J025" and f"{config}:" in done.log), done.show()
    for secret in (*part.KEYS.values(), "not-the-secret"):
        assert secret not in done.log, done.show()
    assert objects(s3, bucket) == before and (small.state / "small" / "job").read_bytes() == facts
    for name, value in part.KEYS.items():
        monkeypatch.setenv(name, value)
    again = small.run(flags=good)
    assert again.code == DONE and "the job has ended" in again.log, again.show()
