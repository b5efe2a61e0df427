"""What is in the Debian packages, and what they say of themselves."""

import hashlib
import pathlib
import re
import subprocess

import pytest

from deploy.conftest import make_packages

UNITS = ["weir-manager.service", "weir-worker.service", "weir-run@.service"]


def field(package: pathlib.Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", package, name], check=True, capture_output=True, text=True).stdout.strip()


def listed(package: pathlib.Path) -> dict[str, str]:
    """Mode and owner by path, without folders."""
    lines = subprocess.run(["dpkg-deb", "-c", package], check=True, capture_output=True, text=True).stdout.splitlines()
    cells = [line.split(maxsplit=5) for line in lines]
    return {cell[5].split(" -> ")[0][1:]: f"{cell[0]} {cell[1]}" for cell in cells if not cell[0].startswith("d")}


def unpacked(package: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return folder


def test_the_same_binary_makes_the_same_bytes(packages, repository, tmp_path):
    again = make_packages(repository, tmp_path)
    assert sorted(again) == sorted(packages) == ["weir", "weir-dbgsym"]
    for name, path in packages.items():
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again[name].read_bytes()).digest(), name


def test_what_is_installed(package):
    files = listed(package)
    wanted = ["/usr/bin/weir", "/etc/weir/weir.yaml", "/usr/lib/sysusers.d/weir.conf",
              "/usr/share/bash-completion/completions/weir", "/usr/share/zsh/vendor-completions/_weir",
              "/usr/share/fish/vendor_completions.d/weir.fish", "/usr/share/doc/weir/copyright",
              "/usr/share/doc/weir/changelog.Debian.gz", "/usr/share/doc/weir/install.md",
              *(f"/usr/lib/systemd/system/{unit}" for unit in UNITS)]
    assert [path for path in wanted if path not in files] == []
    assert {mode.split()[1] for mode in files.values()} == {"root/root"}
    assert files["/usr/bin/weir"].startswith("-rwxr-xr-x")
    assert files["/etc/weir/weir.yaml"].startswith("-rw-r-----")


def test_settings_are_kept_when_it_is_upgraded(package, tmp_path):
    subprocess.run(["dpkg-deb", "-e", package, tmp_path], check=True)
    assert (tmp_path / "conffiles").read_text() == "/etc/weir/weir.yaml\n"


def test_it_depends_on_what_it_is_linked_with(package, repository):
    depends = field(package, "Depends")
    needed = subprocess.run(["readelf", "-d", repository / "build" / "release" / "weir"], check=True,
                            capture_output=True, text=True).stdout
    names = re.findall(r"\[lib([a-z]+)[\w.+-]*\.so", needed)
    assert {"grpc", "protobuf"} <= set(names)
    for name in ("libgrpc", "libprotobuf", "libc6 (>=", "libssl3"):
        assert name in depends
    # Static libraries, as some are on Debian 12, are none of the system's concern.
    for name in ("rdkafka", "rocksdb"):
        assert (name in depends) == (name in names)


def test_symbols_are_apart_and_are_those_of_the_binary(packages, tmp_path):
    binary = unpacked(packages["weir"], tmp_path / "weir") / "usr/bin/weir"
    sections = subprocess.run(["readelf", "-S", "-W", binary], check=True, capture_output=True, text=True).stdout
    assert ".debug_info" not in sections and ".symtab" not in sections
    notes = subprocess.run(["readelf", "-n", binary], check=True, capture_output=True, text=True).stdout
    build_id = re.search(r"Build ID: (\w+)", notes)[1]
    assert field(packages["weir-dbgsym"], "Build-Ids") == build_id
    debug = unpacked(packages["weir-dbgsym"], tmp_path / "symbols") / f"usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
    sections = subprocess.run(["readelf", "-S", "-W", debug], check=True, capture_output=True, text=True).stdout
    assert ".debug_info" in sections


def test_the_program_in_it_runs(package, tmp_path):
    binary = unpacked(package, tmp_path) / "usr/bin/weir"
    said = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout
    assert said.split()[1] == field(package, "Version").split("-")[0]


def test_lintian_finds_no_error(packages):
    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *packages.values()], capture_output=True,
                          text=True, timeout=600)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_understood(unit, installed_root):
    name = unit.replace("@.", "@first.")
    # It ends with 0 whatever it finds: what it says counts.
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={installed_root}", name],
                          capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_units_give_away_little(unit, installed_root):
    name = unit.replace("@.", "@first.")
    said = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20",
                           f"--root={installed_root}", name], capture_output=True, text=True)
    assert said.returncode == 0 and f"exposure level for {name}" in said.stdout, said.stdout + said.stderr


def test_a_broken_unit_is_found(installed_root):
    """The two checks above can fail."""
    broken = installed_root / "usr/lib/systemd/system/weir-broken.service"
    broken.write_text("[Service]\nExecStart=/usr/bin/weir manager\nProtectEverything=yes\n")
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={installed_root}", broken.name],
                          capture_output=True, text=True)
    assert "ProtectEverything" in said.stderr
    said = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20",
                           f"--root={installed_root}", broken.name], capture_output=True, text=True)
    assert said.returncode != 0
    broken.unlink()
