"""The long campaign of ./dev soak: many kills, every failpoint, every mutant, three brokers.

WEIR_SEED chooses the seed, WEIR_KILLS the number of random kills (50). The summary that is printed
goes into docs with its seed and commit.
"""

import os
import pathlib
import subprocess
import time

import pytest

from e2e import failpoints
from e2e.campaign import Campaign
from e2e.test_kills import each_failpoint, random_kills
from e2e.weir import ROOT

SEED = int(os.environ.get("WEIR_SEED", "1"))
KILLS = int(os.environ.get("WEIR_KILLS", "50"))

pytestmark = pytest.mark.soak


def commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True,
                          capture_output=True)
    return done.stdout.strip() or "unknown"


def told(name: str, campaign: Campaign, begin: float) -> str:
    return f"soak {name} at {commit()}, {time.monotonic() - begin:.0f} s\n  {campaign.told()}"


@pytest.mark.parametrize("brokers", ["kafka", "kafka3"])
def test_many_kills(brokers: str, request: pytest.FixtureRequest, weir_binary: pathlib.Path,
                    tmp_path: pathlib.Path, tell) -> None:
    begin = time.monotonic()
    with Campaign(request.getfixturevalue(brokers), tmp_path, SEED, partitions=4) as campaign:
        random_kills(campaign, KILLS)
        verdict = campaign.finish(patience_s=30)
        tell(told(f"{KILLS} random kills on {brokers}", campaign, begin))
        assert verdict.clean and campaign.tally.kills == KILLS
        assert not campaign.tally.missing()


@pytest.mark.parametrize("turn", range(3))
def test_every_failpoint_again(kafka, turn: int, weir_binary: pathlib.Path,
                               tmp_path: pathlib.Path, tell) -> None:
    begin = time.monotonic()
    with Campaign(kafka, tmp_path, SEED + turn, partitions=1 + turn * 2) as campaign:
        each_failpoint(campaign)
        verdict = campaign.finish(patience_s=30)
        tell(told(f"each failpoint, turn {turn}", campaign, begin))
        assert verdict.clean
        assert set(campaign.tally.hits) >= {*failpoints.RUNNING, *failpoints.RECOVERING}


def test_brokers_away_while_weir_is_killed(kafka3, weir_binary: pathlib.Path,
                                           tmp_path: pathlib.Path, tell) -> None:
    """Brokers and weir die by turns."""
    begin = time.monotonic()
    with Campaign(kafka3, tmp_path, SEED + 7) as campaign:
        for _ in range(6):
            broker = campaign.chance.choice(kafka3.brokers)
            broker.kill()
            if not campaign.short_life(campaign.chance.uniform(1, 6)):
                break
            broker.start()
            kafka3.wait_ready()
            kafka3.wait_in_sync("__transaction_state")
            kafka3.wait_in_sync(campaign.name)
            if not campaign.short_life(campaign.chance.uniform(0.5, 3)):
                break
        verdict = campaign.finish(patience_s=30)
        tell(told("brokers and weir by turns", campaign, begin))
        assert verdict.clean
