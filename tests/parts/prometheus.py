"""A real Prometheus for tests, of Debian's package (debian.unpack("prometheus") first).

    with Prometheus(directory, {"weir": ["127.0.0.1:9280"]}) as prometheus:
        prometheus.value('sum(up{job="weir"})')
"""

import json
import pathlib
import subprocess
import urllib.parse
import urllib.request

from parts import process

HOME = process.PARTS_CACHE / "prometheus"
BINARY, TOOL = HOME / "usr" / "bin" / "prometheus", HOME / "usr" / "bin" / "promtool"


def faults_of(text: str) -> str:
    """What promtool finds wrong with a page of metrics; empty: nothing."""
    checked = subprocess.run([TOOL, "check", "metrics"], input=text, capture_output=True, text=True)
    return (checked.stdout + checked.stderr).strip()


class Prometheus:
    """Scrapes `targets`, addresses by job, twice a second."""

    def __init__(self, directory: pathlib.Path, targets: dict):
        self.directory = directory
        self.address = f"127.0.0.1:{process.free_port()}"
        self.targets = targets

    def __enter__(self) -> "Prometheus":
        self.directory.mkdir(parents=True, exist_ok=True)
        config = {"global": {"scrape_interval": "500ms"},
                  "scrape_configs": [{"job_name": job, "static_configs": [{"targets": addresses}]}
                                     for job, addresses in self.targets.items()]}
        file = self.directory / "prometheus.yml"
        file.write_text(json.dumps(config))
        self.server = process.start([BINARY, f"--config.file={file}", f"--web.listen-address={self.address}",
                                     f"--storage.tsdb.path={self.directory / 'data'}"], self.directory / "log")
        process.wait_until(self.ready, 30, "Prometheus is ready")
        return self

    def __exit__(self, *_) -> None:
        self.server.kill()
        self.server.wait()

    def ready(self) -> bool:
        assert self.server.poll() is None, (self.directory / "log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def ask(self, path: str, **parameters: str) -> dict:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{query}", timeout=10) as page:
            return json.load(page)["data"]

    def health(self) -> dict:
        """("up", "") or what is wrong, by address."""
        return {target["discoveredLabels"]["__address__"]: (target["health"], target["lastError"])
                for target in self.ask("targets")["activeTargets"]}

    def values(self, query: str) -> list:
        """(labels, value) of each series of an instant query."""
        return [(series["metric"], float(series["value"][1])) for series in self.ask("query", query=query)["result"]]

    def value(self, query: str) -> float | None:
        """That of the one series; nothing where there is none."""
        values = self.values(query)
        assert len(values) <= 1, f"{query}: {values}"
        return values[0][1] if values else None
