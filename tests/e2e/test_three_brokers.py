"""Three brokers: leaders and coordinators move, and every broker is restarted, while the job runs."""

import pathlib
import time

from e2e.campaign import Campaign

SEED = 31


def test_leaders_and_coordinators_move(kafka3, weir_binary: pathlib.Path,
                                       tmp_path: pathlib.Path) -> None:
    """The broker that leads a partition of the input is killed, then the one that coordinates the
    transactions of a lane, then the one of its group; weir itself is killed in between."""
    with Campaign(kafka3, tmp_path, SEED, rate=800) as campaign:
        campaign.start()
        time.sleep(2)
        lane = f"weir-{campaign.name}-passed_topic-0"
        victims = (
            lambda: kafka3.describe(campaign.name)[0]["leader"],
            lambda: kafka3.transaction_coordinator(lane),
            lambda: kafka3.group_coordinator(lane))
        for number, victim in enumerate(victims):
            broker = kafka3.broker(victim())
            broker.kill()
            time.sleep(2)
            if number == 1:
                campaign.weir.kill()
                campaign.ended(campaign.weir.wait())
                campaign.start()
            broker.start()
            kafka3.wait_ready()
            kafka3.wait_in_sync(campaign.name)
            kafka3.wait_in_sync("__transaction_state")
            kafka3.wait_in_sync("__consumer_offsets")
        verdict = campaign.finish(patience_s=25)
        print(campaign.told())
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-6000:]


def test_rolling_restart(kafka3, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """One process lives through the restart of all three, one after the other."""
    with Campaign(kafka3, tmp_path, SEED + 1, rate=800) as campaign:
        campaign.start()
        time.sleep(1)
        for broker in kafka3.brokers:
            broker.stop()
            broker.start()
            kafka3.wait_ready()
            for topic in (campaign.name, "__transaction_state", "__consumer_offsets"):
                kafka3.wait_in_sync(topic)
        assert campaign.weir.running and campaign.weir.starts == 1
        verdict = campaign.finish(patience_s=25)
        print(campaign.told())
        assert verdict.clean, campaign.told() + campaign.weir.whole_log()[-6000:]
