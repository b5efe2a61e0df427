"""A real etcd for tests, of Debian's package (debian.unpack("etcd-server") first).

    with Etcd(directory) as etcd:
        etcd.endpoint       # http://127.0.0.1:…
        etcd.stop(); etcd.start()

    with Etcd(directory, members=3) as etcd:
        etcd.kill(0)        # The others go on.

With `tls` (a certificate's files, for server and client alike) it speaks HTTPS, and only to who shows a
certificate of the same authority. After `demand_password` it wants to know who asks.
"""

import base64
import json
import pathlib
import ssl
import subprocess
import urllib.request
from collections.abc import Sequence

from parts import process

BINARY = process.PARTS_CACHE / "etcd-server" / "usr" / "bin" / "etcd"
USER = "weir"
PASSWORD = "sesame"
ROOT = ("root", "secret")


class Etcd:
    def __init__(self, directory: pathlib.Path, members: int = 1, tls=None, flags: Sequence[str] = ()):
        self.directory = directory
        self.tls = tls
        self.flags = flags
        self.endpoints = [f"{'https' if tls else 'http'}://127.0.0.1:{process.free_port()}" for _ in range(members)]
        self.peers = [f"http://127.0.0.1:{process.free_port()}" for _ in range(members)]
        self.servers: list[subprocess.Popen | None] = [None] * members
        self.password_demanded = False

    @property
    def endpoint(self) -> str:
        return self.endpoints[0]

    def __enter__(self) -> "Etcd":
        self.directory.mkdir(parents=True, exist_ok=True)
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> "Etcd":
        cluster = ",".join(f"member{i}={peer}" for i, peer in enumerate(self.peers))
        secure = ["--cert-file", self.tls.certificate, "--key-file", self.tls.key, "--client-cert-auth",
                  "--trusted-ca-file", self.tls.ca] if self.tls else []
        for i, (endpoint, peer) in enumerate(zip(self.endpoints, self.peers, strict=True)):
            if self.servers[i] is None:
                self.servers[i] = process.start(
                    [BINARY, "--name", f"member{i}", "--data-dir", self.directory / f"data{i}",
                     "--listen-client-urls", endpoint, "--advertise-client-urls", endpoint, "--listen-peer-urls", peer,
                     "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, *secure, *self.flags],
                    self._log(i))
        process.wait_until(self.healthy, 30, "etcd is healthy")
        return self

    def stop(self) -> None:
        for member in range(len(self.servers)):
            self.kill(member)

    def kill(self, member: int) -> None:
        server, self.servers[member] = self.servers[member], None
        if server is not None:
            server.kill()
            server.wait()

    def _log(self, member: int) -> pathlib.Path:
        return self.directory / f"log{member}"

    def healthy(self) -> bool:
        """All members that run."""
        for i, server in enumerate(self.servers):
            if server is None:
                continue
            assert server.poll() is None, self._log(i).read_text()[-2000:]
            try:
                with self._open(f"{self.endpoints[i]}/health") as page:
                    if json.load(page).get("health") != "true":
                        return False
            except OSError:
                return False
        return True

    # --- as any client would --------------------------------------------------------------------

    def _open(self, request: str | urllib.request.Request):
        context = None
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls.ca)
            context.load_cert_chain(self.tls.certificate, self.tls.key)
        return urllib.request.urlopen(request, timeout=5, context=context)

    def ask(self, path: str, body: dict, token: str = "") -> dict:
        """By the gateway of a member that runs."""
        member = next(i for i, server in enumerate(self.servers) if server is not None)
        request = urllib.request.Request(f"{self.endpoints[member]}{path}", data=json.dumps(body).encode(),
                                         headers={"Authorization": token} if token else {})
        with self._open(request) as page:
            return json.load(page)

    def root_token(self) -> str:
        return self.ask("/v3/auth/authenticate", {"name": ROOT[0], "password": ROOT[1]})["token"]

    def get(self, key: str) -> str | None:
        token = self.root_token() if self.password_demanded else ""
        found = self.ask("/v3/kv/range", {"key": _base64(key)}, token).get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else None

    def demand_password(self, prefix: str) -> None:
        """From everybody; USER may do all below the prefix, and nothing else."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        everything = {"permType": "READWRITE", "key": _base64(prefix), "range_end": _base64(end)}
        for name, password, role in ((*ROOT, "root"), (USER, PASSWORD, USER)):
            self.ask("/v3/auth/user/add", {"name": name, "password": password})
            self.ask("/v3/auth/role/add", {"name": role})
            self.ask("/v3/auth/user/grant", {"user": name, "role": role})
        self.ask("/v3/auth/role/grant", {"name": USER, "perm": everything})
        self.ask("/v3/auth/enable", {})
        self.password_demanded = True

    # --- as weir is told ------------------------------------------------------------------------

    def settings(self) -> str:
        """What `etcd: { … }` says of it in weir.yaml."""
        said = f"endpoints: {json.dumps(self.endpoints)}"
        if self.tls:
            said += f", ca: {self.tls.ca}, certificate: {self.tls.certificate}, key: {self.tls.key}"
        if self.password_demanded:
            (self.directory / "password").write_text(PASSWORD + "\n")
            said += f", user: {USER}, password: {{ file: {self.directory / 'password'} }}"
        return said


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
