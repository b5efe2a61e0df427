"""One broker with every way in that Amazon MSK has: the same job by each of them, by changing one word;
and what is told where the access is wrong."""

import json
import pathlib
import shutil
import uuid

import pytest

from e2e.weir import DONE, FAILED, USAGE, Finished, Weir, call
from parts import kafka_secure
from parts.kafka_secure import SecureBroker

JOB = """
job: "{name}"
checkpoint: {{ interval: 100ms }}
connections:
  way_in: {{ {way_in} }}
  way_out: {{ {way_out} }}
sources:
  given:
    kafka: {{ connection: way_in, topic: "{topic}", start: earliest, stop: {stop} }}
    format: json
    columns: {{ n: int64 }}
sinks:
  out:
    from: given
    kafka: {{ connection: way_out, topic: "{topic}.out" }}
"""


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    with SecureBroker(tmp_path_factory.mktemp("secure")) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def environment(monkeypatch, secure):
    for name, value in secure.environment.items():
        monkeypatch.setenv(name, value)


class Case:
    """A job that copies numbers from a topic into another, both of its own."""

    def __init__(self, kafka: SecureBroker, work: pathlib.Path, way_in: str, way_out: str, stop: str = "latest"):
        self.kafka = kafka
        self.topic = f"secured-{uuid.uuid4().hex[:8]}"
        for name in (self.topic, f"{self.topic}.out"):
            kafka.create_topic(name, partitions=2)
        self.sent = 0
        self.path = work / "job.yaml"
        self.path.write_text(JOB.format(name=self.topic, topic=self.topic, stop=stop, way_in=way_in,
                                        way_out=way_out))
        self.weir = Weir(self.path, work / "run")
        self.produce(300)

    def produce(self, count: int) -> None:
        self.kafka.produce(self.topic, [(None, json.dumps({"n": n}).encode(), n % 2)
                                        for n in range(self.sent, self.sent + count)])
        self.sent += count

    def numbers(self) -> list[int]:
        return sorted(json.loads(m.value())["n"] for m in self.kafka.read_all(f"{self.topic}.out"))

    def wait_for_all(self) -> None:
        self.weir.wait_until(lambda: self.numbers() == list(range(self.sent)), 60,
                             f"{self.sent} numbers are out, each once")


WAYS = ["plaintext", "tls", "mtls", "scram", "iam"]


@pytest.mark.parametrize("way", WAYS)
def test_one_word_is_all_that_changes(secure, weir_binary, tmp_path: pathlib.Path, way: str) -> None:
    connection = secure.connection(way)
    case = Case(secure, tmp_path, connection, connection)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))


def test_the_settings_of_a_java_client(secure, weir_binary, tmp_path: pathlib.Path) -> None:
    """As Amazon's pages have them, PEM stores and all; paths count from their file's folder."""
    shutil.copy(secure.certificates.ca, tmp_path / "trust.pem")
    both = secure.certificates.client_key.read_text() + secure.certificates.client.read_text()
    (tmp_path / "client.pem").write_text(both)
    (tmp_path / "mtls.properties").write_text(
        "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=trust.pem\n"
        "ssl.keystore.type=PEM\nssl.keystore.location=client.pem\nclient.rack=a\nacks=all\n")
    quoted = kafka_secure.PASSWORD.replace("\\", "\\\\").replace('"', '\\\\"')
    (tmp_path / "scram.properties").write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
        "ssl.truststore.location=trust.pem\n"
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
        f'  username="weir" password="{quoted}";\n')
    ways = {way: f'kafka: {{ bootstrap_servers: "{secure.bootstrap_of(way)}",'
                 f' client_properties: {tmp_path}/{way}.properties }}' for way in ("mtls", "scram")}
    case = Case(secure, tmp_path, ways["mtls"], ways["scram"])
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))


def expect_refused(case: Case, code: str, *words: str) -> Finished:
    """Told at once, with what to do, and nothing is written."""
    done = case.weir.run(timeout_s=40)
    assert done.code == FAILED, done.show()
    assert done.codes()[-1] == code, done.show()
    for word in words:
        assert word in done.log, done.show()
    assert case.numbers() == []
    assert kafka_secure.PASSWORD not in done.log + done.out
    return done


def changed(connection: str, before: str, after: str) -> str:
    assert before in connection
    return connection.replace(before, after)


def test_a_wrong_password(secure, weir_binary, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "another")
    scram = secure.connection("scram")
    expect_refused(Case(secure, tmp_path, scram, scram), "WEIR-K028", "does not take user and password")


def test_a_password_that_is_not_there(secure, weir_binary, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("KAFKA_PASSWORD")
    scram = secure.connection("scram")
    expect_refused(Case(secure, tmp_path, scram, scram), "WEIR-J023", "KAFKA_PASSWORD")


def test_an_authority_that_is_not_trusted(secure, weir_binary, tmp_path) -> None:
    other = secure.certificates.folder / "other.pem"
    tls = changed(secure.connection("tls"), str(secure.certificates.ca), str(other))
    expect_refused(Case(secure, tmp_path, tls, tls), "WEIR-K027", "not by an authority that is trusted", "ca")


def test_authorities_in_one_file(secure, weir_binary, tmp_path) -> None:
    """The one that counts stands second."""
    both = tmp_path / "both.pem"
    both.write_text((secure.certificates.folder / "other.pem").read_text() + secure.certificates.ca.read_text())
    tls = changed(secure.connection("tls"), str(secure.certificates.ca), str(both))
    case = Case(secure, tmp_path, tls, tls)
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(300))


def test_a_certificate_for_another_name(secure, weir_binary, tmp_path) -> None:
    """127.0.0.1 is the same broker, and its certificate does not have it."""
    at = secure.bootstrap_of("tls")
    tls = changed(secure.connection("tls"), at, at.replace("localhost", "127.0.0.1"))
    expect_refused(Case(secure, tmp_path, tls, tls), "WEIR-K027", "is for another name", "verify_names")


@pytest.mark.parametrize("way, port, words", [
    ("plaintext", "tls", ["speaks plaintext", "security: tls"]),
    ("tls", "plaintext", ["does not speak TLS", "security: plaintext"]),
    ("tls", "mtls", ["wants a certificate", "security: mtls"]),
])
def test_the_port_of_another_way(secure, weir_binary, tmp_path, way: str, port: str, words: list) -> None:
    at = {way: secure.bootstrap if way == "plaintext" else secure.bootstrap_of(way) for way in (way, port)}
    connection = changed(secure.connection(way), at[way], at[port])
    expect_refused(Case(secure, tmp_path, connection, connection), "WEIR-K027", *words)


def test_scram_at_the_port_of_iam(secure, weir_binary, tmp_path) -> None:
    scram = changed(secure.connection("scram"), secure.bootstrap_of("scram"), secure.bootstrap_of("iam"))
    expect_refused(Case(secure, tmp_path, scram, scram), "WEIR-K028", "does not take security: scram",
                   "OAUTHBEARER")


@pytest.mark.parametrize("wrong, told", [
    ({"AWS_SECRET_ACCESS_KEY": "another"}, "the signature is wrong"),
    ({"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, "no such key AKIANOBODY"),
    ({"AWS_SESSION_TOKEN": "not/mine=="}, "the session token is another"),
])
def test_a_token_by_wrong_keys(secure, weir_binary, tmp_path, monkeypatch, wrong: dict, told: str) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    iam = secure.connection("iam")
    expect_refused(Case(secure, tmp_path, iam, iam), "WEIR-K028", "does not take the token", "weir doctor")
    assert told in secure.logins()[-1]


def test_a_token_for_another_region(secure, weir_binary, tmp_path) -> None:
    iam = changed(secure.connection("iam"), "us-east-1", "eu-west-1")
    expect_refused(Case(secure, tmp_path, iam, iam), "WEIR-K028", "region")
    assert "signed for eu-west-1, this is us-east-1" in secure.logins()[-1]


@pytest.mark.parametrize("seconds, told", [(3600, "expired"), (-3600, "signed in the future")])
def test_clocks_that_are_an_hour_apart(secure, weir_binary, tmp_path, seconds: int, told: str) -> None:
    iam = secure.connection("iam")
    with secure.clock_ahead(seconds):
        expect_refused(Case(secure, tmp_path, iam, iam), "WEIR-K028", "clock")
    assert told in secure.logins()[-1]


def test_no_keys_at_all(secure, weir_binary, tmp_path, monkeypatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    iam = secure.connection("iam")
    expect_refused(Case(secure, tmp_path, iam, iam), "WEIR-A007", "AWS_ACCESS_KEY_ID")


@pytest.mark.parametrize("kind", ["expired", "another's key", "no certificate"])
def test_a_certificate_of_ones_own_that_is_no_good(secure, weir_binary, tmp_path, kind: str) -> None:
    """Told before a broker is asked, who would only hang up."""
    certificates = secure.certificates
    mtls = secure.connection("mtls")
    if kind == "expired":
        ended = certificates.issue("ended", "weir-client", "clientAuth", ended=True)
        mtls = changed(mtls, str(certificates.client), str(ended))
        mtls = changed(mtls, str(certificates.client_key), str(ended.with_suffix(".key")))
        words = ["has expired at 2024-01-02", "CN=weir-client"]
    elif kind == "another's key":
        mtls = changed(mtls, str(certificates.client_key), str(certificates.folder / "server.key"))
        words = ["the key is not that of the certificate"]
    else:
        mtls = changed(mtls, str(certificates.client), str(certificates.client_key))
        words = ["there is no certificate (PEM)"]
    expect_refused(Case(secure, tmp_path, mtls, mtls), "WEIR-K026", *words)


def test_a_port_of_msk_with_another_mechanism_is_a_warning(secure, weir_binary, tmp_path) -> None:
    job = tmp_path / "job.yaml"
    connection = 'kafka: { bootstrap_servers: "b-1.c.kafka.eu-west-1.amazonaws.com:9098", security: tls }'
    job.write_text(JOB.format(name="a", topic="a", stop="never", way_in=connection, way_out=connection))
    done = call("validate", job)
    assert done.code == DONE, done.show()
    assert "WEIR-K024" in done.log + done.out and "iam" in done.log + done.out, done.show()


def test_options_that_do_not_belong_together(secure, weir_binary, tmp_path) -> None:
    job = tmp_path / "job.yaml"
    way = 'kafka: { bootstrap_servers: "localhost:1", security: mtls, password: { env: P } }'
    job.write_text(JOB.format(name="a", topic="a", stop="never", way_in=way, way_out=way))
    done = call("validate", job)
    assert done.code == USAGE, done.show()
    assert "needs weir's own certificate" in done.log + done.out, done.show()
    assert "it belongs to scram" in done.log + done.out, done.show()


def test_a_password_that_is_changed_while_the_job_runs(secure, weir_binary, tmp_path) -> None:
    secret = tmp_path / "password"
    secret.write_text("first")
    secure.set_password("rotated", "first")
    scram = changed(secure.connection("scram"), "{ env: KAFKA_PASSWORD }", f"{{ file: {secret} }}")
    scram = changed(scram, "user: weir", "user: rotated")
    for kind, name in (("topic", "secured-"), ("group", "weir-"), ("transactional_id", "weir-")):
        secure.allow("User:rotated", kind, name, "ALL", pattern="PREFIXED")
    case = Case(secure, tmp_path, scram, scram, stop="never")
    case.weir.start()
    case.wait_for_all()
    secure.set_password("rotated", "second")
    secret.write_text("second")
    case.weir.wait_log("files or secrets have changed")
    secure.brokers[0].restart()  # Every connection logs in anew.
    secure.wait_ready()
    case.produce(300)
    case.wait_for_all()
    stopped = case.weir.stop()
    assert stopped.code == DONE, stopped.show()


def doctor(connections: dict[str, str], work: pathlib.Path, name: str, *words: str) -> tuple[Finished, dict]:
    config = work / "weir.yaml"
    lines = [f"  {one}: {{ {connection} }}" for one, connection in connections.items()]
    config.write_text("connections:\n" + "\n".join(lines) + "\n")
    done = call("doctor", name, "--config", config, "--output", "json", *words)
    return done, json.loads(done.out) if done.out else {}


def verdicts(told: dict) -> dict[str, str]:
    return {finding["what"]: finding["verdict"] for finding in told["findings"]}


def test_the_doctor_finds_all_well(secure, weir_binary, tmp_path) -> None:
    topic = f"secured-{uuid.uuid4().hex[:8]}"
    secure.create_topic(topic, partitions=2)
    done, told = doctor({"main": secure.connection("scram")}, tmp_path, "main", "--topic", topic)
    assert done.code == DONE and told["well"], done.show()
    assert set(verdicts(told).values()) == {"ok"}
    assert {"port", "files and secrets", "login", "brokers", "partitions", "limits", f"topic '{topic}'",
            "groups", "transactions"} == set(verdicts(told))


def test_the_doctor_names_what_is_wrong(secure, weir_binary, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    other = secure.certificates.folder / "other.pem"
    wrong = {
        "nowhere": 'kafka: { bootstrap_servers: "localhost:1,no-such-host.invalid:9092" }',
        "strange": changed(secure.connection("tls"), str(secure.certificates.ca), str(other)),
        "iam": secure.connection("iam")}
    done, told = doctor(wrong, tmp_path, "nowhere")
    assert done.code == FAILED and verdicts(told) == {"port": "bad", "name": "bad"}, done.show()
    done, told = doctor(wrong, tmp_path, "strange")
    assert done.code == FAILED and verdicts(told)["login"] == "bad", done.show()
    assert "WEIR-K027" in told["findings"][-1]["found"] and "ca.pem" in told["findings"][-1]["cure"]
    done, told = doctor(wrong, tmp_path, "iam", "--topic", "not-there")
    assert done.code == FAILED and verdicts(told)["topic 'not-there'"] == "bad", done.show()
    assert verdicts(told)["identity"] == "doubtful" and verdicts(told)["login"] == "ok"
    done, _ = doctor(wrong, tmp_path, "nowere")
    assert done.code == USAGE and "did you mean 'nowhere'" in done.log, done.show()


def test_the_doctor_misses_rights(secure, weir_binary, tmp_path) -> None:
    """Of a user who may use one topic, and neither groups nor transactions."""
    topic = f"secured-{uuid.uuid4().hex[:8]}"
    secure.create_topic(topic)
    secure.set_password("poor", "poor's")
    secure.allow("User:poor", "topic", topic, "READ", "DESCRIBE")
    secret = tmp_path / "password"
    secret.write_text("poor's")
    scram = changed(secure.connection("scram"), "{ env: KAFKA_PASSWORD }", f"{{ file: {secret} }}")
    done, told = doctor({"main": changed(scram, "user: weir", "user: poor")}, tmp_path, "main", "--topic", topic)
    assert done.code == FAILED, done.show()
    found = verdicts(told)
    assert found["groups"] == found["transactions"] == "bad" and found[f"topic '{topic}'"] == "ok", done.show()
