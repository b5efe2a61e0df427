"""The connectors' own cases that want a broker; without one they are hidden."""

import os
import pathlib
import re
import subprocess


def test_connectors_on_a_broker(kafka, weir_binary: pathlib.Path) -> None:
    program = weir_binary.with_name("connectors_test")
    done = subprocess.run([program, "[broker]"], capture_output=True, text=True, errors="replace",
                          env={**os.environ, "WEIR_TEST_BOOTSTRAP": kafka.bootstrap}, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]
    passed = re.search(r"All tests passed \(\d+ assertions in (\d+) test cases\)", done.stdout)
    assert passed and int(passed[1]) > 15, done.stdout[-6000:]
