"""The clients of clients/ against real servers: their own cases that want one; without it they are hidden."""

import base64
import datetime
import json
import os
import pathlib
import random
import re
import subprocess
import urllib.request
from unittest import mock

import botocore.auth
import botocore.credentials
import pytest
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

from parts import aws_rights
from parts.moto import ACCOUNT


@pytest.fixture
def run(weir_binary: pathlib.Path):
    """Runs hidden cases, by name or tag, each of which must pass."""
    def run(cases: str, environment: dict) -> None:
        done = subprocess.run([weir_binary.with_name("clients_test"), cases.replace(",", "\\,")],
                              capture_output=True, text=True, errors="replace", env=environment, timeout=120)
        assert done.returncode == 0 and re.search(r"All tests passed \(\d+ assertions? in [1-9]", done.stdout), (
            done.stdout[-6000:] + done.stderr[-2000:])
    return run


def identity(name: str) -> dict:
    return {"WEIR_TEST_IDENTITY": name}


def test_keys_of_a_user(moto, run):
    keys = moto.user("sts:*")
    run("the chain of keys leads to who is meant",
        moto.environment(**keys, **identity(f"arn:aws:iam::{ACCOUNT}:user/user-")))


def test_keys_of_a_role(moto, run):
    keys, role = moto.user("sts:*"), moto.role("sts:*")
    run("the chain of keys leads to who is meant",
        moto.environment(**keys, WEIR_TEST_ROLE=role,
                         **identity(f":assumed-role/{role.rpartition('/')[2]}/weir")))


def test_keys_of_profiles(moto, run, tmp_path):
    keys, inner, outer = moto.user("sts:*"), moto.role("sts:*"), moto.role("sts:*")
    config = tmp_path / "config"
    config.write_text(f"[profile outer]\nrole_arn = {outer}\nsource_profile = inner\nrole_session_name = me\n"
                      f"[profile inner]\nrole_arn = {inner}\nsource_profile = plain\n"
                      f"[profile plain]\naws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}\n"
                      f"aws_secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}\n")
    run("the chain of keys leads to who is meant",
        moto.environment(AWS_CONFIG_FILE=str(config), AWS_PROFILE="outer",
                         **identity(f":assumed-role/{outer.rpartition('/')[2]}/me")))


def test_keys_of_a_web_identity(moto, run, tmp_path):
    role = moto.role("sts:*")
    moto.unchecked_requests(1)  # moto wants a signature here, which AWS does not.
    (tmp_path / "token").write_text("header.claims.signature")
    run("the chain of keys leads to who is meant",
        moto.environment(AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"), AWS_ROLE_ARN=role,
                         AWS_ROLE_SESSION_NAME="pod",
                         **identity(f":assumed-role/{role.rpartition('/')[2]}/pod")))


def test_keys_of_a_machine(moto, run):
    environment = moto.environment(AWS_EC2_METADATA_SERVICE_ENDPOINT=moto.metadata_endpoint)
    del environment["AWS_EC2_METADATA_DISABLED"]
    moto.unchecked_requests(1_000_000)
    run("a machine's keys and region are read", environment)


def test_wrong_keys_and_missing_rights(moto, run):
    name = "wrong keys are denied, and so are those without the right"
    keys = moto.user("sts:*")
    run(name, moto.environment(**keys, WEIR_TEST_CURE="glue:GetSchemaVersion"))
    wrong = {**keys, "AWS_SECRET_ACCESS_KEY": "wrong"}
    run(name, moto.environment(**wrong, WEIR_TEST_CURE="keys are wrong"))


@pytest.fixture
def needed(weir_binary) -> dict:
    """The rights that weir says it needs, and no others."""
    return aws_rights.rights_by_use(weir_binary)


def test_secrets(moto, run, needed):
    keys = moto.user(*needed["a password in Secrets Manager"])
    moto.client("secretsmanager", moto.user("secretsmanager:*")).create_secret(
        Name="AmazonMSK_weir", SecretString=json.dumps({"username": "weir", "password": "pass word"}))
    run("a user and a password are read from a secret",
        moto.environment(**keys, WEIR_TEST_SECRET="AmazonMSK_weir"))


def test_glue(moto, run, needed):
    keys = moto.user(*needed["glue"], *needed["glue, registering schemas"])
    glue = moto.client("glue", moto.user("glue:*"))
    glue.create_registry(RegistryName="weir")
    theirs = glue.create_schema(RegistryId={"RegistryName": "weir"}, SchemaName="theirs", DataFormat="AVRO",
                                Compatibility="NONE", SchemaDefinition='"string"')
    run("schemas go to Glue and come back",
        moto.environment(**keys, WEIR_TEST_GLUE="weir", WEIR_TEST_THEIRS=theirs["SchemaVersionId"]))
    ours = glue.get_schema_version(SchemaId={"RegistryName": "weir", "SchemaName": "made"},
                                   SchemaVersionNumber={"LatestVersion": True})
    assert ours["VersionNumber"] == 2 and '"b"' in ours["SchemaDefinition"]


def register(registry, subject: str, body: dict) -> int:
    """By another client."""
    request = urllib.request.Request(f"{registry.url}/subjects/{subject}/versions", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["id"]


def test_a_registry(registry, run):
    inner = '{"type":"record","name":"R","fields":[{"name":"x","type":"string"}]}'
    outer = '{"type":"record","name":"Q","fields":[{"name":"r","type":"R"}]}'
    register(registry, "inner", {"schema": inner})
    composed = register(registry, "outer", {
        "schema": outer, "references": [{"name": "R", "subject": "inner", "version": 1}]})
    run("[registry]", {**os.environ, "WEIR_TEST_REGISTRY": registry.url, "WEIR_TEST_COMPOSED": str(composed)})


def in_order(token: str) -> str:
    """The same token with its parameters in the order in which they are signed, the signature behind them;
    Amazon's signer leaves that of the session's token to chance."""
    url, _, query = base64.urlsafe_b64decode(token + "==").decode().partition("?")
    *parameters, signature, agent = query.split("&")
    assert signature.startswith("X-Amz-Signature=") and agent.startswith("User-Agent=")
    return base64.urlsafe_b64encode(f"{url}?{'&'.join([*sorted(parameters), signature, agent])}".encode()).decode()


def signed(keys: dict, region: str, at: datetime.datetime) -> dict:
    """A token that Amazon's own signer makes of these keys at that time."""
    class Keys(botocore.credentials.CredentialProvider):
        METHOD = "test"

        def load(self):
            return botocore.credentials.Credentials(keys["access_key"], keys["secret_key"],
                                                    keys["session_token"] or None)

    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at):
        token, end_ms = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(region, Keys())
    time_us = int(at.replace(tzinfo=datetime.timezone.utc).timestamp() * 1_000_000) + 999_999
    return {**keys, "region": region, "time_us": time_us, "token": in_order(token), "end_ms": end_ms}


def test_tokens_are_those_of_amazons_signer(run, tmp_path):
    chance = random.Random(7)
    cases = [signed({"access_key": f"AKIA{chance.randrange(10**12)}",
                     "secret_key": base64.b64encode(chance.randbytes(30)).decode(),
                     "session_token": base64.b64encode(chance.randbytes(chance.choice([0, 200, 301]))).decode()},
                    chance.choice(["eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1"]),
                    datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=chance.randrange(10**8)))
             for _ in range(40)]
    assert {bool(case["session_token"]) for case in cases} == {True, False}
    (tmp_path / "tokens.json").write_text(json.dumps(cases))
    run("tokens of another signer are made again",
        {**os.environ, "WEIR_TEST_MSK_TOKENS": str(tmp_path / "tokens.json")})
