"""The connectors' own cases that want a broker: beside the code they are skipped without one."""

import os
import pathlib
import subprocess


def test_connectors_on_a_broker(kafka, weir_binary: pathlib.Path) -> None:
    program = weir_binary.with_name("connectors_test")
    done = subprocess.run([program], env={**os.environ, "WEIR_TEST_BOOTSTRAP": kafka.bootstrap},
                          capture_output=True, text=True, errors="replace", timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "skipped: WEIR_TEST_BOOTSTRAP" not in done.stdout + done.stderr
