"""What Terraform's hosts are given works: the script has certificates issued, manager and worker know each other by
them, and commands find the manager by the context that is left for them."""

import os
import pathlib
import re
import subprocess

import pytest

from deploy.test_terraform import script
from parts import process

# Issues as the private authority does by its template EndEntityCertificate/V1: subject and alternative names as
# asked for, and the uses of both ends of a connection.
AUTHORITY = """#!/bin/sh
set -eu
case "$2" in
  issue-certificate)
    for word in "$@"; do case "$word" in fileb://*) request=${word#fileb://} ;; esac; done
    printf 'extendedKeyUsage=serverAuth,clientAuth\\nkeyUsage=critical,digitalSignature,keyEncipherment\\n' >%(ca)s/uses
    openssl x509 -req -in "$request" -CA %(ca)s/ca.pem -CAkey %(ca)s/ca.key -days %(days)s -copy_extensions copyall \
      -extfile %(ca)s/uses -out %(ca)s/issued.pem 2>/dev/null
    echo arn:certificate ;;
  wait) ;;
  get-certificate) cat %(ca)s/issued.pem ;;
  *) exit 2 ;;
esac
"""


class Host:
    """The files of a host, in a folder in place of /etc/weir."""

    def __init__(self, role: str, folder: pathlib.Path, authority: pathlib.Path, days: int):
        self.folder = folder
        settings = "manager: [\"%s\"]\ntls: { ca: /etc/weir/tls/ca.pem, certificate: /etc/weir/tls/host.pem, key: /etc/weir/tls/host.key }\n"
        self.files = dict(re.findall(r"^cat >(\S+) <<'?\w+'?\n(.*?)^[A-Z]+$", script(role, settings), re.MULTILINE | re.DOTALL))
        (folder / "tls").mkdir(parents=True)
        programs = folder / "programs"
        programs.mkdir()
        (programs / "aws").write_text(AUTHORITY % {"ca": authority, "days": days})
        (programs / "chown").write_text("#!/bin/sh\n")  # To the user weir, who is not here.
        for program in programs.iterdir():
            program.chmod(0o755)
        (folder / "tls" / "ca.pem").write_bytes((authority / "ca.pem").read_bytes())

    def text(self, name: str) -> str:
        return self.files[name].replace("/etc/weir", str(self.folder))

    def have_certificate(self) -> str:
        """As the timer does; the certificate's serial number."""
        environment = {**os.environ, "PATH": f"{self.folder}/programs:{os.environ['PATH']}"}
        subprocess.run(["sh", "-c", self.text("/usr/local/sbin/weir-certificate")], check=True, env=environment,
                       capture_output=True, timeout=60)
        shown = subprocess.run(["openssl", "x509", "-in", self.folder / "tls" / "host.pem", "-noout", "-serial"],
                               check=True, capture_output=True, text=True, timeout=60)
        return shown.stdout


@pytest.fixture
def authority(tmp_path) -> pathlib.Path:
    folder = tmp_path / "authority"
    folder.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "ca.key", "-out",
                    folder / "ca.pem", "-days", "10", "-subj", "/CN=weir authority"],
                   check=True, capture_output=True, timeout=60)
    return folder


@pytest.mark.parametrize("days, renewed", [(60, False), (10, True)])
def test_a_certificate_is_renewed_in_its_last_days(authority, tmp_path, days, renewed):
    host = Host("worker", tmp_path / "host", authority, days)
    first = host.have_certificate()
    assert (host.have_certificate() != first) == renewed
    left = {file.name for file in (tmp_path / "host" / "tls").iterdir()}
    assert left == {"ca.pem", "host.pem", "host.key"}
    assert (tmp_path / "host" / "tls" / "host.key").stat().st_mode & 0o077 == 0


def test_manager_and_worker_know_each_other(authority, tmp_path, weir_binary):
    hosts = {role: Host(role, tmp_path / role, authority, 60) for role in ("manager", "worker")}
    address, api = (f"127.0.0.1:{process.free_port()}" for _ in range(2))
    started = []
    try:
        for role, host in hosts.items():
            host.have_certificate()
            config = host.folder / "weir.yaml"
            config.write_text(host.text("/etc/weir/weir.yaml") % address)
            own = ["--listen", address, "--http", api] if role == "manager" else ["--checkpoint-store", tmp_path / "checkpoints"]
            started.append(process.start([weir_binary, role, "--config", config, "--state-dir", tmp_path / f"{role}-state", *own],
                                         tmp_path / f"{role}.log"))
        context = hosts["manager"].folder / "contexts.yaml"
        context.write_text(hosts["manager"].text("/etc/weir/contexts.yaml").replace("127.0.0.1:9280", api))
        context_of = dict(re.findall(r"(WEIR_\w+)=(\S+)", hosts["manager"].text("/etc/profile.d/weir.sh")))

        def seen() -> bool:
            listed = subprocess.run([weir_binary, "workers"], capture_output=True, text=True, timeout=60,
                                    env={**os.environ, **context_of})
            return listed.returncode == 0 and len(listed.stdout.splitlines()) == 2

        process.wait_until(seen, 60, "the worker has its session")
    finally:
        for one in started:
            one.kill()
            one.wait()
