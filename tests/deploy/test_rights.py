"""`weir rights` against the sources, which show what is asked of AWS, and against the pages that tell it."""

import json
import pathlib
import re
import subprocess

import pytest

from parts import aws_rights as rights

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def by_use(weir_binary) -> dict:
    return rights.rights_by_use(weir_binary)


def test_s3(by_use):
    assert by_use["s3"] == rights.of_s3_client()
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    assert by_use["s3 with encryption: aws:kms"] == {"kms:GenerateDataKey", "kms:Decrypt"}


def test_glue(by_use):
    assert by_use["glue"] | by_use["glue, registering schemas"] == rights.of_glue_client()


def test_secrets_manager(by_use):
    assert by_use["a password in Secrets Manager"] == rights.of_secrets_client() | {"kms:Decrypt"}


def test_sts(by_use):
    assert by_use["a role to take on"] == rights.of_sts_client()


def test_opensearch(by_use):
    assert by_use["opensearch with signing"] == rights.of_search_client()


def test_kafka(by_use):
    assert by_use["kafka with security: iam"] == rights.of_kafka_connector()


def test_each_right_is_told_once_and_in_full(weir_binary):
    declared = rights.declared(weir_binary)
    names = [(right["use"], right["action"]) for right in declared]
    assert len(names) == len(set(names)) and all(right["on"] and right["purpose"] for right in declared)
    uses = [right["use"] for right in declared]
    assert sorted(set(uses), key=uses.index) == list(dict.fromkeys(uses)), "those of a use stand together"


def test_people_are_told_the_same(weir_binary):
    told = subprocess.run([weir_binary, "rights"], check=True, capture_output=True, text=True, timeout=60).stdout
    lines = [line.split()[0] for line in told.splitlines() if line.startswith("  ")]
    assert lines == [right["action"] for right in rights.declared(weir_binary)]
    assert [line for line in told.splitlines() if line and not line.startswith("  ")] == list(
        dict.fromkeys(right["use"] for right in rights.declared(weir_binary)))


def test_the_policy_of_the_page_is_that(by_use):
    page = (ROOT / "docs" / "kafka.md").read_text()
    policy = json.loads(re.search(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1])
    told = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert told == by_use["kafka with security: iam"]


def test_the_page_on_aws_tells_each(weir_binary):
    page = (ROOT / "docs" / "aws.md").read_text()
    rows = re.findall(r"^\| (.+?) \| `([\w-]+:\w+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert rows == [(right["use"], right["action"], right["on"], right["purpose"]) for right in rights.declared(weir_binary)]


def test_the_page_on_checkpoints_tells_those_of_s3(by_use):
    (sentence,) = re.findall(r"^The keys need (.*?) on the bucket", (ROOT / "docs" / "operations.md").read_text(),
                             re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(s3:\w+)`", sentence)) == by_use["s3"]
