"""The program under test, run as a user runs it: a process with flags, a log and an exit status."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from e2e import manifest
from parts import process

ROOT = pathlib.Path(__file__).resolve().parents[2]

DONE, FAILED, USAGE, DECISION, GAVE_UP, INTERRUPTED = 0, 1, 2, 3, 4, 130

Value = TypeVar("Value")


def binary() -> pathlib.Path:
    """The build with failpoints and mutants: $WEIR_BINARY, or build/testing/weir."""
    return pathlib.Path(os.environ.get("WEIR_BINARY") or ROOT / "build" / "testing" / "weir")


@dataclass
class Finished:
    """A process that has ended. A negative `code` is the signal that ended it."""

    code: int
    out: str
    log: str
    report: dict | None = None

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    def codes(self) -> list[str]:
        """weir's own error codes that it told, in order."""
        return re.findall(r"WEIR-[A-Z]\d{3}", self.log + self.out)

    def show(self) -> str:
        return f"exit {self.code}\n{self.out[-2000:]}\n{self.log[-6000:]}"


def call(*arguments: str | pathlib.Path, timeout_s: float = 60, env: Mapping[str, str] | None = None,
         cwd: pathlib.Path | None = None) -> Finished:
    """Runs a command of weir to its end."""
    done = subprocess.run(
        [binary(), *arguments], capture_output=True, text=True, timeout=timeout_s, cwd=cwd,
        stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, errors="replace")
    return Finished(done.returncode, done.stdout, done.stderr)


class Watched:
    """What runs and logs, and is waited for."""

    @property
    def running(self) -> bool:
        raise NotImplementedError

    def log(self) -> str:
        """What it said since its last start."""
        raise NotImplementedError

    def wait_until(self, condition: Callable[[], Value], timeout_s: float, what: str) -> Value:
        """Polls `condition` until it returns something true, and returns that. That it does not in time,
        or that weir ends without it, is a failure of the test."""
        def met() -> Value:
            running = self.running  # Asked first: what it did before its end counts.
            value = condition()
            assert value or running, f"weir has ended and still not: {what}\n{self.log()[-6000:]}"
            return value

        try:
            return process.wait_until(met, timeout_s, what)
        except TimeoutError as late:
            raise AssertionError(f"{late}; weir runs:\n{self.log()[-6000:]}") from None

    def wait_log(self, text: str, timeout_s: float = 30) -> str:
        """The first line since the last start that has `text` in it."""
        return self.wait_until(
            lambda: next((line for line in self.log().splitlines() if text in line), ""),
            timeout_s, f"a line with '{text}'")


class Process(Watched):
    """A process of weir that is started, killed and started again. What it logs over all its lives is in
    `log_path`; failpoints that acted, in it or in others of `work`, are in `hits_path`, one name a
    line."""

    started: ClassVar[list[subprocess.Popen]] = []  # By anybody, for kill_started.

    def __init__(self, work: pathlib.Path, name: str) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.log_path = work / f"{name}.log"
        self.out_path = work / f"{name}.out"
        self.hits_path = work / "hits"
        self._process: subprocess.Popen | None = None
        self._log_start = 0
        self._hits_start = 0
        self.starts = 0

    def launch(self, command: Sequence[str], failpoints: str = "", mutant: str | None = None) -> None:
        assert self._process is None or self._process.poll() is not None, "still running"
        env = {**os.environ, "WEIR_FAILPOINT_LOG": str(self.hits_path)}
        for name, value in (("WEIR_FAILPOINTS", failpoints), ("WEIR_MUTANT", mutant)):
            env.pop(name, None)
            if value:
                env[name] = value
        if "engine.source.poll" in failpoints:
            env["WEIR_POLL_ROWS"] = "300"  # A slowed source gives little at a time, too.
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._hits_start = len(self.hits())
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                             stderr=log, env=env, preexec_fn=process.end_with_us())
        self.started.append(self._process)
        self.starts += 1

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What the process said since its last start."""
        if not self.log_path.exists():
            return ""
        with open(self.log_path, "rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def whole_log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait(self, timeout_s: float = 60) -> Finished:
        """Its end. One that does not end in time is killed, and that is a failure of the test."""
        if not self.ends_within(timeout_s):
            self.kill()
            raise AssertionError(f"weir did not end within {timeout_s} s:\n{self.log()[-6000:]}")
        assert self._process is not None
        out = self.out_path.read_text(errors="replace")
        return Finished(self._process.returncode, out, self.log())

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself in that time; if not it goes on."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.running

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(30)

    def stop(self, timeout_s: float = 60) -> Finished:
        """SIGTERM: a last checkpoint and a clean end."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    @classmethod
    def kill_started(cls) -> None:
        """Kills all that still runs."""
        while cls.started:
            left = cls.started.pop()
            left.kill()
            left.wait(30)

    def signal(self, number: int) -> None:
        if self.running:
            assert self._process is not None
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def hits(self) -> list[str]:
        return self.hits_path.read_text().split() if self.hits_path.exists() else []

    def wait_hit(self, timeout_s: float = 30) -> None:
        """Until a failpoint has acted since the last start."""
        self.wait_until(lambda: len(self.hits()) > self._hits_start, timeout_s, "a failpoint is passed")

    def wait_stopped(self, timeout_s: float = 20) -> None:
        """Until a failpoint's SIGSTOP holds the process."""
        self.wait_until(self._stopped_in_kernel, timeout_s, "a failpoint holds the process")

    def _stopped_in_kernel(self) -> bool:
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
            return status.rsplit(")", 1)[1].split()[0] == "T"
        return False


@dataclass
class Weir(Process):
    """`weir run` with a state directory that outlives the process."""

    job: pathlib.Path
    work: pathlib.Path
    variables: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    flags: Sequence[str] = ()
    mutant: str | None = None
    state_name: str = "state"

    def __post_init__(self) -> None:
        super().__init__(self.work, self.state_name)
        self.state = self.work / self.state_name
        self.checkpoints = self.state  # Where a folder with the job's checkpoints lies.
        self.report_path = self.work / f"{self.state_name}.report.json"
        self.metrics_address = ""

    def command(self, sets: Mapping[str, str] | None = None, flags: Sequence[str] = ()) -> list[str]:
        words = [str(binary()), "run", str(self.job), "--state-dir", str(self.state),
                 "--report", str(self.report_path)]
        for name, value in {**self.sets, **(sets or {})}.items():
            words += ["--set", f"{name}={value}"]
        for name, value in self.variables.items():
            words += ["--var", f"{name}={value}"]
        return [*words, *self.flags, *flags]

    def start(self, failpoints: str = "", sets: Mapping[str, str] | None = None,
              flags: Sequence[str] = (), mutant: str | None = None) -> "Weir":
        self.report_path.unlink(missing_ok=True)
        self.launch(self.command(sets, flags), failpoints, mutant or self.mutant)
        return self

    def wait(self, timeout_s: float = 60) -> Finished:
        finished = super().wait(timeout_s)
        if self.report_path.exists():
            with contextlib.suppress(ValueError):
                finished.report = json.loads(self.report_path.read_text())
        return finished

    def run(self, failpoints: str = "", timeout_s: float = 60, **options) -> Finished:
        return self.start(failpoints, **options).wait(timeout_s)

    def serve_metrics(self) -> "Weir":
        """From the next start on `metric` answers."""
        self.metrics_address = f"127.0.0.1:{process.free_port()}"
        self.flags = [*self.flags, "--metrics", self.metrics_address]
        return self

    def metric(self, name: str) -> float:
        """A metric of the process, summed over its labels; 0 while nothing answers yet."""
        assert self.metrics_address, "serve_metrics comes before the start"
        try:
            with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=5) as page:
                lines = page.read().decode().splitlines()
        except OSError:
            return 0
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}[ {{]", line))

    def manifests(self) -> list[int]:
        """Numbers of the checkpoints that are there, oldest first."""
        # Not by a walk through all folders: others come and go meanwhile.
        return sorted(int(path.parent.name) for path in self.checkpoints.glob("*/checkpoints/*/manifest"))

    def newest_manifest(self) -> manifest.Manifest | None:
        return manifest.newest_there(self.checkpoints)
