"""Jobs that may do what `weir rights` says and nothing else, at servers that look at rights."""

import pathlib
import subprocess

import pytest
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType,
                                   ResourcePatternType, ResourceType)

from e2e.test_kafka_security import Case
from e2e.weir import DONE
from parts import aws_rights
from parts.kafka_secure import PRINCIPALS, SecureBroker

JOB = """job: small
checkpoint: { interval: 300ms }
sources:
  made: { generator: { kind: stock, rate: 50/s, duration: 2s }, event_time: { column: event_time } }
steps:
  counted: { from: made, window: { tumbling: 1s }, group_by: ticker, select: [ticker, { n: count() }] }
sinks:
  none: { from: counted, blackhole: {} }
"""
REFUSED = "WEIR-A004"


@pytest.fixture(scope="module")
def bucket(moto) -> str:
    moto.client("s3", moto.user("s3:*")).create_bucket(Bucket="weir-rights")
    return "weir-rights"


def run(binary: pathlib.Path, moto, bucket: str, folder: pathlib.Path, actions: set) -> subprocess.CompletedProcess:
    job, config = folder / "job.yaml", folder / "weir.yaml"
    job.write_text(JOB)
    config.write_text(f"checkpoint_store: {{ url: s3://{bucket}/{folder.name}, endpoint: {moto.endpoint}, region: us-east-1 }}\n")
    return subprocess.run([binary, "run", job, "--config", config, "--state-dir", folder / "state"], capture_output=True,
                          text=True, env=moto.environment(**moto.user(*actions)), timeout=120)


def test_what_weir_asks_for_is_enough(weir_binary, moto, bucket, tmp_path):
    done = run(weir_binary, moto, bucket, tmp_path, aws_rights.rights_by_use(weir_binary)["s3"])
    assert done.returncode == 0 and REFUSED not in done.stderr, done.stderr


@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:ListBucket", "s3:PutObject"])
def test_what_is_missing_is_told(weir_binary, moto, bucket, tmp_path, action):
    done = run(weir_binary, moto, bucket, tmp_path, aws_rights.rights_by_use(weir_binary)["s3"] - {action})
    assert REFUSED in done.stderr and f"s3://{bucket}/" in done.stderr, done.stderr


# --- Kafka ----------------------------------------------------------------------------------------------

# What each action is to a broker with an authorizer of its own:
# https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
ACLS = {
    "Connect": (),
    "DescribeCluster": ("cluster", AclOperation.DESCRIBE),
    "DescribeClusterDynamicConfiguration": ("cluster", AclOperation.DESCRIBE_CONFIGS),
    "WriteDataIdempotently": ("cluster", AclOperation.IDEMPOTENT_WRITE),
    "DescribeTopic": ("topic", AclOperation.DESCRIBE),
    "DescribeTopicDynamicConfiguration": ("topic", AclOperation.DESCRIBE_CONFIGS),
    "ReadData": ("topic", AclOperation.READ),
    "WriteData": ("topic", AclOperation.WRITE),
    "DescribeGroup": ("group", AclOperation.DESCRIBE),
    "AlterGroup": ("group", AclOperation.READ),
    "DescribeTransactionalId": ("transactional-id", AclOperation.DESCRIBE),
    "AlterTransactionalId": ("transactional-id", AclOperation.WRITE),
}
# As the policies of deploy/terraform name them; topics are those of the job.
PLACES = {
    "cluster": (ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL),
    "topic": (ResourceType.TOPIC, "secured-", ResourcePatternType.PREFIXED),
    "group": (ResourceType.GROUP, "weir-", ResourcePatternType.PREFIXED),
    "transactional-id": (ResourceType.TRANSACTIONAL_ID, "weir-", ResourcePatternType.PREFIXED),
}


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with SecureBroker(tmp_path_factory.mktemp("strict"), trusted=False) as broker:
        yield broker


@pytest.fixture
def copied(strict, tmp_path, monkeypatch):
    """How a job goes that logs in by IAM and may do so much, and the job."""
    for name, value in strict.environment.items():
        monkeypatch.setenv(name, value)

    def run_with(actions: set):
        acls = [ACLS[action.removeprefix("kafka-cluster:")] for action in actions]
        given = [AclBinding(*PLACES[place], PRINCIPALS["iam"], "*", operation, AclPermissionType.ALLOW)
                 for place, operation in filter(None, acls)]
        for made in strict.admin.create_acls(given).values():
            made.result(30)
        case = Case(strict, tmp_path, *[strict.connection("iam")] * 2)
        return case.weir.run(timeout_s=60), case

    yield run_with
    anything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, PRINCIPALS["iam"], None,
                                AclOperation.ANY, AclPermissionType.ANY)
    for gone in strict.admin.delete_acls([anything]).values():
        gone.result(30)


def test_what_weir_asks_of_brokers_is_enough(weir_binary, copied):
    done, case = copied(aws_rights.rights_by_use(weir_binary)["kafka with security: iam"])
    assert done.code == DONE and case.numbers() == list(range(300)), done.show()
    assert "WEIR-K006" not in done.log and " warning " not in done.log, done.show()


# Of the others Kafka takes one for another: who may read may describe, who may use an id may write once.
@pytest.mark.parametrize("missing", ["ReadData", "WriteData", "AlterGroup", "AlterTransactionalId"])
def test_what_is_missing_at_brokers_is_told(weir_binary, copied, missing):
    needed = aws_rights.rights_by_use(weir_binary)["kafka with security: iam"]
    done, case = copied(needed - {f"kafka-cluster:{missing}"})
    assert done.code != DONE and "WEIR-K006" in done.log and case.numbers() == [], done.show()
