"""Starts that are stopped, refused or cut off: what a checkpoint holds is there afterwards."""

import pathlib
import shutil
import time

import pytest

from e2e.campaign import Campaign
from e2e.weir import Finished
from parts.kafka import Cluster

SEED = 411


def stop_at(campaign: Campaign, failpoint: str) -> Finished:
    """A start that is held at `failpoint` and asked to stop there."""
    hits = len(campaign.weir.hits())
    campaign.start(failpoint)
    deadline = time.monotonic() + 30
    while len(campaign.weir.hits()) == hits and campaign.weir.running:
        assert time.monotonic() < deadline, f"{failpoint} was not passed"
        time.sleep(0.01)
    return campaign.weir.stop()


@pytest.mark.parametrize("place", ["engine.recovery.fenced", "kafka.publish.received",
                                   "engine.recovery.published"])
def test_stopped_while_it_recovers(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                   place: str) -> None:
    """A clean end at once, and nothing of what waited to be published is forgotten."""
    with Campaign(kafka, tmp_path, SEED, rate=800) as campaign:
        assert campaign.life("kafka.publish.received=kill@6"), campaign.told()
        finished = stop_at(campaign, f"{place}=delay:700@1")
        assert campaign.ended(finished, wanted=(0,)), finished.show()
        verdict = campaign.finish()
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]


def test_an_old_copy_of_the_state_is_refused(kafka, weir_binary: pathlib.Path,
                                             tmp_path: pathlib.Path) -> None:
    """As from a backup: going on from it would publish what came after it a second time. However
    often it is tried, and it leaves the copy as it was."""
    with Campaign(kafka, tmp_path, SEED + 1, rate=800) as campaign:
        campaign.start()
        assert campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        campaign.weir.kill()
        campaign.ended(campaign.weir.wait())
        old = campaign.make_weir("old")
        shutil.copytree(campaign.weir.state, old.state)
        campaign.start()
        assert campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        campaign.weir.kill()
        campaign.ended(campaign.weir.wait())
        before = old.manifests()
        for _ in range(3):
            refused = old.run()
            assert refused.code == 3 and "WEIR-E003" in refused.log, refused.show()
            assert "--rewind" in refused.log, refused.show()
            assert old.manifests() == before
        verdict = campaign.finish()
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]


def test_a_lost_job_file(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its checkpoints know which instance it was."""
    with Campaign(kafka, tmp_path, SEED + 2, rate=800) as campaign:
        assert campaign.life("kafka.publish.received=kill@6"), campaign.told()
        (campaign.weir.state / campaign.name / "job").unlink()
        verdict = campaign.finish()
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]


def test_a_transaction_that_outlived_its_time(weir_binary: pathlib.Path,
                                              tmp_path: pathlib.Path) -> None:
    """The process slept inside a transaction until the broker had ended it: it takes its lane back
    and publishes what is short."""
    impatient = {"transaction.max.timeout.ms": "3000",
                 "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    with Cluster(tmp_path / "kafka", properties=impatient) as kafka, \
            Campaign(kafka, tmp_path, SEED + 3, rate=800) as campaign:
        campaign.start("kafka.publish.marked=stop@5")
        deadline = time.monotonic() + 20
        while not campaign.weir.stopped_in_kernel() and campaign.weir.running:
            assert time.monotonic() < deadline, "the failpoint was not passed"
            time.sleep(0.02)
        time.sleep(6)
        campaign.weir.thaw()
        verdict = campaign.finish()
        assert campaign.weir.starts == 1
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-5000:]
        assert "publishing goes on" in campaign.weir.whole_log()
