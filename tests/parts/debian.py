"""Programs of Debian's packages for tests, unpacked into the cache and not installed: an installed server
would start a service of its own on the developer's machine."""

import fcntl
import pathlib
import shutil
import subprocess

from parts import process


class Unavailable(RuntimeError):
    """It cannot be had here; the message says why."""


def unpack(package: str) -> pathlib.Path:
    """The folder in which the package's files lie as they would under /. Fetched once; safe to call from
    several processes."""
    home = process.PARTS_CACHE / package
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (home / "complete").exists():
            return home
        if shutil.which("apt-get") is None:
            raise Unavailable("there is no apt-get")
        fetched = subprocess.run(["apt-get", "-q", "download", package], cwd=home, stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True)
        files = list(home.glob(f"{package}_*.deb"))
        if fetched.returncode != 0 or not files:
            raise Unavailable(f"apt-get download {package} failed: {fetched.stderr[-300:]}")
        subprocess.run(["dpkg-deb", "-x", files[0], home], check=True)
        files[0].unlink()
        (home / "complete").touch()
    return home
