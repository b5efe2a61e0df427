"""A user who lacks one right of those that a job needs, at a broker that asks for them: which it is, is told, and
nothing is lost or written meanwhile. Secrets of Secrets Manager open the door as any other password does."""

import json
import pathlib
import uuid

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from e2e.test_kafka_security import Case, changed, expect_refused
from e2e.weir import DONE, FAILED, call
from parts.kafka_secure import SecureBroker
from parts.moto import REGION

PASSWORD = "poor's"
USER = "poor"
PREFIXED = {"topic": "secured-", "group": "weir-", "transactional_id": "weir-"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with SecureBroker(tmp_path_factory.mktemp("strict"), trusted=False) as cluster:
        cluster.set_password(USER, PASSWORD)
        yield cluster


@pytest.fixture(autouse=True)
def password(monkeypatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)


@pytest.fixture
def rights(strict):
    """Gives rights of jobs' own names, and takes all back in the end."""
    anything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{USER}", None,
                                AclOperation.ANY, AclPermissionType.ANY)

    def give(*kinds: str) -> None:
        for kind in kinds:
            strict.allow(f"User:{USER}", kind, PREFIXED[kind], "ALL", pattern="PREFIXED")

    yield give
    for done in strict.admin.delete_acls([anything]).values():
        done.result(30)


def case_of(strict: SecureBroker, work: pathlib.Path) -> Case:
    scram = changed(strict.connection("scram"), "user: weir", f"user: {USER}")
    return Case(strict, work, scram, scram)


def edit(case: Case, before: str, after: str) -> None:
    text = case.path.read_text()
    assert before in text
    case.path.write_text(text.replace(before, after))


def committed(strict: SecureBroker, group: str, topic: str) -> int:
    """Sum of what a group has committed for the two partitions of a topic."""
    consumer = Consumer({"bootstrap.servers": strict.bootstrap, "group.id": group})
    try:
        found = consumer.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], timeout=30)
    finally:
        consumer.close()
    return sum(max(one.offset, 0) for one in found)


@pytest.mark.parametrize("missing, words", [
    ("transactional_id", ["fencing lane 'weir-{}-out-0'", "transactional id"]),
    ("group", ["marker of lane 'weir-{}-out-0'"]),
    ("topic", ["{}"]),
])
def test_a_right_that_a_start_needs(strict, rights, weir_binary, tmp_path, missing: str, words: list) -> None:
    """It stops at once, having written nothing, and goes on when it is started with the right."""
    rights(*[kind for kind in PREFIXED if kind != missing])
    case = case_of(strict, tmp_path)
    expect_refused(case, "WEIR-K006", *[word.format(case.topic) for word in words])
    rights(missing)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))


@pytest.mark.parametrize("missing, told", [
    (None, []),
    ("READ", ["bad       source 'given', topic '{}': weir may not read it",
              "bad       sink 'out', topic '{}.out': weir may not read it"]),
    ("WRITE", ["bad       sink 'out', topic '{}.out': weir may not write it"]),
])
def test_a_right_to_a_topic_that_it_sees_is_told_before_it_runs(strict, rights, weir_binary, tmp_path, missing,
                                                                told) -> None:
    rights("group", "transactional_id")
    case = case_of(strict, tmp_path)
    strict.allow(f"User:{USER}", "topic", case.topic, *{"DESCRIBE", "READ"} - {missing})
    strict.allow(f"User:{USER}", "topic", f"{case.topic}.out", *{"DESCRIBE", "READ", "WRITE"} - {missing})
    done = call("validate", case.path, "--connect")
    assert done.code == (FAILED if told else DONE), done.show()
    bad = [line for line in done.out.splitlines() if line.startswith("bad ")]
    assert bad == [line.format(case.topic) for line in told], done.show()


def test_the_right_to_begin_where_a_group_has_stood(strict, rights, weir_binary, tmp_path) -> None:
    rights(*PREFIXED)
    case = case_of(strict, tmp_path)
    group = f"old-{uuid.uuid4().hex[:8]}"
    edit(case, "start: earliest", f"start: {{ group: {group} }}")
    mover = Consumer({"bootstrap.servers": strict.bootstrap, "group.id": group})
    mover.commit(offsets=[TopicPartition(case.topic, 0, 100), TopicPartition(case.topic, 1, 100)], asynchronous=False)
    mover.close()
    expect_refused(case, "WEIR-K006", f"group '{group}'")
    strict.allow(f"User:{USER}", "group", group, "READ", "DESCRIBE")
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(200, 300))


def test_the_right_to_tell_a_group(strict, rights, weir_binary, tmp_path) -> None:
    """Nothing of weir's own hangs on it: it is told, and the job goes on."""
    rights(*PREFIXED)
    case = case_of(strict, tmp_path)
    group = f"theirs-{uuid.uuid4().hex[:8]}"
    edit(case, "start: earliest", f"start: earliest, group: {group}")
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))
    assert "WEIR-K006" in done.log and group in done.log, done.show()
    assert committed(strict, group, case.topic) == 0
    # With the right it is told where the job stands.
    strict.allow(f"User:{USER}", "group", group, "READ", "DESCRIBE")
    (tmp_path / "again").mkdir()
    other = case_of(strict, tmp_path / "again")
    edit(other, "start: earliest", f"start: earliest, group: {group}")
    done = other.weir.run()
    assert done.code == DONE and "WEIR-K006" not in done.log, done.show()
    assert committed(strict, group, other.topic) == 300


@pytest.fixture
def secrets(moto, monkeypatch):
    """AWS as this one, for a user who may read secrets; and a client of it that may everything."""
    for name, value in moto.environment(**moto.user("secretsmanager:GetSecretValue")).items():
        monkeypatch.setenv(name, value)
    return moto


def case_of_secret(strict: SecureBroker, work: pathlib.Path, name: str) -> Case:
    scram = changed(strict.connection("scram"), "password: { env: KAFKA_PASSWORD }",
                    f"password: {{ secrets_manager: {name} }}, region: {REGION}")
    return Case(strict, work, *[changed(scram, "user: weir, ", "")] * 2)


def test_user_and_password_of_secrets_manager(strict, rights, secrets, weir_binary, tmp_path) -> None:
    rights(*PREFIXED)
    name = f"AmazonMSK_{uuid.uuid4().hex[:8]}"
    secrets.unchecked_requests(1_000_000)
    secrets.client("secretsmanager").create_secret(
        Name=name, SecretString=json.dumps({"username": USER, "password": PASSWORD}))
    secrets.unchecked_requests(0)
    case = case_of_secret(strict, tmp_path, name)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))
    assert PASSWORD not in done.log + done.out


def test_a_secret_that_is_not_there_or_not_for_us(strict, secrets, weir_binary, tmp_path, monkeypatch) -> None:
    (tmp_path / "gone").mkdir()
    expect_refused(case_of_secret(strict, tmp_path / "gone", "AmazonMSK_nobody"), "WEIR-A012", "AmazonMSK_nobody")
    for name, value in secrets.user("glue:GetSchema").items():
        monkeypatch.setenv(name, value)
    expect_refused(case_of_secret(strict, tmp_path, "AmazonMSK_nobody"), "WEIR-A004", "secretsmanager:GetSecretValue")
