"""Does the checker notice? weir with one rule of its protocol broken on purpose, in many ways.

Every scenario is run with the mutant, which must not come out clean, and with weir as it is, which
must (those that are kills at failpoints only in the long campaign: test_kills.py has them too). At
the end stands a table of what caught each.
"""

import pathlib
import re
import time
import uuid
from collections.abc import Callable

import pytest
from confluent_kafka.admin import NewTopic

from e2e import checker, failpoints
from e2e.campaign import Campaign
from e2e.inputs import BASE_MS, Feed, Number
from e2e.keys import KeysJob
from parts import proxy as proxies
from parts.process import wait_until

SEED = 1848
SINKS = (b"passed_topic", b"windows_topic", b"sessions_topic")
Scenario = Callable[[Campaign], None]
TABLE: dict[str, str] = {}


def publish_before_manifest(campaign: Campaign) -> None:
    """Killed when all is sealed and the manifest, which takes its time, is not there yet. What must
    not happen meanwhile cannot be waited for: the time grows until it has, on a busy machine too."""
    for number, pause_ms in ((5, 700), (4, 1500), (4, 4000), (4, 8000)):
        slow = f"state.manifest.before_sync=delay:{pause_ms}@{number}"
        if not campaign.life(f"{slow},state.manifest.before_link=kill@{number}"):
            return


def no_fencing(campaign: Campaign) -> None:
    """A process is frozen inside a transaction, before the marker; another goes on from its checkpoints
    on another machine; the first wakes while the second is about to publish what both have sealed."""
    campaign.start("kafka.publish.produced=stop@7", sets={"restart.attempts": "0"})
    campaign.weir.wait_stopped()
    zombie = campaign.weir
    campaign.weir = campaign.successor("successor")
    campaign.start("kafka.publish.received=stop@1")
    try:
        campaign.weir.wait_stopped()
    except AssertionError:
        if not campaign.mutant:
            raise
        # A transaction of another lane was open and marked: nobody ends it, and no marker can be read.
        campaign.verdict.stopped.append("a transaction that nobody ends")
        zombie.kill()
        return
    zombie.thaw()
    zombie.wait(30)  # Fenced, or at the latest when its next checkpoint finds the other's.
    campaign.weir.thaw()


def marker_outside_transaction(campaign: Campaign) -> None:
    """Killed wherever rows and marker could part."""
    places = ["kafka.publish.produced", "kafka.publish.marked", "kafka.publish.commit_sent",
              "kafka.publish.committed"]
    if campaign.mutant:
        places.insert(0, "kafka.publish.between")  # Only there if they are parted.
    for number, place in enumerate(places):
        if not campaign.life(f"{place}=kill@{4 + number}"):
            return


def positions_late(campaign: Campaign) -> None:
    for number in (4, 5, 6):
        if not campaign.life(f"engine.manifest_committed=kill@{number}"):
            return


def wait_for_rows(feed: Feed, count: int, those: Callable[[Number], bool]) -> None:
    """Until the broker has taken so many more of those rows."""
    begin = len(feed.acknowledged)
    wait_until(lambda: sum(map(those, feed.acknowledged[begin:])) >= count, 30,
               f"{count} more rows of the feed are acknowledged")


def watermark_not_restored(campaign: Campaign) -> None:
    """Old rows come after windows were closed, and the job starts anew among them."""
    campaign.start()
    campaign.wait_for_windows(BASE_MS + 8_000)
    campaign.feed.late_share = 0.3
    campaign.kill()
    for _ in range(3):
        wait_for_rows(campaign.feed, 80, lambda row: row.late)
        if not campaign.life_that_reads_all():
            return


def live_directory_reopened(campaign: Campaign) -> None:
    """Killed when the state was written and the manifest was not, several times."""
    for number in (4, 5, 6, 5):
        if not campaign.life(f"state.manifest.before_link=kill@{number}"):
            return


def dropped_outbox_forgotten(campaign: Campaign) -> None:
    """Checkpoints fail as on a full disk, and the job goes on."""
    for place in ("state.manifest.before_sync=error@5", "state.upload.file=error@9"):
        campaign.start(place)
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        if not campaign.kill():
            return


def checksum_ignored(campaign: Campaign) -> None:
    """A digit of a sealed row is changed on the disk while nothing runs."""
    assert campaign.life("kafka.publish.received=kill@6"), campaign.told()
    places = damage(campaign.weir.state)
    finished = campaign.weir.start().wait(15) if campaign.mutant is None else None
    if finished is not None:
        # As it is, weir must refuse, say so with a code, and touch nothing: then mend it.
        assert finished.code in (1, 3), finished.show()
        assert "WEIR-S00" in finished.log or "WEIR-E007" in finished.log, finished.show()
        assert "Traceback" not in finished.log and "terminate called" not in finished.log
        for path, data in places.items():
            path.write_bytes(data)


def damage(state: pathlib.Path) -> dict[pathlib.Path, bytes]:
    """Changes a digit of a row in each place of the newest checkpoint that shows one; gives the
    bytes that were there."""
    changed: dict[pathlib.Path, bytes] = {}
    newest = max(state.glob("*/checkpoints/*/manifest"), key=lambda p: int(p.parent.name))
    for path in [newest, *state.glob("*/files/*")]:
        data = path.read_bytes()
        places = list(re.finditer(rb'"seq":\d*(\d)', data))
        if places:
            at = places[-1].start(1)
            digit = b"1" if data[at : at + 1] != b"1" else b"2"
            changed[path] = data
            path.write_bytes(data[:at] + digit + data[at + 1 :])
    assert changed, f"no sealed row lies open in {state}"
    return changed


def manifest_gap(campaign: Campaign) -> None:
    campaign.life_of(12)


def gone_tasks_outbox_forgotten(campaign: Campaign) -> None:
    """Killed when results of three tasks are in a manifest and unpublished; two tasks go on."""
    for number in (6, 7):
        campaign.weir.sets = {"parallelism": "3"}
        if not campaign.life(f"kafka.publish.received=kill@{number}"):
            return
        campaign.weir.sets = {"parallelism": "2"}
        if not campaign.life_of(3):
            return


def rescale_keeps_all_slots(campaign: Campaign) -> None:
    """More tasks than before go on from the same checkpoint."""
    for parallelism in ("2", "4"):
        campaign.weir.sets = {"parallelism": parallelism}
        if not campaign.life_of(10):
            return


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        publish_before_manifest, no_fencing, marker_outside_transaction, positions_late,
        watermark_not_restored, live_directory_reopened, dropped_outbox_forgotten, checksum_ignored,
        manifest_gap, gone_tasks_outbox_forgotten, rescale_keeps_all_slots)
}
# These need more than the campaign's job; they have tests of their own below.
OWN_TESTS = {"eviction_during_snapshot", "idle_while_leader_away", "producer_reused"}


def test_every_mutant_has_its_scenario() -> None:
    assert {*SCENARIOS, *OWN_TESTS} == set(failpoints.MUTANTS)


def run(scenario: Scenario, kafka, work: pathlib.Path, mutant: str | None) -> Campaign:
    with Campaign(kafka, work, SEED, mutant, rate=1000) as campaign:
        scenario(campaign)
        campaign.finish(patience_s=4)
    return campaign


SOUND_EACH_TIME = {"no_fencing", "watermark_not_restored", "checksum_ignored"}


def sound(name: str, kafka, work: pathlib.Path) -> None:
    campaign = run(SCENARIOS[name], kafka, work / "sound", None)
    assert campaign.verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]


@pytest.mark.parametrize("name", SCENARIOS)
def test_mutant(name: str, kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    if name in SOUND_EACH_TIME:
        sound(name, kafka, tmp_path)
    broken = run(SCENARIOS[name], kafka, tmp_path / "broken", name)
    record(name, broken.verdict)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - SOUND_EACH_TIME))
def test_scenario_without_mutant(name: str, kafka, weir_binary: pathlib.Path,
                                 tmp_path: pathlib.Path) -> None:
    sound(name, kafka, tmp_path)


def record(name: str, verdict: checker.Verdict) -> None:
    TABLE[name] = verdict.line()
    assert not verdict.clean, f"the mutant {name} survived: {verdict}"
    print(f"mutant {name}: {verdict}")


def many_keys(kafka, work: pathlib.Path, mutant: str | None) -> checker.Verdict:
    """More keys than fit in memory, checkpoints all the time, and a kill in the middle."""
    job = KeysJob(kafka, work, SEED, keys=80_000, hot=5_000, rows=240_000, mutant=mutant)
    slow = "engine.source.poll=delay:8@1+,state.store.before_ingest=delay:250@1+"
    stopped = []
    for failpoints_ in (f"{slow},state.manifest.after_link=kill@10", slow):
        finished = job.weir.run(failpoints_, timeout_s=120)
        if finished.code not in (0, -9):
            stopped.append(f"exit {finished.code} {' '.join(finished.codes())}")
            break
    verdict = job.judge()
    verdict.stopped += stopped
    return verdict


def test_mutant_eviction_during_snapshot(kafka, weir_binary: pathlib.Path,
                                         tmp_path: pathlib.Path) -> None:
    verdict = many_keys(kafka, tmp_path / "sound", None)
    assert verdict.clean, verdict
    record("eviction_during_snapshot",
           many_keys(kafka, tmp_path / "broken", "eviction_during_snapshot"))


def leader_away(kafka3, work: pathlib.Path, mutant: str | None) -> Campaign:
    """The only broker that has one of the partitions is gone for longer than `idle_after`, with rows
    that nobody has read, while the time of the others goes on; then it comes back."""
    topic = f"away-{work.name}-{uuid.uuid4().hex[:6]}"
    new = NewTopic(topic, num_partitions=3, replica_assignment=[[1], [2], [3]],
                   config={"min.insync.replicas": "1"})
    kafka3.admin.create_topics([new])[topic].result(30)
    feed = Feed(kafka3.bootstrap, topic, 3, SEED, rate=600)
    with Campaign(kafka3, work, SEED, mutant, feed=feed) as campaign:
        campaign.weir.sets = {"sources.numbers.event_time.idle_after": "1s"}
        campaign.start()
        campaign.wait_for_windows(BASE_MS + 4_000)
        feed.pause()
        feed.flush()
        campaign.weir.freeze()
        # The fetch that is under way is answered with the first of these rows; the others are on
        # the broker and nowhere else when it goes.
        feed.active = {2}
        for count in (10, 10, 400):
            feed.send(count)
            feed.flush()
        away = kafka3.broker(3)
        away.kill()
        campaign.weir.thaw()
        try:
            feed.active = {0, 1}
            feed.resume()
            # Held is what must be seen, and that cannot be waited for: several times `idle_after`.
            time.sleep(6)
        finally:
            away.start()
            kafka3.wait_ready()
        feed.active = {0, 1, 2}
        wait_for_rows(feed, 200, lambda row: row.partition == 2)
        campaign.finish(patience_s=20)
    return campaign


def test_mutant_idle_while_leader_away(kafka3, weir_binary: pathlib.Path,
                                       tmp_path: pathlib.Path) -> None:
    sound = leader_away(kafka3, tmp_path / "sound", None)
    assert sound.verdict.clean, sound.told() + sound.weir.whole_log()[-5000:]
    broken = leader_away(kafka3, tmp_path / "broken", "idle_while_leader_away")
    record("idle_while_leader_away", broken.verdict)


class BehindProxy(Campaign):
    """weir reaches the broker through the proxy, everybody else directly."""

    def variables(self) -> dict[str, str]:
        return {**super().variables(), "BOOTSTRAP": self.kafka.proxied_bootstrap}


def late_commit(kafka, work: pathlib.Path, mutant: str | None) -> Campaign:
    """Each request that ends a transaction is held up on its way and its connection lost, so that it is sent
    again on another. What was held arrives late, when the next transaction has rows and no marker; then weir is
    killed."""
    proxy = kafka.brokers[0].proxy
    newest: dict[bytes, bytes] = {}
    again: set[bytes] = set()  # Whose request comes for the second time now.

    def note(api_key: int, frame: bytes) -> str:
        sink = next((sink for sink in SINKS if sink in frame), None) if api_key == proxies.END_TXN else None
        if sink is None:
            return proxies.PASS
        if sink in again:
            again.remove(sink)
            return proxies.PASS
        again.add(sink)
        newest[sink] = frame
        return proxies.CUT

    proxy.on_request = note
    try:
        with BehindProxy(kafka, work, SEED, mutant, rate=1000) as campaign:
            campaign.start("kafka.publish.produced=delay:2000@16")
            campaign.weir.wait_hit()
            for frame in list(newest.values()):
                proxy.send_raw(frame)
            campaign.kill()
            campaign.finish(patience_s=4)
    finally:
        proxy.on_request = None
        proxy.drop_connections()
    assert newest
    return campaign


def test_mutant_producer_reused(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    record("producer_reused", late_commit(kafka, tmp_path, "producer_reused").verdict)


def test_a_late_commit_without_mutant(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A producer is used again only where no connection of it was lost, and that is enough."""
    campaign = late_commit(kafka, tmp_path, None)
    assert campaign.verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]


def test_the_table_of_mutants(tell) -> None:
    """The last of this file: what caught each."""
    tell("\n".join(f"mutant {name:30} {line}" for name, line in TABLE.items()))
    assert set(TABLE) == set(failpoints.MUTANTS), "a mutant was not run, or survived"
