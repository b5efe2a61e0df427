"""Amazon MSK by IAM with keys that are lent for a few seconds: wherever they come from, tokens follow, and
a run that outlives many of them loses nothing."""

import os
import pathlib

import pytest

from e2e.campaign import Campaign
from e2e.test_kafka_security import Case
from e2e.weir import DONE
from parts.aws_keys import KeyLender
from parts.kafka_secure import SecureBroker

SEED = int(os.environ.get("WEIR_SEED", "20250901"))
KEYS_LIVE_S = 12
LOGINS_LIVE_MS = 3_000


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """Wants to be told anew who one is every three seconds."""
    with SecureBroker(tmp_path_factory.mktemp("impatient"), reauth_ms=LOGINS_LIVE_MS) as cluster:
        yield cluster


@pytest.fixture
def lender(impatient, tmp_path: pathlib.Path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with KeyLender(impatient, tmp_path, KEYS_LIVE_S) as lends:
        yield lends


@pytest.mark.parametrize("kind", ["machine", "container", "web identity"])
def test_where_keys_come_from(impatient, lender, weir_binary, tmp_path, monkeypatch, kind: str) -> None:
    for name, value in lender.environment(kind).items():
        monkeypatch.setenv(name, value)
    iam = impatient.connection("iam")
    case = Case(impatient, tmp_path, iam, iam)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))
    assert set(lender.lent) == {kind}
    assert "tok/en" not in done.log + done.out


def flow(connection: str) -> str:
    return "{ " + connection + " }"


@pytest.mark.parametrize("way_in", ["mtls", "iam"])
def test_tokens_are_renewed_during_a_run_with_kills(impatient, lender, weir_binary, tmp_path, monkeypatch,
                                                    tell, way_in: str) -> None:
    for name, value in lender.environment("machine").items():
        monkeypatch.setenv(name, value)
    before = len(impatient.logins())
    sets = {"connections.broker": flow(impatient.connection(way_in)),
            "connections.way_out": flow(impatient.connection("iam")),
            **{f"sinks.{sink}_topic.kafka.connection": "way_out" for sink in ("passed", "windows", "sessions")}}
    with Campaign(impatient, tmp_path, SEED, rate=600, sets=sets) as campaign:
        for place in ("kafka.publish.marked", "kafka.publish.commit_sent", "kafka.publish.committed"):
            # Longer than a login lives, so that those of the handles that stay are renewed.
            assert campaign.life_of(28), campaign.told()
            assert campaign.life(f"{place}=kill@{campaign.chance.randrange(3, 9)}"), campaign.told()
        verdict = campaign.finish_clean()
        logins = impatient.logins()[before:]
        refused = [line for line in logins if "refused" in line]
        # Logins of one moment have one token; a line tells until when it counts.
        tokens = {line for line in logins if line.startswith("iam login")}
        tell(f"iam, reading by {way_in}, {campaign.told()}\n  logins={len(logins)} tokens={len(tokens)} "
             f"keys lent={lender.lent['machine']} refused={len(refused)}")
        assert verdict.expected > 1000
        assert len(tokens) >= 10 and lender.lent["machine"] >= 10
        assert not refused, refused[:3]
