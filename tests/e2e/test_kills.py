"""kill -9 at random moments and at every named place: nothing lost, doubled, reordered, wrong or torn."""

import os
import pathlib

import pytest

from e2e import failpoints
from e2e.campaign import Campaign
from e2e.weir import ROOT

SEED = int(os.environ.get("WEIR_SEED", "20250101"))
KILLS = 12


def random_life(campaign: Campaign, number: int) -> bool:
    """One life with an end by chance: after a while, or at a failpoint of publishing."""
    chance = campaign.chance
    if number % 3 == 2:
        places = ["kafka.publish.committed", *sorted(failpoints.IN_TRANSACTION)]
        place = places[number // 3 % len(places)]
        return campaign.life(f"{place}=kill@{chance.randrange(1, 12)}")
    return campaign.short_life(chance.uniform(0.1, 3))


def random_kills(campaign: Campaign, kills: int) -> None:
    for number in range(kills):
        # The parallelism changes too: state and lanes are handed on.
        parallelism = str(campaign.chance.choice([1, 2, 3, 4]))
        campaign.weir.sets = {"parallelism": parallelism}
        if not random_life(campaign, number):
            return
        if number % 4 == 3:
            campaign.check_at_rest()


@pytest.mark.quick
def test_one_kill(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with Campaign(kafka, tmp_path, SEED, rate=800) as campaign:
        assert campaign.life("kafka.publish.marked=kill@5"), campaign.weir.log()[-5000:]
        verdict = campaign.finish_clean()
        tell("one kill, " + campaign.told())
        assert campaign.tally.kills == campaign.tally.in_transaction == 1
        assert verdict.expected > 1000


def test_random_kills(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with Campaign(kafka, tmp_path, SEED + 1) as campaign:
        random_kills(campaign, KILLS)
        campaign.finish_clean()
        tell("random kills, " + campaign.told())
        assert campaign.tally.kills == KILLS
        assert not campaign.tally.missing(), f"{campaign.tally.missing()} = 0: {campaign.told()}"


def test_every_failpoint_is_in_the_table() -> None:
    known = {*failpoints.RUNNING, *failpoints.RECOVERING, *failpoints.WITH_AN_OPEN_FILE,
             *failpoints.EXCHANGE, *failpoints.SEARCH, *failpoints.ELSEWHERE}
    assert failpoints.in_sources().failpoints == known


def test_every_mutant_is_in_a_table() -> None:
    mutants = failpoints.in_sources().mutants
    simulated = (ROOT / "tests" / "simulation" / "simulation_test.cc").read_text()
    assert mutants == {*failpoints.MUTANTS, *failpoints.CLUSTER_MUTANTS,
                       *(name for name in mutants if f'"{name}"' in simulated)}
    roadmap = (ROOT / "docs" / "roadmap.md").read_text()
    assert [name for name in mutants if f"`{name}`" not in roadmap] == []


def each_failpoint(campaign: Campaign) -> None:
    """Every place once, one life each; those of recovery strike a start after a kill."""
    campaign.weir.sets = {"checkpoint.interval": "80ms"}
    for name in failpoints.WITH_AN_OPEN_FILE:
        if not campaign.killed_with_an_open_file():
            campaign.verdict.stopped.append("no manifest counts on an unfinished file")
            return
        if not campaign.life(f"{name}=kill@1"):
            return
    recovering = list(failpoints.RECOVERING.items())
    for name, number in failpoints.RUNNING.items():
        if not campaign.life(f"{name}=kill@{number}"):
            return
        if recovering:
            name, number = recovering.pop(0)
            if not campaign.life(f"{name}=kill@{number}"):
                return


def test_each_failpoint(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, tell) -> None:
    with Campaign(kafka, tmp_path, SEED + 2, rate=800) as campaign:
        each_failpoint(campaign)
        campaign.finish_clean()
        tell("each failpoint, " + campaign.told())
        wanted = {*failpoints.RUNNING, *failpoints.RECOVERING, *failpoints.WITH_AN_OPEN_FILE}
        assert not (wanted - set(campaign.tally.hits)), "not hit"
        assert not campaign.tally.missing(), f"{campaign.tally.missing()} = 0: {campaign.told()}"


def test_a_large_outbox_is_a_file_of_the_checkpoint(
        kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Seconds of input in one epoch, killed as its outbox is uploaded, and published afterwards."""
    with Campaign(kafka, tmp_path, SEED + 3, rate=100) as campaign:
        campaign.feed.send(30_000)
        assert campaign.life("state.upload.bytes=kill@1",
                             sets={"checkpoint.interval": "1500ms"}), campaign.told()
        assert campaign.life("kafka.publish.received=kill@1",
                             sets={"checkpoint.interval": "1500ms"}), campaign.told()
        campaign.finish_clean(patience_s=20)
        print(campaign.told())


@pytest.mark.parametrize("place", ["state.manifest.before_sync", "state.upload.file",
                                   "state.store.before_write", "files.seal.write"])
def test_a_failed_checkpoint_is_dropped_and_nothing_else(
        kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path, place: str) -> None:
    """As a full disk would have it: the next checkpoint takes on what this one had sealed."""
    with Campaign(kafka, tmp_path, SEED + 4, rate=800) as campaign:
        campaign.start(f"{place}=error@4")
        campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        assert campaign.weir.running, campaign.weir.log()[-3000:]
        campaign.finish_clean()
        print(campaign.told())
        assert place in campaign.weir.hits()
