"""A job with its checkpoints in S3, by keys that may do what `weir rights` says and nothing else, at a server that
looks at rights."""

import pathlib
import subprocess

import pytest

from parts import aws_rights

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
