"""deploy/terraform, as far as it can be checked without AWS's provider: its form, what refers to what, the
rights it gives, the files it makes, and that the examples' variables come out of it."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from deploy import terraform
from parts.aws_rights import rights_by_use
from parts import go_program, hclfmt

ROOT = pathlib.Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "deploy" / "terraform"
MODULES = terraform.all_modules(TERRAFORM)
IDS = [module.folder.name for module in MODULES]
EVERY_MODULE = pytest.mark.parametrize("module", MODULES, ids=IDS)


@pytest.fixture(scope="session")
def rights(weir_binary) -> dict:
    return rights_by_use(weir_binary)


# --- form ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(TERRAFORM.rglob("*.tf")), ids=lambda file: str(file.relative_to(TERRAFORM)))
def test_it_is_formatted(file):
    try:
        assert file.read_text() == hclfmt.formatted(file.read_text()), "./dev format mends it"
    except go_program.Unavailable as reason:
        pytest.skip(f"no hclfmt: {reason}")


def test_all_modules_are_called():
    assert {module.folder.resolve() for module in MODULES} == {TERRAFORM, *(TERRAFORM / "modules").iterdir()}


@EVERY_MODULE
def test_all_references_resolve(module):
    assert module.unresolved() == [] and module.badly_called() == [] and module.unknown_functions() == []


@EVERY_MODULE
def test_all_that_is_declared_is_used_and_described(module):
    assert module.unused() == [] and module.undescribed() == []


def test_variables_of_users_are_validated():
    """Those with two values only are by their type."""
    for name, body in MODULES[0].of("variable").items():
        assert "validation" in body or body["type"] == "${bool}" or body["type"] == "bool", name


@EVERY_MODULE
def test_templates_get_what_they_ask_for(module):
    for file, given in module.templates():
        assert terraform.names_in(file.read_text()) == given, file.name


def test_terraform_validates(tmp_path):
    """By Terraform itself, where it and AWS's provider can be had."""
    if shutil.which("terraform") is None:
        pytest.skip("there is no terraform")
    copy = tmp_path / "deploy" / "terraform"
    shutil.copytree(TERRAFORM, copy)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    begun = subprocess.run(["terraform", f"-chdir={copy}", "init", "-backend=false", "-input=false"],
                           capture_output=True, text=True, timeout=300)
    if begun.returncode != 0:
        pytest.skip(f"no providers of Terraform: {begun.stderr[-200:]}")
    judged = subprocess.run(["terraform", f"-chdir={copy}", "validate", "-json"], capture_output=True, text=True,
                            timeout=300)
    assert json.loads(judged.stdout)["diagnostics"] == []


# --- rights -------------------------------------------------------------------------------------------

# What each document gives, as `weir rights` names its uses.
USES = {
    "kafka": ["kafka with security: iam"],
    "secrets": ["a password in Secrets Manager"],
    "schemas_read": ["glue"],
    "schemas_write": ["glue, registering schemas"],
    "objects": ["s3"],
}
SEARCH = "opensearch with signing"
# Uses that nothing here makes of weir: hosts have their roles by themselves, and buckets encrypt with S3's key.
NOT_MADE_HERE = {"a role to take on", "s3 with encryption: aws:kms"}
# Documents that give weir nothing: who may take a role on, MSK's own right, what is refused to everybody.
OTHERS = {"ec2", "brokers_read", "encrypted_only"}
# Statements on everything, and why nothing smaller will do.
ON_EVERYTHING = {
    "SchemasById": "an id names no registry",
    "SessionManager": "these actions know no resource",
}
SESSION_MANAGER = {"ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel",
                   "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"}
# What a command of AWS's tools takes.
OF_COMMANDS = {"s3 cp": {"s3:GetObject"}, "acm-pca issue-certificate": {"acm-pca:IssueCertificate"},
               "acm-pca get-certificate": {"acm-pca:GetCertificate"},
               "acm-pca wait": {"acm-pca:GetCertificate"}}


def documents() -> dict:
    """Statements of every policy document of every module."""
    return {name: body["statement"] + [part for dynamic in body.get("dynamic", [])
                                       for part in dynamic["statement"]["content"]]
            for module in MODULES for name, body in module.of("data", "aws_iam_policy_document").items()}


def actions(statements: list) -> set:
    return {action for statement in statements for action in statement["actions"]}


def test_rights_are_what_weir_needs(rights):
    given = {use: actions(documents()[name]) for name, uses in USES.items() for use in uses}
    given[SEARCH] = actions([one for one in documents()["access"] if one["sid"] == "WriteIndices"])
    assert given == {use: needed for use, needed in rights.items() if use not in NOT_MADE_HERE}


def test_rights_of_a_host_are_what_its_scripts_need():
    scripts = "".join(file.read_text() for file in (TERRAFORM / "modules/hosts/templates").iterdir())
    commands = re.findall(r"\baws (s3 cp|[a-z0-9-]+ [a-z-]+)", scripts)
    assert commands
    needed = set().union(*(OF_COMMANDS[command] for command in commands))
    assert actions(documents()["host"]) == needed | SESSION_MANAGER


def test_no_document_is_overlooked():
    assert set(documents()) == {*USES, *OTHERS, "host", "access"}


def test_nothing_is_allowed_in_general():
    for name, statements in documents().items():
        for statement in statements:
            allowed = statement.get("effect", "Allow") == "Allow"
            assert not allowed or not any("*" in action for action in statement["actions"]), name
            if allowed and statement.get("resources") == ["*"]:
                assert statement["sid"] in ON_EVERYTHING, name
    assert set(ON_EVERYTHING) <= {statement.get("sid") for one in documents().values() for statement in one}


def test_each_role_has_its_own_rights():
    """By the documents that its policies refer to."""
    given = {name: {reference[2] for reference in terraform.references(body)
                    if reference[:2] == ("data", "aws_iam_policy_document")}
             for name, body in MODULES[0].of("resource", "aws_iam_role_policy").items()}
    assert given == {"worker": set(USES), "manager": {"schemas_read"}, "host": {"host"}}


# --- brokers, ports -------------------------------------------------------------------------------------


def kafka() -> terraform.Module:
    return next(module for module in MODULES if module.folder.name == "kafka")


def test_brokers_are_set_for_results_that_come_once():
    """As docs/operations.md tells what matters."""
    settings = kafka().of("local")["settings"]["value"]
    assert settings["min.insync.replicas"] == 2 and kafka().of("local")["replicas"]["value"] == 3
    assert settings["unclean.leader.election.enable"] == "false" == settings["auto.create.topics.enable"]
    page = (ROOT / "docs" / "operations.md").read_text()
    for name in ("transaction.max.timeout.ms", "offsets.retention.minutes", "min.insync.replicas",
                 "unclean.leader.election.enable"):
        assert f"`{name}" in page and name in settings


def test_every_way_to_log_in_has_its_door():
    cluster = kafka().of("resource", "aws_msk_cluster")["this"]
    (login,) = cluster["client_authentication"]
    assert login["sasl"][0] == {"iam": True, "scram": True} and login["tls"]
    assert cluster["encryption_info"][0]["encryption_in_transit"][0]["client_broker"] == "TLS"
    network = next(module for module in MODULES if module.folder.name == "network")
    doors = (network.folder / "ports.tf").read_text()
    ports = set(re.findall(r"port = (\d+)", doors))
    # docs/kafka.md has the ports of MSK, the scripts those of weir; 443 is the search domain's.
    assert ports == {"9094", "9096", "9098", "9281", "9400", "443", "11001", "11002"}
    scripts = (TERRAFORM / "modules/hosts/templates/first_start.sh.tftpl").read_text()
    assert set(re.findall(r"\$address:(\d+)", scripts)) == {"9281", "9400"}


def test_schemas_are_those_of_the_examples():
    (registry,) = [body for name, body in MODULES[0].of("module").items() if name == "registry"]
    for subject, text in registry["schemas"].items():
        file = re.search(r"examples/[\w.]+", text)[0]
        assert json.loads((ROOT / file).read_text())["type"] == "record", subject
    (schema,) = next(module for module in MODULES if module.folder.name == "registry").of(
        "resource", "aws_glue_schema").values()
    assert (schema["data_format"], schema["compatibility"]) == ("AVRO", "FULL")


# --- what comes out -------------------------------------------------------------------------------------

# Variables of the examples that are of the machine that a job is given from, or of a registry that is not Glue.
NOT_OF_AWS = {"N", "TABLES", "TRIPS", "SCHEMA_REGISTRY_URL"}


def test_the_examples_variables_come_out():
    asked = {name for job in (ROOT / "examples").glob("*.yaml")
             for name in re.findall(r"\$\{(\w+)", job.read_text())} - NOT_OF_AWS
    made = MODULES[0].of("local")["job_variables"]["value"]
    assert asked and asked <= set(made) and {"MSK_TLS", "MSK_IAM", "OPENSEARCH_URL", "BUCKET"} <= set(made)


VALUES = {
    "region": "eu-central-1", "manager_address": "10.60.0.17", "checkpoints": "weir-checkpoints", "slots": 8,
    "memory": "2GiB", "registry": "clickstream", "search_url": "https://vpc-weir.eu-central-1.es.amazonaws.com",
    "lake": "weir-lake", "scram_secrets": {"weir": "AmazonMSK_weir_weir"},
    "brokers": {"tls": "b-1.weir.kafka.eu-central-1.amazonaws.com:9094",
                "scram": "b-1.weir.kafka.eu-central-1.amazonaws.com:9096",
                "iam": "b-1.weir.kafka.eu-central-1.amazonaws.com:9098"},
}
JOB = """job: first
sources:
  clicks: {{ kafka: {{ connection: {}, topic: clicks, start: earliest }}, format: json, columns: {{ n: int64 }} }}
sinks:
  out: {{ from: clicks, {} }}
"""
NOWHERE = "blackhole: {}"


@pytest.fixture
def settings() -> str:
    return terraform.rendered((TERRAFORM / "weir.yaml.tftpl").read_text(), VALUES)


@pytest.mark.parametrize("connection, sink", [
    ("msk_in", NOWHERE), ("msk_out", NOWHERE), ("msk_scram_weir", NOWHERE),
    ("msk_out", "opensearch: { connection: search, index: counts, id: n }"),
    ("msk_out", "files: { connection: lake, path: raw }, format: json"),
])
def test_weir_takes_the_settings(settings, connection, sink, weir_binary, tmp_path):
    config, job = tmp_path / "weir.yaml", tmp_path / "job.yaml"
    config.write_text(settings)
    job.write_text(JOB.format(connection, sink))
    done = subprocess.run([weir_binary, "validate", job, "--config", config], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    # No word about ports: each is MSK's for its way to log in.
    assert "WEIR-K024" not in done.stdout, done.stdout


def script(process: str, settings: str) -> str:
    templates = TERRAFORM / "modules" / "hosts" / "templates"
    values = {"process": process, "region": "eu-central-1"}
    certificate = terraform.rendered((templates / "certificate.sh.tftpl").read_text(),
                                     {**values, "authority_arn": "arn:aws:acm-pca:eu-central-1:1:certificate-authority/x"})
    return terraform.rendered((templates / "first_start.sh.tftpl").read_text(), {
        **values, "settings": settings, "certificate": certificate, "ca": "-----BEGIN CERTIFICATE-----",
        "volume_id": "vol-0abc" if process == "manager" else "",
        "package": {"bucket": "weir-packages", "key": "weir.deb"}})


@pytest.mark.parametrize("process", ["manager", "worker"])
def test_a_host_gets_its_files(process, settings, tmp_path):
    text = script(process, settings)
    assert len(text.encode()) < 16 * 1024, "AWS takes no more for a first start"
    assert ("vol0abc" in text, "contexts.yaml" in text) == (process == "manager",) * 2
    file = tmp_path / "first_start"
    file.write_text(text)
    subprocess.run(["bash", "-n", file], check=True, timeout=60)
    files = dict(re.findall(r"^cat >(\S+) <<'?(?:\w+)'?\n(.*?)^[A-Z]+$", text, re.MULTILINE | re.DOTALL))
    assert yaml.safe_load(files["/etc/weir/weir.yaml"])["manager"] == ["10.60.0.17:9281"]
    certificate = tmp_path / "certificate"
    certificate.write_text(files["/usr/local/sbin/weir-certificate"])
    subprocess.run(["sh", "-n", certificate], check=True, timeout=60)
    # What the package's units read.
    unit = (ROOT / "deploy" / "systemd" / f"weir-{process}.service").read_text()
    assert "--config /etc/weir/weir.yaml" in unit and f"/etc/default/weir-{process}" in files
    assert files.get("/etc/default/weir-manager" if process == "worker" else "/etc/default/weir-worker") is None


# --- the checks themselves ------------------------------------------------------------------------------


def test_what_is_wrong_is_found(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "main.tf").write_text('variable "needed" {\n}\nvariable "idle" {\n  type = string\n}\n'
                                   'output "there" {\n  value = var.needed\n}\n')
    (tmp_path / "main.tf").write_text(
        'module "inner" {\n  source = "./inner"\n  wrong = 1\n}\n'
        'locals {\n  a = var.gone\n  b = module.inner.there + module.inner.nowhere\n'
        '  c = "${aws_vpc.none.id} ${each.key}"\n  d = data.aws_region.lost.name\n  e = lenght("min(")\n}\n')
    root, child = terraform.all_modules(tmp_path)
    wrong = " ".join(root.unresolved())
    for name in ("var.gone", "module.inner.nowhere", "aws_vpc.none.id", "each.key", "data.aws_region.lost.name"):
        assert name in wrong
    assert "inner.there" not in wrong
    assert [line.partition(": ")[2] for line in root.unused()] == ["local.a", "local.b", "local.c", "local.d", "local.e"]
    assert root.unknown_functions() == ["lenght"]
    assert len(root.badly_called()) == 3 and [line[-4:] for line in child.unused()] == ["idle"]
    assert len(child.undescribed()) == 3


def test_templates_are_filled():
    template = '%{ for name, of in all ~}\n${name}=${of.port}\n%{ if mode == "on" ~}\nyes\n%{ endif ~}\n%{ endfor ~}\n$${kept}\n'
    assert terraform.names_in(template) == {"all", "mode"}
    assert terraform.rendered(template, {"all": {"a": {"port": 1}}, "mode": "on"}) == "a=1\nyes\n$${kept}\n"
