"""A job goes on with another text: what stays keeps its state, and what would be dropped must be said."""

import json
import pathlib
import re
from collections import Counter

import pytest
from confluent_kafka import Producer

from e2e.campaign import JOB
from e2e.cluster import Cluster, ClusterCampaign, attempt_of
from e2e.test_jobs import unique
from e2e.weir import DECISION, DONE, USAGE, Weir, call

DAYS = """job: days
parallelism: 2
checkpoint: {{ interval: 200ms }}
sources:
  clicks:
    generator: {{ kind: clickstream, rate: 2000/s }}
    event_time: {{ column: eventtimestamp }}
steps:
  days:
    from: clicks
    window: {{ tumbling: {days}d }}
    group_by: product_type
    select: [product_type, {{ rows: count() }}]
{more}
sinks:
  out: {{ from: days, files: {{ path: "{out}" }}, format: json }}
"""
USERS = """
  users:
    from: clicks
    window: { tumbling: 1000d }
    group_by: userid
    select: [userid, { rows: count() }]
    """
USERS_SINK = """
  users_out: { from: users, files: { path: "%s" }, format: json }
"""


class Days:
    """Rows counted in windows that never close by themselves: what was dropped is missing in the end."""

    def __init__(self, work: pathlib.Path):
        self.path = work / "days.yaml"
        self.out = work / "days"
        self.users = work / "users"
        self.write()

    def write(self, days: int = 1000, users: bool = False) -> pathlib.Path:
        text = DAYS.format(days=days, out=self.out, more=USERS if users else "")
        self.path.write_text(text + (USERS_SINK % self.users if users else ""))
        return self.path

    def counted(self, table: pathlib.Path) -> int:
        return sum(json.loads(line)["rows"] for file in table.rglob("*.json")
                   if not file.name.startswith(("_", ".")) for line in file.read_text().splitlines())


def total(newest, step: str, count: str) -> int:
    """Over the nodes that a step was made into."""
    return sum(value for name, value in newest.totals.items()
               if re.fullmatch(rf"{step}(/\w+)?\.{count}", name))


# --- weir run -----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["another window", "no such step"])
def test_state_that_has_no_place_is_dropped_once_that_is_said(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path, change: str) -> None:
    days = Days(tmp_path)
    days.write(users=True)
    weir = Weir(days.path, tmp_path / "run")

    def run_for(checkpoints: int, *flags: str) -> None:
        newest = weir.newest_manifest()
        wanted = (newest.number if newest else 0) + checkpoints
        weir.start(flags=flags)
        weir.wait_until(lambda: (now := weir.newest_manifest()) and now.number >= wanted, 30,
                        f"{checkpoints} checkpoints")
        assert weir.stop().code == DONE, weir.log()

    def manifests() -> dict:
        return {path: path.read_bytes() for path in weir.state.rglob("checkpoints/*/manifest")}

    run_for(3)
    step = "days" if change == "another window" else "users"
    days.write(days=500 if step == "days" else 1000, users=step == "days")
    before = manifests()
    held = total(weir.newest_manifest(), step, "held")
    assert held > 0
    refused = weir.run()
    assert refused.code == DECISION and "WEIR-E006" in refused.codes(), refused.show()
    assert f"--drop-state {step}" in refused.log.splitlines()[-1], refused.show()
    misspelt = weir.run(flags=["--drop-state", "nothere"])
    assert misspelt.code == USAGE and "WEIR-E020" in misspelt.codes(), misspelt.show()
    assert "clicks, days, users" in misspelt.log, misspelt.show()
    assert manifests() == before

    run_for(3, "--drop-state", step)
    newest = weir.newest_manifest()
    assert total(newest, step, "given_up") == held
    # Said again, it drops nothing of what was gathered since.
    run_for(3, "--drop-state", step)
    newest = weir.newest_manifest()
    assert total(newest, step, "given_up") == held
    rows = newest.totals["clicks.in"]
    assert total(newest, "days", "held") == rows - (held if step == "days" else 0) > 0
    assert total(newest, "users", "held") == (rows if step == "days" else 0)


# --- a cluster ----------------------------------------------------------------------------------


def test_an_upgrade_keeps_what_stays(
        kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    """Steps, sinks and tasks come and go while rows flow; windows and sessions lose nothing."""
    with ClusterCampaign(kafka, tmp_path, 20250801, rate=800) as campaign:
        cluster = campaign.cluster
        kafka.create_topic(f"{campaign.name}.keys", partitions=3)
        larger = tmp_path / "larger.yaml"
        larger.write_text(with_more(JOB.read_text()))
        campaign.start()
        campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        for job, parallelism in ((larger, 4), (JOB, 3), (larger, 4)):
            before = cluster.wait_job("running")
            words = cluster.submit_words(job)
            cluster.ask("upgrade", *words[1:], "--set", f"parallelism={parallelism}",
                        *(["--drop-state", "keys"] if job == JOB else []))
            cluster.wait_job("running", parallelism=parallelism, not_attempt=attempt_of(before))
            cluster.wait_checkpoints(3)
        campaign.finish_clean()
        tell("upgraded three times, " + campaign.told())


def with_more(job: str) -> str:
    """The campaign's job with another window, another sink, and a condition on what comes out."""
    assert "    group_by: key\n" in job and "sinks:\n" in job
    more = ("  keys:\n    from: numbers\n    window: { tumbling: 5s }\n    group_by: key\n"
            "    having: count() >= 0\n    select: { key: key, n: count() }\n")
    sink = ('  keys_topic:\n    from: keys\n    kafka: { connection: broker, topic: "${TOPIC}.keys", key: key }\n')
    having = "    window: { session: { gap: 500ms } }\n    group_by: key\n"
    assert having in job
    return (job.replace("sinks:\n", more + "sinks:\n" + sink)
            .replace(having, having + "    having: count() > 0\n"))


def test_an_upgrade_that_would_drop_state_is_refused_before_it_begins(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    days = Days(tmp_path)
    days.write(users=True)
    old = tmp_path / "old.yaml"
    old.write_text(days.path.read_text())
    with Cluster(tmp_path / "cluster", days.path, {"JOB": "days"}, workers=2) as cluster:
        cluster.start()
        running = cluster.wait_job("running")
        wide = running["parallelism"] + 1
        cluster.ask("rescale", "days", str(wide))
        running = cluster.wait_job("running", parallelism=wide, not_attempt=attempt_of(running))
        cluster.wait_checkpoints(3)
        days.write(days=500, users=False)

        told = call("diff", old, days.path)
        assert told.code == DECISION and "WEIR-E021" in told.codes(), told.show()
        fates = {line.split()[2]: line.split()[0] for line in told.out.splitlines()}
        assert fates == {"clicks": "kept", "days": "rebuilt", "out": "kept", "users": "dropped",
                         "users_out": "gone"}, told.show()
        for flags, code, status, text in (
                ([], "WEIR-E021", DECISION, "--drop-state days,users"),
                (["--drop-state", "users"], "WEIR-E021", DECISION, "step 'days': it keeps other state"),
                (["--drop-state", "days,users,out"], "WEIR-E020", USAGE, "a step or source 'out'")):
            refused = cluster.command("upgrade", days.path, *flags)
            assert refused.code == status and code in refused.codes(), refused.show()
            assert text in refused.log, refused.show()
        after = cluster.status()
        assert after["state"] == "running" and attempt_of(after) == attempt_of(running)

        cluster.ask("upgrade", days.path, "--drop-state", "users", "--drop-state", "days")
        # It stays as wide as it was made by command.
        upgraded = cluster.wait_job("running", parallelism=wide, not_attempt=attempt_of(running))
        cluster.wait_checkpoints(2)
        # Another attempt of the same text drops nothing again.
        cluster.workers[upgraded["attempt"]["lead"]].kill()
        cluster.up()
        cluster.wait_job("running", not_attempt=attempt_of(upgraded))
        cluster.wait_checkpoints(2)
        cluster.ask("stop", "days", "--drain")
        cluster.wait_job("ended")
        last = cluster.newest_manifest()
        assert last is not None
        given_up = total(last, "days", "given_up")
        assert total(last, "users", "given_up") == given_up > 0
        assert days.counted(days.out) == last.totals["clicks.in"] - given_up > 0


def test_a_job_that_was_changed_at_rest_goes_on_once_it_is_told_what_to_drop(
        weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    days = Days(tmp_path)
    days.write(users=True)
    with Cluster(tmp_path / "cluster", days.path, {"JOB": "days"}, workers=2) as cluster:
        cluster.start()
        cluster.wait_job("running")
        cluster.wait_checkpoints(3)
        cluster.ask("stop", "days")
        cluster.wait_job("stopped")
        held = total(cluster.newest_manifest(), "users", "held")
        days.write(users=False)
        cluster.ask("submit", days.path)
        asked = cluster.wait_job("needs decision")["failure"]
        assert asked["code"] == "WEIR-E006" and "--drop-state users" in asked["cure"], asked
        cluster.ask("restart", "days", "--drop-state", "nothere")
        failed = cluster.wait_job("failed")["failure"]
        assert failed["code"] == "WEIR-E020" and "clicks, days, users" in failed["cure"], failed
        cluster.ask("restart", "days", "--drop-state", "users")
        cluster.wait_job("running")
        cluster.wait_checkpoints(2)
        newest = cluster.newest_manifest()
        assert total(newest, "users", "given_up") == held > 0
        assert total(newest, "days", "held") == newest.totals["clicks.in"]


# --- topics -------------------------------------------------------------------------------------

TOPICS = """job: topics
parallelism: 2
checkpoint: {{ interval: 200ms }}
connections:
  broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }}
sources:
  records:
    kafka: {{ connection: broker, {topics}, start: earliest }}
    format: json
    columns: {{ name: string, at: timestamp }}
    event_time: {{ column: at, watermark_delay: 0s }}
steps:
  windows:
    from: records
    window: {{ tumbling: 1s }}
    group_by: name
    select: {{ name: name, n: count() }}
sinks:
  out: {{ from: windows, files: {{ path: "{out}", roll: {{ every: 100ms }} }}, format: json }}
"""


@pytest.mark.parametrize("named", ["by name", "by pattern"])
def test_a_topic_that_is_no_longer_named_is_no_longer_read(
        kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, named: str) -> None:
    """Nor do windows wait for it: its rows are older than all others."""
    one, other = unique("topics-one"), unique("topics-other")
    for topic in (one, other):
        kafka.create_topic(topic, partitions=2)
    out = tmp_path / "out"

    def write(name: str, topics: str) -> pathlib.Path:
        (tmp_path / name).write_text(TOPICS.format(bootstrap=kafka.bootstrap, topics=topics, out=out))
        return tmp_path / name

    def send(topic: str, name: str, second: int) -> None:
        producer = Producer({"bootstrap.servers": kafka.bootstrap})
        for partition in (0, 1):
            producer.produce(topic, json.dumps({"name": name, "at": f"2026-01-01T00:00:{second:02}Z"}),
                             partition=partition)
        assert producer.flush(30) == 0

    def counted() -> Counter:
        return Counter({row["name"]: row["n"] for file in out.rglob("*.json")
                        if not file.name.startswith(("_", ".")) for row in map(json.loads, file.read_text().splitlines())})

    both = f"topics: [{one}, {other}]" if named == "by name" else f'pattern: "({one}|{other})"'
    before = write("before.yaml", both)
    after = write("after.yaml", f"topic: {one}")
    with Cluster(tmp_path / "cluster", before, {"JOB": "topics"}, workers=2) as cluster:
        cluster.start()
        first = cluster.wait_job("running")
        send(one, "held", 10)
        send(other, "old", 1)
        cluster.wait_until(lambda: (now := cluster.newest_manifest()) and now.totals.get("records.in") == 4, 60,
                           "rows of both topics are read")
        told = call("diff", before, after)
        assert told.code == DONE, told.show()
        if named == "by name":
            assert f"{other} is no longer read: its positions are dropped" in told.out, told.show()
        cluster.ask("upgrade", after)
        cluster.wait_job("running", not_attempt=attempt_of(first))
        send(other, "unread", 20)
        send(one, "late enough", 30)
        cluster.wait_until(lambda: {"held", "old"} <= set(counted()), 60, "windows close without the other topic")
        newest = cluster.newest_manifest()
        assert newest is not None and {split.rsplit("/", 1)[0] for split in newest.positions} == {one}
        cluster.ask("stop", "topics", "--drain")
        cluster.wait_job("ended")
        assert counted() == {"held": 2, "old": 2, "late enough": 2}
