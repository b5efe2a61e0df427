"""A real schema registry with Confluent's API for tests and `./dev parts up registry`: Apicurio, which keeps
what it is given in memory.

    with Registry(directory) as registry:
        registry.url                       # http://127.0.0.1:…/apis/ccompat/v7
        registry.stop(); registry.start()  # It has forgotten everything.
"""

import argparse
import fcntl
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.request

from parts import process

# The last that runs on Java 17, which Debian 12 has; on 21 it runs, too.
VERSION = "2.6.13.Final"
HOME = process.PARTS_CACHE / f"apicurio-{VERSION}"
PROGRAM = f"apicurio-registry-app-{VERSION}-runner.jar"
ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


def install() -> pathlib.Path:
    """Fetches it into the cache, once; safe to call from several processes."""
    program = HOME / "app" / PROGRAM
    if program.exists():
        return program
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return program
        if not shutil.which("mvn") or not shutil.which("java"):
            raise RuntimeError("a schema registry needs java and mvn: ./dev parts up registry installs both")
        done = subprocess.run(
            ["mvn", "-q", "-B", f"-Dmaven.repo.local={process.CACHE / 'm2'}", MAVEN_COPY, f"-Dartifact={ARTIFACT}",
             f"-DoutputDirectory={HOME}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"fetching Apicurio failed:\n{done.stdout[-3000:]}")
        fresh = HOME / "app.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for archive in HOME.glob("*.tar.gz"):
            subprocess.run(["tar", "-xzf", archive, "-C", fresh], check=True)
            archive.unlink()
        fresh.rename(HOME / "app")
    return program


class Registry:
    """One server. It keeps its port over restarts, and nothing else."""

    def __init__(self, directory: pathlib.Path, outlive: bool = False):
        self.directory = directory
        self.port = process.free_port()
        self._outlive = outlive
        self._process = None
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    def start(self) -> "Registry":
        self._process = process.start(
            ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dquarkus.http.host=127.0.0.1",
             f"-Dquarkus.http.port={self.port}", "-jar", install()],
            self.directory / "log", outlive=self._outlive, cwd=self.directory)
        (self.directory / "pid").write_text(str(self._process.pid))

        def up():
            if self._process.poll() is not None:
                raise RuntimeError(f"the registry ended:\n{process.tail(self.directory / 'log')}")
            try:
                with urllib.request.urlopen(f"{self.url}/subjects", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False

        process.wait_until(up, 120, "the registry answers")
        return self

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)

    def __enter__(self) -> "Registry":
        return self.start()

    def __exit__(self, *_):
        self.stop()


def main():
    """`./dev parts up|down registry`: a server that stays when the command ends."""
    parser = argparse.ArgumentParser(prog="parts.registry")
    parser.add_argument("action", choices=["install", "up", "down"])
    parser.add_argument("--dir", type=pathlib.Path, default=process.PARTS_CACHE / "run" / "registry")
    arguments = parser.parse_args()
    if arguments.action == "install":
        print(install())
        return
    process.end_earlier(arguments.dir, PROGRAM.encode())
    if arguments.action == "down":
        return
    print(f"export WEIR_REGISTRY={Registry(arguments.dir, outlive=True).start().url}")


if __name__ == "__main__":
    sys.exit(main())
