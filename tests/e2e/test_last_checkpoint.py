"""The last checkpoint of a bounded job fails, as on a full disk: the next try ends it."""

import json
import pathlib

import pytest

from e2e.weir import Weir

JOB = """
job: last
parallelism: 2
checkpoint: { interval: 1h }
sources:
  numbers:
    files: { path: "${INPUT}" }
    format: json
    columns: { key: string, at: timestamp }
    event_time: { column: at, watermark_delay: 0s }
steps:
  counts: { from: numbers, window: { tumbling: 1s }, group_by: key, select: { key: key, n: count() } }
sinks:
  out: { from: counts, files: { path: "${OUTPUT}" }, format: json }
"""


@pytest.mark.parametrize("place", ["files.seal.write", "state.upload.file",
                                   "state.manifest.before_sync"])
def test_the_last_checkpoint_is_tried_again(weir_binary: pathlib.Path, tmp_path: pathlib.Path,
                                            place: str) -> None:
    (tmp_path / "in.json").write_text("".join(
        json.dumps({"key": f"k{i % 7}", "at": 1_735_689_600_000 + i * 10}) + "\n" for i in range(2000)))
    job = tmp_path / "job.yaml"
    job.write_text(JOB)
    weir = Weir(job, tmp_path, variables={"INPUT": str(tmp_path / "in.json"),
                                          "OUTPUT": str(tmp_path / "out")})
    ended = weir.run(f"{place}=error@1")
    assert ended.code == 0 and place in weir.hits(), ended.show()
    rows = [json.loads(line) for path in (tmp_path / "out").glob("*.json")
            for line in path.read_text().splitlines()]
    assert sum(row["n"] for row in rows) == 2000
