"""A schema registry behind TLS of an authority of one's own and basic authentication, as companies run them;
and frames of Confluent's newer serializers, which are told and not guessed."""

import pathlib

import pytest
from confluent_kafka import Producer

from e2e.test_avro import V1, Case, Confluent, encode, rows
from e2e.weir import DONE, FAILED
from parts.kafka_secure import Certificates
from parts.nginx import Nginx

PASSWORD = "reg's \"secret\""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("registry-certificates"))


class Guarded(Confluent):
    """The registry as weir is let in to it."""

    def __init__(self, registry, proxy: Nginx, ca: pathlib.Path):
        super().__init__(registry)
        self.let_in = proxy
        self.connection_text = (f"schema_registry: {{ url: '{proxy.url}/apis/ccompat/v7', user: weir, "
                                f"password: {{ env: REGISTRY_PASSWORD }}, ca: {ca} }}")

    @property
    def connection(self) -> str:
        return self.connection_text


@pytest.fixture
def guarded(registry, certificates, debian_program, tmp_path, monkeypatch):
    debian_program("nginx")
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    server = certificates.folder
    with Nginx(tmp_path / "nginx", f"http://127.0.0.1:{registry.port}", server / "server.all", server / "server.key",
               {"weir": PASSWORD}) as proxy:
        place = Guarded(registry, proxy, certificates.ca)
        yield place
        place.proxy.stop()


def run_refused(case: Case, *words: str) -> None:
    """Told, and nothing is written."""
    done = case.weir.run(timeout_s=40, flags=["--wait", "5s"])
    assert done.code != DONE, done.show()
    for word in words:
        assert word in done.log, done.show()
    assert case.numbers() == [] and PASSWORD not in done.log + done.out


def test_by_password_over_tls(kafka, guarded, weir_binary, tmp_path):
    case = Case(kafka, guarded, tmp_path)
    case.send(rows(guarded.register(case.subject, V1), V1, range(100)))
    done = case.weir.run()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(100))
    asked = guarded.let_in.asked()
    assert asked and all(line.startswith("weir 200 ") for line in asked), asked


def test_records_with_the_id_in_a_header_are_told(kafka, confluent_place, weir_binary, tmp_path):
    """The value has no frame then; nothing is lost or written, and the reason is the header."""
    case = Case(kafka, confluent_place, tmp_path)
    confluent_place.register(case.subject, V1)
    guid = b"\x01" + bytes(range(16))
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(case.name, encode(V1, {"n": 7, "what": None}), headers=[("__value_schema_id", guid)])
    assert producer.flush(30) == 0
    done = case.weir.run()
    assert done.code == FAILED, done.show()
    assert "WEIR-F034" in done.log and "__value_schema_id" in done.log, done.show()
    assert case.numbers() == []
    # Before the value, the GUID is told as well.
    (tmp_path / "before").mkdir()
    case = Case(kafka, confluent_place, tmp_path / "before")
    confluent_place.register(case.subject, V1)
    case.send([guid + encode(V1, {"n": 7, "what": None})])
    done = case.weir.run()
    assert done.code == FAILED and "GUID" in done.log, done.show()
    assert case.numbers() == []


@pytest.fixture
def confluent_place(registry):
    place = Confluent(registry)
    yield place
    place.proxy.stop()


@pytest.mark.parametrize("wrong", ["password", "authority"])
def test_who_is_not_let_in(kafka, guarded, certificates, weir_binary, tmp_path, monkeypatch, wrong: str):
    if wrong == "password":
        monkeypatch.setenv("REGISTRY_PASSWORD", "another")
    else:
        guarded.connection_text = guarded.connection_text.replace(
            str(certificates.ca), str(certificates.folder / "other.pem"))
    case = Case(kafka, guarded, tmp_path)
    case.send(rows(guarded.register(case.subject, V1), V1, range(10)))
    run_refused(case, *(["401"] if wrong == "password" else ["certificate"]))
