"""Three brokers: leaders and coordinators move, and every broker is restarted, while the job runs."""

import pathlib

from e2e.campaign import Campaign
from parts.process import wait_until

SEED = 31


def start_again(kafka3, broker, topic: str) -> None:
    """Until all is as if the broker had never been away."""
    broker.start()
    kafka3.wait_ready()
    for name in (topic, "__transaction_state", "__consumer_offsets"):
        kafka3.wait_in_sync(name)


def test_leaders_and_coordinators_move(kafka3, weir_binary: pathlib.Path,
                                       tmp_path: pathlib.Path) -> None:
    """The broker that leads a partition of the input is killed, then the one that coordinates the
    transactions of a lane, then the one of its group; weir itself is killed in between."""
    with Campaign(kafka3, tmp_path, SEED, rate=800) as campaign:
        campaign.start()
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        lane = f"weir-{campaign.name}-passed_topic-0"
        victims = (
            lambda: kafka3.describe(campaign.name)[0]["leader"],
            lambda: kafka3.transaction_coordinator(lane),
            lambda: kafka3.group_coordinator(lane))
        for number, victim in enumerate(victims):
            broker = kafka3.broker(victim())
            broker.kill()
            wait_until(lambda: victim() not in (broker.node_id, -1), 30, "another broker takes over")
            if number == 1:
                campaign.kill()
                campaign.start()
            start_again(kafka3, broker, campaign.name)
        campaign.finish_clean(patience_s=25)
        print(campaign.told())


def test_rolling_restart(kafka3, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """One process lives through the restart of all three, one after the other."""
    with Campaign(kafka3, tmp_path, SEED + 1, rate=800) as campaign:
        campaign.start()
        campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
        for broker in kafka3.brokers:
            broker.stop()
            start_again(kafka3, broker, campaign.name)
        assert campaign.weir.running and campaign.weir.starts == 1
        campaign.finish_clean(patience_s=25)
        print(campaign.told())
