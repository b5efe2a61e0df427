"""The program under test, run as a user runs it: a process with flags, a log and an exit status."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]

DONE, FAILED, USAGE, DECISION, GAVE_UP, INTERRUPTED = 0, 1, 2, 3, 4, 130


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


@dataclass
class Weir:
    """`weir run` with a state directory that outlives the process: start it, kill it, start it again.

    Everything that it logs over all its lives is in `log_path`; failpoints that acted are in
    `hits_path`, one name a line.
    """

    job: pathlib.Path
    work: pathlib.Path
    variables: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    flags: Sequence[str] = ()
    mutant: str | None = None
    state_name: str = "state"

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        self.state = self.work / self.state_name
        self.checkpoints = self.state  # Where a folder with the job's checkpoints lies.
        self.log_path = self.work / f"{self.state_name}.log"
        self.out_path = self.work / f"{self.state_name}.out"
        self.hits_path = self.work / "hits"
        self.report_path = self.work / f"{self.state_name}.report.json"
        self._process: subprocess.Popen | None = None
        self._log_start = 0
        self.starts = 0

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
        assert self._process is None or self._process.poll() is not None, "still running"
        env = {**os.environ, "WEIR_FAILPOINT_LOG": str(self.hits_path)}
        for name, value in (("WEIR_FAILPOINTS", failpoints), ("WEIR_MUTANT", mutant or self.mutant)):
            env.pop(name, None)
            if value:
                env[name] = value
        if "engine.source.poll" in failpoints:
            env["WEIR_POLL_ROWS"] = "300"  # A slowed source gives little at a time, too.
        self.report_path.unlink(missing_ok=True)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self._process = subprocess.Popen(self.command(sets, flags), stdin=subprocess.DEVNULL,
                                             stdout=out, stderr=log, env=env)
        self.starts += 1
        return self

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
        assert self._process is not None
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"weir did not end within {timeout_s} s:\n{self.log()[-6000:]}") from None
        report = None
        if self.report_path.exists():
            with contextlib.suppress(ValueError):
                report = json.loads(self.report_path.read_text())
        out = self.out_path.read_text(errors="replace")
        return Finished(code, out, self.log(), report)

    def run(self, failpoints: str = "", timeout_s: float = 60, **options) -> Finished:
        return self.start(failpoints, **options).wait(timeout_s)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(30)

    def stop(self, timeout_s: float = 60) -> Finished:
        """SIGTERM: a savepoint and a clean end."""
        self._signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.running:
            assert self._process is not None
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def hits(self) -> list[str]:
        return self.hits_path.read_text().split() if self.hits_path.exists() else []

    def stopped_in_kernel(self) -> bool:
        """Whether a failpoint's SIGSTOP holds the process."""
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
            return status.rsplit(")", 1)[1].split()[0] == "T"
        return False

    def wait_log(self, text: str, timeout_s: float = 30) -> str:
        """The first line since the last start that has `text` in it."""
        deadline = time.monotonic() + timeout_s
        while True:
            for line in self.log().splitlines():
                if text in line:
                    return line
            if not self.running or time.monotonic() > deadline:
                state = "runs" if self.running else "has ended"
                raise AssertionError(f"no line with '{text}'; weir {state}:\n{self.log()[-6000:]}")
            time.sleep(0.05)

    def manifests(self) -> list[int]:
        """Numbers of the checkpoints that are there, oldest first."""
        return sorted(int(path.parent.name) for path in self.checkpoints.rglob("checkpoints/*/manifest"))
