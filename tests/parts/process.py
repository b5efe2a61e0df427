"""What the real servers of the tests share: the cache, free ports, processes that end with us."""

import contextlib
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

CACHE = pathlib.Path(os.environ.get("WEIR_CACHE") or pathlib.Path.home() / ".cache" / "weir")
PARTS_CACHE = CACHE / "parts"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_given_ports = set()


def own_ports() -> range:
    """Of this process: tests that run side by side choose from ports that are theirs alone, since a
    server of one may be down for a while. All lie below the range that outgoing connections take
    theirs from."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    lane = int(worker.removeprefix("gw")) + 1 if worker else 0
    assert lane < 8, "more test processes than there are ports for"
    return range(20000 + 1500 * lane, 20000 + 1500 * (lane + 1))


def free_port() -> int:
    """A port nothing listens on, and that nobody else is given: a server which is stopped for a
    while finds its port free when it comes back."""
    for _ in range(1000):
        port = random.choice(own_ports())
        if port in _given_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given_ports.add(port)
        return port
    raise RuntimeError(f"no free port in {own_ports()}")


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def dialled_from(port: int, pids) -> int | None:
    """Which of those processes has a connection that it dialled from that local port."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for pid in pids:
        with contextlib.suppress(OSError):  # It may be gone.
            for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor) in inodes:
                        return pid
    return None


def wait_until(condition, timeout_s: float, what: str, every_s: float = 0.05):
    """Polls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout_s:.0f} s still not: {what}")
        time.sleep(every_s)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_us():
    """For `preexec_fn`: the kernel kills the process when we end, however we end. (The kernel means the
    starting *thread*: only the main one asks.)"""
    return _die_with_parent if threading.current_thread() is threading.main_thread() else None


def start(command, log: pathlib.Path, outlive: bool = False, **options) -> subprocess.Popen:
    """Starts a server with its output in `log`. Unless it is to `outlive` us it ends with us."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=None if outlive else end_with_us(),
            **options,
        )


def end_earlier(directory: pathlib.Path, mark: bytes) -> None:
    """Ends the server that an earlier `./dev parts up` left running, and forgets its data. Its pid counts
    only while that process's command holds `mark`."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        pid = int((directory / "pid").read_text())
        if mark in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def tail(log: pathlib.Path, lines: int = 30) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"
