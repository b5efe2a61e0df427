"""Who is let in, and what he may do: certificates between processes, tokens at the API, what is written
down of it, and how much anybody may send."""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import socket
import ssl
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from e2e.cluster import Cluster, Daemon
from e2e.tls import Authority, Files, foreign, is_let_in, openssl, serial_shown
from e2e.weir import DONE, FAILED, ROOT, USAGE, Finished, call
from parts.process import free_port, wait_until

ROLES = ("view", "operate", "admin")
LOCAL = "DNS:localhost,IP:127.0.0.1"

JOB = """
job: counted
checkpoint: { interval: 200ms }
sources:
  prices:
    generator: { kind: stock, rate: 4000/s, count: 8000, seed: 3 }
    event_time: { column: event_time }
steps:
  counts: { from: prices, window: { tumbling: 1s }, group_by: ticker, select: [ticker, { n: count() }] }
sinks:
  out: { from: counts, files: { path: "${OUT}" }, format: json }
"""


class Tokens:
    """A tokens file, and the tokens themselves as files for --token-file."""

    def __init__(self, folder: pathlib.Path, names: tuple[str, ...] = ROLES):
        self.folder = folder
        self.file = folder / "tokens"
        self.token: dict[str, str] = {}
        self.lines: dict[str, str] = {}
        for name in names:
            self.make(name, name)
        self.write()

    def make(self, name: str, role: str) -> None:
        done = call("token", "new", "--name", name, "--role", role, "--output", "json")
        assert done.code == DONE, done.show()
        made = json.loads(done.out)
        self.token[name], self.lines[name] = made["token"], made["line"]
        assert made["token"] not in made["line"]
        private(self.folder / f"{name}.token", made["token"] + "\n")

    def write(self) -> None:
        private(self.file, "".join(line + "\n" for line in self.lines.values()))

    def of(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.token"


def private(path: pathlib.Path, text: str) -> pathlib.Path:
    path.touch(0o600)
    path.write_text(text)
    return path


class SecuredCluster(Cluster):
    """One whose processes have certificates, and whose API wants tokens."""

    def __init__(self, work: pathlib.Path, manager: Files, workers: list[Files], tokens: Tokens,
                 more: str = ""):
        job = work / "job.yaml"
        job.write_text(JOB)
        super().__init__(work, job, {"JOB": "counted", "OUT": str(work / "out")},
                         workers=len(workers), slots=1)
        self.ca = manager.ca
        self.tokens = tokens
        self.configure(self.manager, f"tls: {manager.yaml()}\ntokens_file: {tokens.file}\n{more}")
        for daemon, files in zip(self.workers.values(), workers, strict=True):
            self.configure(daemon, f"tls: {files.yaml()}\n")

    def configure(self, daemon: Daemon, text: str) -> None:
        path = self.work / f"{daemon.name}.yaml"
        path.write_text(text)
        daemon.words = [*daemon.words, "--config", str(path)]

    def command(self, *words: str | pathlib.Path, timeout_s: float = 90) -> Finished:
        return call(*words, "--manager", f"https://{self.http}", "--ca", self.ca, "--token-file",
                    self.tokens.of("admin"), "--output", "json", timeout_s=timeout_s)

    def look(self, path: str) -> dict | None:
        status, body = self.request("GET", f"/api/v1/{path}", "admin")
        return json.loads(body) if status == 200 else None

    def request(self, method: str, path: str, role: str | None, body: bytes | None = None,
                token: str | None = None) -> tuple[int, str]:
        shown = token or (self.tokens.token[role] if role else None)
        try:
            return request(self.http, method, path, shown, body, ssl.create_default_context(cafile=str(self.ca)))
        except (OSError, http.client.HTTPException):
            return 0, ""

    def metric(self, why: str) -> int:
        _, text = self.request("GET", "/metrics", "view")
        found = re.search(rf'^weir_refused_total{{why="{why}"}} (\d+)', text, re.MULTILINE)
        return int(found[1]) if found else 0


def request(address: str, method: str, path: str, token: str | None = None, body: bytes | None = None,
            tls: ssl.SSLContext | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    asked = urllib.request.Request(f"http{'s' if tls else ''}://{address}{path}", method=method, data=body)
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    if body:
        asked.add_header("Content-Type", "application/json")
    for name, value in (headers or {}).items():
        asked.add_header(name, value)
    try:
        with urllib.request.urlopen(asked, timeout=30, context=tls) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def code_of(body: str) -> str:
    return json.loads(body)["error"]["code"]


@pytest.fixture
def authority(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def tokens(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> Tokens:
    (tmp_path / "tokens").mkdir()
    return Tokens(tmp_path / "tokens")


@pytest.fixture
def secured(authority: Authority, tokens: Tokens, tmp_path: pathlib.Path) -> Iterator[SecuredCluster]:
    """A manager alone."""
    with SecuredCluster(tmp_path, authority.issue("manager", "manager"), [], tokens) as cluster:
        wait_until(lambda: cluster.look("jobs"), 30, "the manager answers")
        yield cluster


@pytest.fixture
def plain(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Cluster]:
    """A manager as it comes: loopback, no certificates, no tokens."""
    (tmp_path / "job.yaml").write_text(JOB)
    with Cluster(tmp_path, tmp_path / "job.yaml", {"JOB": "counted", "OUT": str(tmp_path / "out")},
                 workers=0) as cluster:
        wait_until(lambda: cluster.look("jobs"), 30, "the manager answers")
        yield cluster


# --- certificates -----------------------------------------------------------------------------------


def test_weir_makes_certificates(authority: Authority, tmp_path: pathlib.Path) -> None:
    files = authority.issue("w1", "worker", "--host", "w1.example", "--host", "10.0.0.5", "--days", "30")
    for key in (authority.folder / "ca.key", files.key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    openssl("verify", "-x509_strict", "-CAfile", files.ca, files.certificate)
    text = openssl("x509", "-in", files.certificate, "-noout", "-text")
    for said in ("URI:weir:role:worker", "DNS:w1.example", "IP Address:10.0.0.5", "prime256v1"):
        assert said in text
    assert "CA:FALSE" in text and "localhost" not in text
    openssl("x509", "-in", files.certificate, "-noout", "-checkend", str(29 * 86400))

    before = (authority.folder / "ca.key").read_bytes()
    again = call("certs", "init", authority.folder)
    assert again.code == USAGE and "WEIR-T002" in again.codes()
    assert (authority.folder / "ca.key").read_bytes() == before

    issue = ("certs", "issue", "--ca", authority.folder, "--out", tmp_path / "out")
    for words, code in ((("../w1", "--role", "worker"), "WEIR-T001"),
                        (("w1", "--role", "worker", "--host", "a,DNS:b"), "WEIR-T001"),
                        (("w1", "--role", "worker", "--days", "100000"), "WEIR-T001"),
                        (("w1", "--role", "worker", "--days", "3651"), "WEIR-T001"),
                        (("w1", "--role", "root"), "WEIR-C001")):
        done = call(*issue, *words)
        assert done.code == USAGE and code in done.codes(), done.show()
    (authority.folder / "ca.key").chmod(0o640)
    done = call(*issue, "w1", "--role", "worker")
    assert done.code == USAGE and "WEIR-T005" in done.codes(), done.show()
    assert f"chmod 600 {authority.folder}/ca.key" in done.log


def test_a_cluster_with_certificates_and_tokens_runs_a_job(
        authority: Authority, tokens: Tokens, tmp_path: pathlib.Path) -> None:
    """One worker's certificate is weir's, the other's openssl's, with more roles and in a chain file."""
    workers = [authority.issue("w0", "worker"),
               authority.sign("w1", f"{LOCAL},URI:weir:role:client,URI:weir:role:worker")]
    with SecuredCluster(tmp_path, authority.issue("manager", "manager"), workers, tokens) as cluster:
        cluster.ask(*cluster.submit_words(), "--parallelism", "2")
        ended = cluster.wait_job("ended")
        assert ended["restarts"] == 0
        rows = [json.loads(line) for file in (tmp_path / "out").glob("[!_]*.json")
                for line in file.read_text().splitlines()]
        assert sum(row["n"] for row in rows) == 8000
        assert cluster.metric("not_trusted") == cluster.metric("wrong_role") == 0


def test_who_is_no_worker_is_refused_by_the_manager(secured: SecuredCluster, authority: Authority,
                                                    tmp_path: pathlib.Path) -> None:
    port = int(secured.address.split(":")[1])
    worker = authority.issue("w0", "worker")
    assert is_let_in(port, worker)
    strangers = {
        "no_certificate": [None],
        "not_trusted": [authority.make_self_signed("selfsigned", "URI:weir:role:worker"),
                        foreign(tmp_path / "foreign", "w0", f"{LOCAL},URI:weir:role:worker")],
        "expired": [authority.sign("expired", f"{LOCAL},URI:weir:role:worker", days=0)],
        "wrong_role": [authority.issue("somebody", "client"),
                       authority.sign("manager2", f"{LOCAL},URI:weir:role:manager"),
                       authority.sign("nobody", LOCAL),
                       authority.sign("nearly", f"{LOCAL},URI:weir:role:worker2,DNS:worker")],
    }
    for why, shown in strangers.items():
        for number, files in enumerate(shown, 1):
            assert not is_let_in(port, files), f"{why}: {files and files.certificate}"
            wait_until(lambda why=why, number=number: secured.metric(why) == number, 10, f"{why} is counted")
        assert f"refused why={why} " in secured.manager.log()
    assert is_let_in(port, worker)


def test_who_is_no_worker_is_refused_by_a_worker(authority: Authority, tokens: Tokens,
                                                 tmp_path: pathlib.Path) -> None:
    with SecuredCluster(tmp_path, authority.issue("manager", "manager"),
                        [authority.issue("w0", "worker")], tokens) as cluster:
        port = int(cluster.list_workers()["w0"]["address"].split(":")[1])
        assert is_let_in(port, authority.issue("w1", "worker"))
        manager = authority.sign("manager2", f"{LOCAL},URI:weir:role:manager")
        for files in (None, manager, authority.issue("ann", "client"),
                      authority.make_self_signed("self", "URI:weir:role:worker")):
            assert not is_let_in(port, files)
        log = cluster.workers["w0"].wait_log("why=not_trusted")
        assert "reason=" in log
        for why in ("no_certificate", "wrong_role"):
            cluster.workers["w0"].wait_log(f"why={why}")


def test_a_worker_takes_no_manager_that_is_none(authority: Authority, tmp_path: pathlib.Path) -> None:
    """What listens there has a certificate of the authority, of another role."""
    fake = authority.issue("w9", "worker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(fake.certificate, fake.key)
    context.set_alpn_protocols(["h2"])
    said = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listening.accept()
                with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
                    said.append(secure.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        words = worker_words(tmp_path, authority.issue("w0", "worker"), listening.getsockname()[1])
        worker = Daemon(tmp_path, "w0", words).start()
        try:
            assert "manager is wanted" in worker.wait_log("no manager takes this worker")
            worker.wait_log("why=wrong_role")
        finally:
            worker.kill()
    # Not a word of who it is and what it has.
    assert all(b"w0" not in word for word in said)


def worker_words(work: pathlib.Path, files: Files, port: int) -> list[str]:
    config = work / "w0.yaml"
    config.write_text(f"tls: {files.yaml()}\n")
    return ["worker", "--worker-id", "w0", "--manager", f"127.0.0.1:{port}", "--config", str(config),
            "--checkpoint-store", str(work / "store")]


def test_a_process_with_another_s_certificate_does_not_start(authority: Authority,
                                                             tmp_path: pathlib.Path) -> None:
    other = authority.issue("manager", "manager")
    for files in (other, authority.issue("ann", "client"), authority.sign("nobody", LOCAL),
                  authority.sign("expired", f"{LOCAL},URI:weir:role:worker", days=0)):
        done = call(*worker_words(tmp_path, files, free_port()), "--state-dir", tmp_path / "state")
        assert done.code == USAGE and "WEIR-T010" in done.codes(), done.show()
        assert "weir certs issue" in done.log


def test_certificates_are_read_again(secured: SecuredCluster, authority: Authority) -> None:
    port, http_port = (int(address.split(":")[1]) for address in (secured.address, secured.http))
    worker = authority.issue("w0", "worker")
    old = authority.folder / "certificates" / "manager.pem"
    first = serial_shown(http_port)
    assert first == serial_shown(port, worker)
    renewed = authority.issue("manager", "manager")
    assert renewed.certificate == old and renewed.serial() != first
    # A new connection to the API has it at once; gRPC looks each second.
    assert serial_shown(http_port) == renewed.serial()
    wait_until(lambda: serial_shown(port, worker) == renewed.serial(), 20, "gRPC shows the new one")
    assert secured.manager.running and secured.manager.starts == 1
    # A second authority is believed once it stands in the file, and no more when it is gone.
    second = foreign(authority.folder / "second", "w1", f"{LOCAL},URI:weir:role:worker")
    assert not is_let_in(port, second)
    only = secured.ca.read_text()
    secured.ca.write_text(only + second.ca.read_text())
    wait_until(lambda: is_let_in(port, second), 20, "the second authority is believed")
    assert is_let_in(port, worker)
    secured.ca.write_text(only)
    wait_until(lambda: not is_let_in(port, second), 20, "it is believed no more")


# --- tokens -----------------------------------------------------------------------------------------


def routes() -> list[tuple[str, str, str]]:
    """(method, path, role) of all that a manager serves, from its table."""
    source = (ROOT / "daemon" / "http" / "manager_api.cc").read_text()
    found = re.findall(r'\{"(GET|POST)",\s*"([^"]+)",\s*Access::k(\w+),', source)
    return [(method, path, role.lower()) for method, path, role in found]


def test_each_role_on_each_route(secured: SecuredCluster) -> None:
    assert len(routes()) >= 15
    ranks = ["public", *ROLES]
    for method, path, wanted in routes():
        asked = re.sub(r"\{\w+\}", "nothere", path)
        body = b"{}" if method == "POST" else None
        for role in (None, *ROLES):
            status, text = secured.request(method, asked, role, body)
            may = ranks.index(role or "public") >= ranks.index(wanted)
            told = f"{method} {path} by {role}: {status} {text}"
            if may:
                assert status not in (0, 401, 403, 500), told
            else:
                assert status == (403 if role else 401), told
                assert code_of(text) == ("WEIR-T008" if role else "WEIR-T007"), told
    for token in ("nonsense", secured.tokens.token["admin"][:-1], secured.tokens.token["admin"].upper()):
        assert secured.request("GET", "/api/v1/jobs", None, token=token)[0] == 401
    # That there is nothing is told to those only who may look.
    assert secured.request("GET", "/nothing", None)[0] == 401
    assert secured.request("GET", "/nothing", "view")[0] == 404


def test_who_may_look_at_checkpoints_and_who_may_give_results_up(authority: Authority, tokens: Tokens,
                                                                 tmp_path: pathlib.Path) -> None:
    with SecuredCluster(tmp_path, authority.issue("manager", "manager"),
                        [authority.issue("w0", "worker")], tokens) as cluster:
        cluster.ask(*cluster.submit_words(), "--parallelism", "1")
        cluster.wait_job("ended")

        def weir(role: str, *words: str) -> Finished:
            return call(*words, "--manager", f"https://{cluster.http}", "--ca", cluster.ca,
                        "--token-file", tokens.of(role))

        resolve = ("txn", "resolve", "counted", "--sink", "out", "--drop")
        for role, may in (("view", "checkpoint list"), ("view", "txn list"), ("operate", "checkpoint verify")):
            done = weir(role, *may.split(), "counted")
            assert done.code == DONE, done.show()
        for role, words in (("view", ("checkpoint", "verify", "counted")), ("view", resolve), ("operate", resolve),
                            ("operate", ("remove", "counted"))):
            done = weir(role, *words)
            assert done.code == USAGE and done.codes() == ["WEIR-T008"], done.show()
        assert weir("admin", *resolve).codes() == ["WEIR-M003"]
        assert weir("admin", "remove", "counted").code == DONE
        assert cluster.ask("list")["jobs"] == []


def test_the_table_of_roles_is_told() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    told = re.findall(r"^\| `(GET|POST) ([^`]+)` \| (\w+) \|", page, re.MULTILINE)
    assert sorted(told) == sorted(routes())


def test_tokens_are_read_again(secured: SecuredCluster) -> None:
    tokens = secured.tokens
    assert secured.request("GET", "/api/v1/jobs", "view")[0] == 200
    old = tokens.token["view"]
    tokens.make("view", "view")
    tokens.write()
    assert secured.request("GET", "/api/v1/jobs", None, token=old)[0] == 401
    assert secured.request("GET", "/api/v1/jobs", "view")[0] == 200
    # A file that is not in order changes nothing, and is told.
    tokens.file.write_text("nonsense\n")
    assert secured.request("GET", "/api/v1/jobs", "view")[0] == 200
    secured.manager.wait_log("WEIR-T006")
    tokens.write()
    tokens.file.chmod(0o644)
    assert secured.request("GET", "/api/v1/jobs", "view")[0] == 200
    secured.manager.wait_log("WEIR-T005")


def test_a_client_certificate_can_be_wanted_too(authority: Authority, tokens: Tokens,
                                                tmp_path: pathlib.Path) -> None:
    manager = authority.issue("manager", "manager")
    ann = authority.issue("ann", "client")
    http_tls = (f"http_tls: {{ certificate: {manager.certificate}, key: {manager.key}, "
                f"client_ca: {manager.ca} }}\n")
    cluster = SecuredCluster(tmp_path, manager, [], tokens, more=http_tls)
    cluster.manager.start()
    try:
        cluster.manager.wait_log("manager is up")
        ask = ("list", "--manager", f"https://{cluster.http}", "--ca", manager.ca,
               "--token-file", tokens.of("view"))
        assert call(*ask, "--certificate", ann.certificate, "--key", ann.key).code == DONE
        done = call(*ask)
        assert done.code == USAGE and "WEIR-T007" in done.codes(), done.show()
        for files in (authority.issue("w0", "worker"),
                      foreign(tmp_path / "foreign", "ann", "URI:weir:role:client")):
            done = call(*ask, "--certificate", files.certificate, "--key", files.key)
            assert done.code == FAILED and "WEIR-C005" in done.codes(), done.show()
        assert "why=wrong_role" in cluster.manager.log() and "why=not_trusted" in cluster.manager.log()
        assert cluster.request("GET", "/healthz", None) == (200, "ok\n")
    finally:
        cluster.kill()


# --- doors ------------------------------------------------------------------------------------------


def test_no_door_is_open_to_strangers(authority: Authority, tokens: Tokens, tmp_path: pathlib.Path) -> None:
    manager = authority.issue("manager", "manager")
    config = tmp_path / "weir.yaml"
    tls, tokens_file = f"tls: {manager.yaml()}\n", f"tokens_file: {tokens.file}\n"

    def refused(text: str, *words: str) -> str:
        config.write_text(text)
        done = call(*words, "--config", config, "--state-dir", tmp_path / "state")
        assert done.code == USAGE, done.show()
        return done.codes()[0]

    http, listen = f"0.0.0.0:{free_port()}", f"0.0.0.0:{free_port()}"
    here = f"127.0.0.1:{free_port()}"
    assert refused("", "manager", "--listen", here, "--http", http) == "WEIR-T009"
    assert refused(tokens_file, "manager", "--listen", here, "--http", http) == "WEIR-T009"
    assert refused(tls, "manager", "--listen", here, "--http", http) == "WEIR-T009"
    assert refused("", "manager", "--listen", listen, "--http", here) == "WEIR-T009"
    assert refused("", "worker", "--listen", listen, "--checkpoint-store", str(tmp_path)) == "WEIR-T009"
    metrics = f'metrics: {{ listen: "{http}" }}\n'
    assert refused(metrics, "manager", "--listen", here, "--http", f"127.0.0.1:{free_port()}") == "WEIR-T009"
    tokens.file.chmod(0o640)
    assert refused(tokens_file, "manager", "--listen", here, "--http", here) == "WEIR-T005"
    (tmp_path / "job.yaml").write_text(JOB)
    done = call("run", tmp_path / "job.yaml", "--metrics", http, "--var", f"OUT={tmp_path}",
                "--state-dir", tmp_path / "run")
    assert done.code == USAGE and "WEIR-T009" in done.codes(), done.show()


def test_metrics_alone_may_be_open(authority: Authority, tokens: Tokens, tmp_path: pathlib.Path) -> None:
    address = f"0.0.0.0:{free_port()}"
    more = f'metrics: {{ listen: "{address}", insecure: true }}\n'
    with SecuredCluster(tmp_path, authority.issue("manager", "manager"), [], tokens, more) as cluster:
        assert address in cluster.manager.wait_log("metrics are served without TLS, to everybody")
        here = address.replace("0.0.0.0", "127.0.0.1")
        status, text = request(here, "GET", "/metrics")
        assert status == 200 and "weir_refused_total" in text
        assert request(here, "GET", "/api/v1/jobs")[0] == 401
        assert request(here, "POST", "/api/v1/jobs", body=b"{}")[0] == 401


def test_a_page_of_somebody_else_does_not_get_in(plain: Cluster) -> None:
    jobs = "/api/v1/jobs"
    assert request(plain.http, "GET", jobs)[0] == 200
    assert request(plain.http, "GET", jobs, headers={"Origin": f"http://{plain.http}"})[0] == 200
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"},
                    {"Host": "evil.example", "Origin": "http://evil.example"}):
        for method, body in (("GET", None), ("POST", b"{}")):
            status, text = request(plain.http, method, jobs, body=body, headers=headers)
            assert status == 403 and code_of(text) == "WEIR-T012"
    assert request(plain.http, "GET", "/healthz", headers={"Host": "evil.example"})[0] == 200


# --- what is written down ---------------------------------------------------------------------------


def audit(cluster: Cluster) -> list[dict]:
    path = cluster.manager.state / "audit.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_change_leaves_a_line(secured: SecuredCluster) -> None:
    secured.request("GET", "/api/v1/jobs", "view")
    assert audit(secured) == []
    text = JOB.replace("${OUT}", str(secured.work / "out"))
    submit = json.dumps({"text": text}).encode()
    assert secured.request("POST", "/api/v1/jobs", "admin", submit)[0] in (200, 400)
    for what, role in (("stop", "operate"), ("savepoint", "operate"), ("restart", "operate"),
                       ("cancel", "admin")):
        secured.request("POST", f"/api/v1/jobs/gone/{what}", role, b"{}")
    secured.request("POST", "/api/v1/jobs/gone/rescale", "operate", b'{"parallelism": 3}')
    secured.request("POST", "/api/v1/jobs/gone/rescale", "operate", b"[]")
    secured.request("POST", "/api/v1/jobs/gone/upgrade", "admin", submit)
    secured.request("POST", "/api/v1/workers/w9/drain", "operate", b"{}")
    lines = audit(secured)
    told = [(line["who"], line["what"], line.get("job") or line.get("worker"), line["result"])
            for line in lines]
    assert told[0][:3] == ("admin", "submit", "counted")
    assert told[1:] == [
        ("operate", "stop", "gone", "WEIR-M001"), ("operate", "savepoint", "gone", "WEIR-M001"),
        ("operate", "restart", "gone", "WEIR-M001"), ("admin", "cancel", "gone", "WEIR-M001"),
        ("operate", "rescale", "gone", "WEIR-M001"), ("operate", "rescale", "gone", "WEIR-M007"),
        ("admin", "upgrade", "gone", "WEIR-M007"), ("operate", "drain", "w9", "WEIR-M006")]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+", line["from"]) for line in lines)
    assert all(re.match(r"20\d\d-\d\d-\d\dT", line["time"]) for line in lines)
    assert lines[5]["detail"] == "to 3"

    secured.request("POST", "/api/v1/jobs/gone/cancel", "view", b"{}")
    wait_until(lambda: len(audit(secured)) > len(lines), 10, "the refusal is written down")
    refused = audit(secured)[-1]
    assert (refused["who"], refused["what"], refused["result"]) == (
        "view", "POST /api/v1/jobs/gone/cancel", "WEIR-T008")
    whole = (secured.manager.state / "audit.jsonl").read_text() + secured.whole_log()
    assert not any(token in whole for token in secured.tokens.token.values())


# --- how much anybody may send ----------------------------------------------------------------------


def raw(address: str, text: bytes) -> int:
    """The status of the answer to these bytes; 0 where there is none."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(text)
        with contextlib.suppress(ConnectionError):
            found = re.match(rb"HTTP/1.1 (\d+)", connection.recv(1000))
            return int(found[1]) if found else 0
    return 0


def test_what_is_too_much_is_refused(plain: Cluster) -> None:
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {plain.http}\r\n".encode()
    assert raw(plain.http, head + b"\r\n") == 411
    assert raw(plain.http, head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n") == 411
    assert raw(plain.http, head + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n") == 411
    assert raw(plain.http, head + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}") == 411
    assert raw(plain.http, head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}") == 411
    assert raw(plain.http, head + b"Content-Length: 3000000\r\n\r\n" + b" " * 3000000) == 413

    def submit(text: str) -> tuple[int, str]:
        return request(plain.http, "POST", "/api/v1/jobs", body=json.dumps({"text": text}).encode())

    status, answer = request(plain.http, "POST", "/api/v1/jobs", body=b" " * 10_000,
                             headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 413 and code_of(answer) == "WEIR-H003"
    for text in ("# " + "x" * 1_200_000, "a: " + "[" * 100 + "]" * 100,
                 "\n".join(f"k{i}: 1" for i in range(11_000)),
                 "a: &a [1]\n" + "\n".join(f"b{i}: [*a, *a]" for i in range(100))):
        status, answer = submit(text)
        assert status == 400 and re.search(r"WEIR-J00[89]", answer), answer[:500]
    assert request(plain.http, "POST", "/api/v1/jobs", body=b"[" * 1_000_000)[0] == 400
    assert request(plain.http, "POST", "/api/v1/jobs", body=b'{"text": "' + b"\xff" * 100 + b'"}')[0] == 400
    assert plain.manager.running


def test_names_lead_nowhere(plain: Cluster) -> None:
    for name in ("..", "%2e%2e", "../workers", "..%2fworkers", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a%00b",
                 "%ff", "a/b", "x" * 129, "%0d%0aSet-Cookie:%20a", "a%20b", ""):
        for path in (f"/api/v1/jobs/{name}", f"/{name}/etc/passwd"):
            status, text = request(plain.http, "GET", path)
            if name in ("", "../workers") and status == 200:
                continue  # The library of this test has made another path of it.
            assert status in (400, 404), f"{path}: {status} {text[:200]}"
        if name:
            assert request(plain.http, "POST", f"/api/v1/jobs/{name}/stop", body=b"{}")[0] in (400, 404)
    job = JOB.replace("job: counted", 'job: "../../evil"').replace("${OUT}", "out")
    body = json.dumps({"text": job}).encode()
    assert request(plain.http, "POST", "/api/v1/jobs", body=body)[0] == 400
    assert plain.manager.running and not list(plain.work.glob("**/evil*"))


# --- the commands -----------------------------------------------------------------------------------


def test_commands_know_managers_by_name(secured: SecuredCluster, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    shutil.copy(secured.ca, folder / "ca.pem")
    private(folder / "view.token", secured.tokens.token["view"])
    file = folder / "contexts.yaml"
    file.write_text(
        f'contexts:\n  ours: {{ manager: "https://{secured.http}", ca: ca.pem, token_file: view.token }}\n'
        '  other: { manager: "127.0.0.1:1" }\n')
    env = {"WEIR_CONTEXT_FILE": str(file)}

    def weir(*words: str | pathlib.Path, **more: str) -> Finished:
        return call(*words, env={**env, **more})

    assert weir("context", "show").codes() == ["WEIR-T013"]
    assert weir("context", "use", "nobody").codes() == ["WEIR-T013"]
    assert weir("context", "use", "ours").code == DONE
    assert "* ours" in weir("context", "list").out
    assert str(folder / "ca.pem") in weir("context", "show").out
    assert weir("list").code == DONE
    assert weir("list", "--context", "other").codes() == ["WEIR-C005"]
    assert weir("list", WEIR_CONTEXT="other").codes() == ["WEIR-C005"]
    assert weir("list", "--context", "nobody").codes() == ["WEIR-T013"]
    assert weir("cancel", "counted").codes() == ["WEIR-T008"]
    assert weir("list", "--context", "ours", "--manager", "127.0.0.1:1").code == USAGE
    # Its token goes to its manager only.
    asked = weir("list", "--manager", f"https://{secured.http}", "--ca", folder / "ca.pem")
    assert asked.codes() == ["WEIR-T007"], asked.show()
    asked = weir("list", "--manager", f"https://{secured.http}", "--ca", folder / "ca.pem",
                 WEIR_TOKEN=secured.tokens.token["view"])
    assert asked.code == DONE, asked.show()
    (folder / "view.token").chmod(0o644)
    assert weir("list").codes() == ["WEIR-T005"]
    file.write_text("contexts: { ours: { manger: x } }\n")
    assert weir("list").code == USAGE


def test_commands_tell_a_token_to_nobody_else(secured: SecuredCluster, authority: Authority,
                                              tmp_path: pathlib.Path) -> None:
    token = secured.tokens.of("view")
    assert call("list", "--manager", "http://10.255.255.1:9280", "--token-file", token).codes() == ["WEIR-C001"]
    ask = ("list", "--manager", f"https://{secured.http}", "--token-file", token)
    assert call(*ask).codes() == ["WEIR-T014"]
    other = foreign(tmp_path / "foreign", "x", LOCAL)
    assert call(*ask, "--ca", other.ca).codes() == ["WEIR-T014"]
    assert call(*ask, "--ca", secured.ca).code == DONE
    # By an address that its certificate does not hold.
    authority.issue("manager", "manager", "--host", "elsewhere.example")
    assert call(*ask, "--ca", secured.ca).codes() == ["WEIR-T014"]
    assert call("list", "--token", "x").code == USAGE
    assert call("list", "--manager", "ftp://x:1").codes() == ["WEIR-C001"]
