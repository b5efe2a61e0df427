"""What `weir validate` says of faulty jobs: errors/types/*.yaml, each with its .err beside it.

WEIR_REWRITE=1 writes the .err files anew; read the difference in git before you believe it. (Faults
of the file's structure are pinned by config's own tests, in errors/structure.)
"""

import os
import pathlib

import pytest

from e2e.weir import USAGE, call

FOLDER = pathlib.Path(__file__).parent / "errors" / "types"
JOBS = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_faults_are_told(path: pathlib.Path, weir_binary: pathlib.Path) -> None:
    done = call("validate", path.name, cwd=FOLDER)
    assert done.code == USAGE, done.show()
    assert done.out == "", "faults belong on standard error"
    stored = path.with_suffix(".err")
    if os.environ.get("WEIR_REWRITE"):
        stored.write_text(done.log)
    assert done.log == stored.read_text()


def test_there_are_faulty_jobs() -> None:
    assert len(JOBS) >= 10
    assert {p.stem for p in JOBS} == {p.stem for p in FOLDER.glob("*.err")}
