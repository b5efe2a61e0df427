"""A machine to install things on: systemd as the first process of a container, over this machine's own
files, which it sees but does not change.

    with Machine(directory) as machine:
        machine.write("/etc/weir/weir.yaml", "slots: 3")
        machine.run("systemctl", "start", "weir-worker")

The mounts and the machine live in a mount namespace of their own and go with it. The network is its own
loopback. Needs root and Debian's systemd-container. Memory limits of units are not kept in it where the
host has cgroups of version 1; all else of a unit is real.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import psutil

from parts import process

# Only what a service needs is started: nothing that the host has enabled.
TARGET = "weir-test.target"
BOOT = f"""
set -eu
mount -t tmpfs weir-test "$1"
mkdir "$1/upper" "$1/work" "$1/merged"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/merged"
rm -f "$1/merged/etc/systemd/system/multi-user.target.wants/"* "$1/merged/etc/systemd/system/timers.target.wants/"*
cat >"$1/merged/etc/systemd/system/{TARGET}" <<TEXT
[Unit]
Requires=basic.target dbus.service
After=basic.target
TEXT
# Units may ask for more than a process of the host has.
ulimit -Hn 524288 2>/dev/null && ulimit -Sn 524288 || true
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --link-journal=no \\
  --machine="weir-test-$$" -D "$1/merged" -b systemd.unit={TARGET}
"""


class Unavailable(RuntimeError):
    """Such a machine cannot be had here; the message says why."""


def check_available() -> None:
    if os.geteuid() != 0:
        raise Unavailable("a machine with systemd needs root")
    if shutil.which("systemd-nspawn") is None:
        raise Unavailable("there is no systemd-nspawn (apt-get install systemd-container)")
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "weir-test", "/mnt"],
                           capture_output=True, text=True)
    if tried.returncode != 0:
        raise Unavailable(f"this root may not mount: {tried.stderr.strip()}")


class Machine:
    def __init__(self, directory: pathlib.Path):
        check_available()
        self._directory = directory / "machine"
        self._directory.mkdir(parents=True)
        self.console = directory / "console.log"
        self._nspawn: subprocess.Popen | None = None
        self._init = 0

    def __enter__(self) -> "Machine":
        self._nspawn = process.start(
            ["unshare", "--mount", "sh", "-c", BOOT, "sh", str(self._directory)], self.console)
        try:
            self._init = process.wait_until(self._first_process, 60, "the machine has a first process")
            process.wait_until(self._is_up, 120, "the machine is up")
        except TimeoutError as late:
            self._end()
            raise AssertionError(f"{late}:\n{process.tail(self.console)}") from None
        return self

    def __exit__(self, *_) -> None:
        self._end()

    def _first_process(self) -> int | None:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise AssertionError(f"systemd-nspawn has ended:\n{process.tail(self.console)}")
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self._nspawn.pid).children(recursive=True):
                if child.name() == "systemd":
                    return child.pid
        return None

    def _is_up(self) -> bool:
        said = self.run("systemctl", "is-active", TARGET, check=False).stdout.strip()
        return said == "active"

    def _end(self) -> None:
        """At once: what is thrown away need not be shut down."""
        with contextlib.suppress(ProcessLookupError):
            if self._init:
                os.kill(self._init, signal.SIGKILL)
        if self._nspawn is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(20)
            if self._nspawn.poll() is None:
                self._nspawn.kill()
                self._nspawn.wait(20)

    # --- what is done on it ---------------------------------------------------------------------

    def path(self, inside: str) -> pathlib.Path:
        """Where a file of the machine is seen from outside."""
        return pathlib.Path(f"/proc/{self._init}/root") / inside.lstrip("/")

    def write(self, inside: str, text: str | bytes) -> None:
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def run(self, *command: str, check: bool = True, timeout_s: float = 120,
            **environment: str) -> subprocess.CompletedProcess:
        """Runs a command in all of the machine's namespaces, as its root."""
        words = ["nsenter", "-t", str(self._init), "-m", "-u", "-i", "-n", "-p", "-C", "--wd=/", "env", "-i",
                 "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LANG=C.UTF-8",
                 *(f"{name}={value}" for name, value in environment.items()), *command]
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=timeout_s, errors="replace")
        assert not check or done.returncode == 0, (
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    # --- its services ---------------------------------------------------------------------------

    def show(self, unit: str, name: str) -> str:
        """A property of a unit, as `systemctl show` tells it."""
        return self.run("systemctl", "show", unit, "-P", name).stdout.strip()

    def journal(self, unit: str) -> str:
        """What a unit has said, with what systemd said of it."""
        return self.run("journalctl", "-u", unit, "--no-pager", "-o", "cat").stdout

    def start(self, unit: str, timeout_s: float = 120) -> None:
        """Until it is ready."""
        done = self.run("systemctl", "start", unit, check=False, timeout_s=timeout_s)
        assert done.returncode == 0, f"{unit} did not start: {done.stderr}\n{self.journal(unit)[-4000:]}"

    def wait_until(self, condition, timeout_s: float, what: str, *units: str):
        """As process.wait_until; that it takes too long is told with what the units say."""
        try:
            return process.wait_until(condition, timeout_s, what)
        except TimeoutError as late:
            said = "".join(f"--- {unit}\n{self.journal(unit)[-3000:]}" for unit in units)
            raise AssertionError(f"{late}\n{said}") from None
