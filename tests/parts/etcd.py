"""A real etcd for tests, of Debian's package (debian.unpack("etcd-server") first).

    with Etcd(directory) as etcd:
        etcd.endpoint       # http://127.0.0.1:…
        etcd.stop(); etcd.start()
"""

import base64
import json
import pathlib
import subprocess
import urllib.request

from parts import process

BINARY = process.PARTS_CACHE / "etcd-server" / "usr" / "bin" / "etcd"


class Etcd:
    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.endpoint = f"http://127.0.0.1:{process.free_port()}"
        self.peer = f"http://127.0.0.1:{process.free_port()}"
        self.server: subprocess.Popen | None = None

    def __enter__(self) -> "Etcd":
        self.directory.mkdir(parents=True, exist_ok=True)
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> "Etcd":
        self.server = process.start(
            [BINARY, "--name", "one", "--data-dir", self.directory / "data", "--listen-client-urls", self.endpoint,
             "--advertise-client-urls", self.endpoint, "--listen-peer-urls", self.peer,
             "--initial-advertise-peer-urls", self.peer, "--initial-cluster", f"one={self.peer}"],
            self.directory / "log")
        process.wait_until(self.healthy, 30, "etcd is healthy")
        return self

    def stop(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None

    def healthy(self) -> bool:
        assert self.server is not None and self.server.poll() is None, (self.directory / "log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.endpoint}/health", timeout=2) as page:
                return json.load(page).get("health") == "true"
        except OSError:
            return False

    def get(self, key: str) -> str | None:
        """By its gateway, as any client would."""
        ask = json.dumps({"key": base64.b64encode(key.encode()).decode()}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/v3/kv/range", data=ask),
                                    timeout=5) as page:
            found = json.load(page).get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else None
