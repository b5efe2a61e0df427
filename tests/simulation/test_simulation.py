"""The simulator of the manager's cluster as a program: what one test case in a process can't show, and
the long campaign. The simulator itself is simulation_test.cc."""

import os
import pathlib
import subprocess

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "testing" / "simulation_test"
RULES = "the manager's rules hold whatever happens to its cluster"


def simulate(**variables) -> str:
    done = subprocess.run([PROGRAM, RULES], env={**os.environ, **variables}, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_a_seed_has_one_history_in_every_process():
    first = simulate(WEIR_SIMULATION_SEED="7")
    assert first.count("\n") > 200 and first == simulate(WEIR_SIMULATION_SEED="7")
    assert first != simulate(WEIR_SIMULATION_SEED="8")


@pytest.mark.soak
def test_many_seeds():
    """WEIR_SIMULATION_SEEDS says how many."""
    seeds = os.environ.get("WEIR_SIMULATION_SEEDS", "20000")
    told = simulate(WEIR_SIMULATION_SEEDS=seeds)
    assert f"\n{seeds} seeds\n" in told
    print("\n" + told)
