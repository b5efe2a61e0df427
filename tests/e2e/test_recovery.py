"""Starts that are stopped, refused or cut off: what a checkpoint holds is there afterwards."""

import pathlib
import shutil

import pytest

from e2e.campaign import Campaign
from e2e.weir import Finished
from parts.kafka import Cluster
from parts.process import wait_until

SEED = 411


def stop_at(campaign: Campaign, failpoint: str) -> Finished:
    """A start that is held at `failpoint` and asked to stop there."""
    campaign.start(failpoint)
    campaign.weir.wait_hit()
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
        campaign.finish_clean()


def test_an_old_copy_of_the_state_is_refused(kafka, weir_binary: pathlib.Path,
                                             tmp_path: pathlib.Path) -> None:
    """As from a backup: going on from it would publish what came after it a second time. However
    often it is tried, and it leaves the copy as it was."""
    with Campaign(kafka, tmp_path, SEED + 1, rate=800) as campaign:
        campaign.start()
        campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        campaign.kill()
        old = campaign.make_weir("old")
        shutil.copytree(campaign.weir.state, old.state)
        campaign.start()
        campaign.wait_for_windows(campaign.feed.newest_ms + 2_000)
        campaign.kill()
        before = old.manifests()
        for _ in range(3):
            refused = old.run()
            assert refused.code == 3 and "WEIR-E003" in refused.log, refused.show()
            assert "--rewind" in refused.log, refused.show()
            assert old.manifests() == before
        campaign.finish_clean()


def test_a_lost_job_file(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its checkpoints know which instance it was."""
    with Campaign(kafka, tmp_path, SEED + 2, rate=800) as campaign:
        assert campaign.life("kafka.publish.received=kill@6"), campaign.told()
        (campaign.weir.state / campaign.name / "job").unlink()
        campaign.finish_clean()


def open_rows(kafka: Cluster, topic: str) -> bool:
    """Whether a transaction that has neither been committed nor aborted holds readers up."""
    return kafka.end_offsets(topic) != kafka.end_offsets(topic, "read_uncommitted")


def test_a_transaction_that_outlived_its_time(weir_binary: pathlib.Path,
                                              tmp_path: pathlib.Path) -> None:
    """The process slept inside a transaction until the broker had ended it: it takes its lane back
    and publishes what is short."""
    impatient = {"transaction.max.timeout.ms": "3000",
                 "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    with Cluster(tmp_path / "kafka", properties=impatient) as kafka, \
            Campaign(kafka, tmp_path, SEED + 3, rate=800) as campaign:
        campaign.start("kafka.publish.marked=stop@5")
        campaign.weir.wait_stopped()
        wait_until(lambda: not any(open_rows(kafka, topic) for topic in campaign.topics), 30,
                   "the broker has ended all transactions")
        campaign.weir.thaw()
        campaign.finish_clean()
        assert campaign.weir.starts == 1
        assert "publishing goes on" in campaign.weir.whole_log()


def test_an_earlier_run_takes_its_name_after_its_successor(kafka, weir_binary: pathlib.Path,
                                                           tmp_path: pathlib.Path) -> None:
    """It was frozen when it had seen that it still stood and had not yet taken its name at the broker: it throws its
    successor out and publishes what the checkpoints had told it to. The successor starts anew, and goes on after
    that."""
    with Campaign(kafka, tmp_path, SEED + 5, rate=800) as campaign:
        campaign.start("kafka.producer.lost=error@1+,kafka.publish.received=stop@7")
        campaign.weir.wait_stopped()
        earlier = campaign.weir
        campaign.weir = campaign.successor("successor")
        campaign.start("kafka.publish.received=stop@1")
        campaign.weir.wait_stopped()
        earlier.thaw()
        finished = earlier.wait(30)
        assert finished.code == 1 and finished.codes()[-1:] == ["WEIR-E002"], finished.show()
        campaign.weir.thaw()
        campaign.finish_clean()
        assert campaign.weir.starts == 1
        assert "WEIR-E025" in campaign.weir.whole_log()


def test_another_start_while_the_first_still_runs(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """As a lead that only its manager does not hear: what it checkpoints and publishes while another starts is
    neither taken for a lost checkpoint, about which a user would have to decide, nor does it keep the other from
    starting, however slowly that looks at the outside."""
    store, config = tmp_path / "store", tmp_path / "weir.yaml"
    config.write_text(f"checkpoint_store: {store}\n")
    with Campaign(kafka, tmp_path, SEED + 4, rate=800, flags=("--config", str(config)),
                  checkpoints=store) as campaign:
        campaign.start()
        campaign.weir.wait_until(lambda: len(campaign.weir.manifests()) > 2, 30, "checkpoints are taken")
        other = campaign.make_weir("other")
        other.checkpoints = store
        # It has read the newest manifest by then, and not yet looked at the sinks.
        other.start("state.job.save=delay:2000@3")
        finished = campaign.weir.wait(60)
        assert finished.code == 1 and finished.codes()[-1:] == ["WEIR-E002"], finished.show()
        assert "state.job.save" in other.hits()
        campaign.weir = other
        campaign.finish_clean()
