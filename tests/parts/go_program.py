"""Programs of Go modules for tests, pinned, built once into the cache."""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess

from parts import process

NEWER_FETCH_THEMSELVES = (1, 21)


class Unavailable(RuntimeError):
    """It cannot be had here; the message says why."""


def _go(home: pathlib.Path, environment: dict, toolchain: str) -> str:
    """A go that can build it. One that is older than `toolchain` cannot fetch that by itself."""
    go = shutil.which("go")
    if go is None:
        raise Unavailable("there is no go")
    said = subprocess.run([go, "version"], capture_output=True, text=True).stdout
    version = tuple(int(part) for part in re.search(r"go(\d+)\.(\d+)", said).groups())
    if version >= NEWER_FETCH_THEMSELVES:
        return go
    module = f"golang.org/toolchain@v0.0.1-{toolchain}.linux-amd64"
    fetched = subprocess.run([go, "mod", "download", module], cwd=home, env=environment,
                             capture_output=True, text=True)
    root = pathlib.Path(environment["GOPATH"]) / "pkg" / "mod" / module
    if fetched.returncode != 0 or not root.is_dir():
        raise Unavailable(f"go {version} cannot fetch {toolchain}: {fetched.stderr[-300:]}")
    for program in [*(root / "bin").iterdir(), *(root / "pkg" / "tool").rglob("*")]:
        program.chmod(0o755)
    return str(root / "bin" / "go")


def build(module: str, version: str, toolchain: str) -> pathlib.Path:
    """The program of a module's package, named as its last part. Safe to call from several processes."""
    name = module.rpartition("/")[2]
    home = process.PARTS_CACHE / f"{name}-{version}"
    binary = home / name
    if binary.exists():
        return binary
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if binary.exists():
            return binary
        work = home / "work"
        environment = {**os.environ, "GOPATH": str(work / "path"), "GOCACHE": str(work / "cache"),
                       "GOBIN": str(work / "bin"), "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "auto"}
        try:
            done = subprocess.run([_go(home, environment, toolchain), "install", f"{module}@v{version}"],
                                  cwd=home, env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise Unavailable(f"building {module} failed: {done.stderr[-500:]}")
            (work / "bin" / name).rename(binary)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return binary
