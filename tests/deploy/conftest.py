"""The packages, made once of the release binary, and a machine that they are installed on."""

import os
import pathlib
import shutil
import subprocess

import pytest

from parts import systemd

EPOCH = "1700000000"


def make_packages(repository: pathlib.Path, folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The packages by name."""
    binary = repository / "build" / "release" / "weir"
    assert binary.exists(), f"{binary} is not there: ./dev build release weir"
    done = subprocess.run([repository / "deploy" / "deb" / "build.sh", binary, folder], capture_output=True,
                          text=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, timeout=600)
    assert done.returncode == 0, done.stderr
    made = [pathlib.Path(line) for line in done.stdout.splitlines()]
    return {path.name.split("_")[0]: path for path in made}


@pytest.fixture(scope="session")
def packages(repository, tmp_path_factory) -> dict[str, pathlib.Path]:
    return make_packages(repository, tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def package(packages) -> pathlib.Path:
    return packages["weir"]


@pytest.fixture(scope="session")
def installed_root(package, tmp_path_factory) -> pathlib.Path:
    """A folder with the package's files and this machine's units, for tools that look at units."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True,
                    dirs_exist_ok=True)
    return root


@pytest.fixture(scope="module")
def machine(package, tmp_path_factory):
    """Booted, with the package installed and nothing of it started."""
    try:
        systemd.check_available()
    except systemd.Unavailable as reason:
        pytest.skip(str(reason))
    with systemd.Machine(tmp_path_factory.mktemp("systemd")) as booted:
        booted.write("/weir.deb", package.read_bytes())
        installed = booted.run("dpkg", "-i", "/weir.deb")
        booted.said_at_install = installed.stdout
        yield booted
