"""What is shipped holds no switch that makes weir break its protocol."""

import subprocess

import pytest

SWITCHES = [b"WEIR_FAILPOINTS", b"WEIR_FAILPOINT_LOG", b"WEIR_MUTANT"]


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda s: s.decode())
def test_switches_of_tests_are_not_in_the_release(switch, repository, weir_binary):
    # That it is in the testing build shows that looking for it means something.
    assert switch in weir_binary.read_bytes()
    assert switch not in (repository / "build" / "release" / "weir").read_bytes()


def test_it_needs_nothing_from_the_cache(repository):
    binary = repository / "build" / "release" / "weir"
    needed = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    assert "not found" not in needed
    assert all("/lib/" in line.split("=>")[1] for line in needed.splitlines() if "=>" in line), needed
