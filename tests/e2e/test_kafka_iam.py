"""Amazon MSK by IAM with keys that are lent for a few seconds: wherever they come from, tokens follow, and
a run that outlives many of them loses nothing."""

import json
import os
import pathlib
import uuid

import pytest

from e2e.campaign import Campaign
from e2e.test_avro import Confluent, encode
from e2e.test_jobs import DEATHS, EXAMPLES, Clickstream, lives
from e2e.test_kafka_security import Case, expect_refused
from e2e.weir import DONE, Weir
from parts.aws_keys import EXTERNAL_ID, OTHER_ROLE, KeyLender
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


def role_of(cluster, external_id: str) -> str:
    iam = cluster.connection("iam")
    assert iam.endswith(" }")
    return iam[:-2] + f', role: "{OTHER_ROLE}", external_id: "{external_id}" }}'


def test_a_role_is_taken_on_and_its_principal_stays(impatient, lender, weir_binary, tmp_path, monkeypatch) -> None:
    """Over several logins of each handle, by keys that are lent anew: a broker cuts who changes its name."""
    for name, value in lender.environment("role").items():
        monkeypatch.setenv(name, value)
    principal = "User:arn:aws:sts::123456789012:assumed-role/of-the-owner/weir"
    for kind, name in (("topic", "secured-"), ("group", "weir-"), ("transactional_id", "weir-")):
        impatient.allow(principal, kind, name, "ALL", pattern="PREFIXED")
    before = len(impatient.logins())
    iam = role_of(impatient, EXTERNAL_ID)
    case = Case(impatient, tmp_path, iam, iam, stop="never")
    case.weir.serve_metrics().start()
    case.wait_for_all()
    # Of a source and a sink, and never longer than the keys do.
    assert 0 < case.weir.metric("weir_login_seconds") <= 2 * KEYS_LIVE_S
    case.weir.wait_until(lambda: lender.lent["role"] >= 4, 90, "keys are lent again and again")
    case.produce(300)
    case.wait_for_all()
    stopped = case.weir.stop()
    assert stopped.code == DONE, stopped.show()
    logins = impatient.logins()[before:]
    assert not [line for line in logins if "refused" in line], logins[-3:]
    assert "Cannot change principals" not in impatient.brokers[0].log.read_text()
    assert set(lender.lent) == {"role"}


def test_a_role_whose_owner_is_told_something_else(impatient, lender, weir_binary, tmp_path, monkeypatch) -> None:
    for name, value in lender.environment("role").items():
        monkeypatch.setenv(name, value)
    iam = role_of(impatient, "no such ticket")
    expect_refused(Case(impatient, tmp_path, iam, iam), "WEIR-A004", "AssumeRole")
    assert not lender.lent


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


CLICK = {"type": "record", "name": "Click", "fields": [
    *[{"name": name, "type": ["null", "string"]} for name in ("ip", "devicetype", "event_type", "product_type")],
    {"name": "eventtimestamp", "type": "long"}, {"name": "userid", "type": "int"},
    *[{"name": name, "type": "long"} for name in ("globalseq", "prevglobalseq")]]}


def test_the_clickstream_job_reads_avro_by_mtls_and_writes_by_iam(
        impatient, lender, registry, weir_binary, tmp_path, monkeypatch) -> None:
    """The example itself, killed twice; keys that are lent anew, and every login renewed each three seconds."""
    for name, value in lender.environment("machine").items():
        monkeypatch.setenv(name, value)
    place = Confluent(registry)
    frame = place.register(f"clicks-{uuid.uuid4().hex[:8]}", CLICK)
    given = Clickstream(impatient, 2_000, encode=lambda event: frame + encode(CLICK, event))
    before = len(impatient.logins())
    job = Weir(EXAMPLES / "clickstream-json.yaml", tmp_path, variables={"BOOTSTRAP_SERVERS": "not used"}, sets={
        **given.sets(),
        "connections.registry": flow(place.connection),
        "connections.msk": flow(impatient.connection("mtls")), "connections.out": flow(impatient.connection("iam")),
        "sources.clicks.format": flow(f"avro: {{ registry: registry, schema: '{json.dumps(CLICK)}' }}"),
        **{f"sinks.{sink}_topic.kafka.connection": "out"
           for sink in ("departments", "session_counts", "buying_sessions")}})
    given.judge(lives(job, DEATHS))
    place.proxy.stop()
    logins = impatient.logins()[before:]
    assert logins and not [line for line in logins if "refused" in line]
    assert "tok/en" not in job.whole_log()
