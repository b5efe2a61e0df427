"""Files in a real S3 service as a source: patterns, packs, kills, and objects that change under the reader."""

import gzip
import json
import pathlib
import uuid

import pytest
import zstandard

from e2e.test_lake import bucket, keys  # noqa: F401: fixtures
from e2e.weir import DONE, FAILED, Weir

JOB = """
job: reads-objects
checkpoint: {{ interval: 100ms }}
connections:
  lake: {{ s3: {{ bucket: "{bucket}", region: us-east-1, endpoint: "{endpoint}", timeout: 2s }} }}
sources:
  given:
    files: {{ connection: lake, path: "{path}"{options} }}
    format: {format}
    columns: {{ n: int64, text: string }}
steps:
  shown: {{ from: given, with: {{ more: n + 1 }} }}
sinks:
  table: {{ from: shown, files: {{ path: "{out}" }}, format: json }}
"""


class Reading:
    """A job from objects into a local folder."""

    def __init__(self, s3, bucket: str, work: pathlib.Path, path: str, **settings: str) -> None:
        self.client = s3.client()
        self.bucket = bucket
        self.out = work / "out"
        job = work / "job.yaml"
        job.write_text(JOB.format(**{"bucket": bucket, "endpoint": s3.endpoint, "path": path, "out": self.out,
                                     "options": "", "format": "json", **settings}))
        self.weir = Weir(job, work / "run")

    def put(self, key: str, numbers, compression: str = "", as_csv: bool = False) -> bytes:
        lines = [f'{n},"text, {n}"' if as_csv else json.dumps({"n": n, "text": f"text {n}"}) for n in numbers]
        data = ("\n".join((["n,text"] if as_csv else []) + lines) + "\n").encode()
        if compression == "gzip":
            data = gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2:])
        if compression == "zstd":
            data = zstandard.compress(data)
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return data

    def numbers(self) -> list[int]:
        rows = [json.loads(line) for path in self.out.glob("*.json") for line in path.read_text().splitlines()]
        assert all(row["more"] == row["n"] + 1 for row in rows)
        return sorted(row["n"] for row in rows)


def test_a_pattern_over_packed_objects_with_kills(s3, bucket: str, weir_binary: pathlib.Path,  # noqa: F811
                                                  tmp_path: pathlib.Path) -> None:
    """Objects above the size of a request, plain and packed; killed twice, at another parallelism."""
    reading = Reading(s3, bucket, tmp_path, "in/*/part-*")
    reading.put("in/a/part-1.json", range(0, 150_000))
    reading.put("in/a/part-2.json.gz", range(150_000, 250_000), "gzip")
    reading.put("in/b/part-3.json.zst", range(250_000, 300_000), "zstd")
    reading.put("in/b/other.json", range(5))
    reading.put("in/b/deep/part-4.json", range(5))
    reading.put("in/.c/part-5.json", range(5))
    slowly = "engine.source.poll=delay:10@1+"
    for parallelism, place in (("1", "engine.manifest_committed=kill@5"), ("2", "engine.sinks_told=kill@4")):
        killed = reading.weir.run(f"{slowly},{place}", sets={"parallelism": parallelism})
        assert killed.killed, killed.show()
    done = reading.weir.run()
    assert done.code == DONE, done.show()
    assert reading.numbers() == list(range(300_000))


def test_a_prefix_of_csv(s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:  # noqa: F811
    """More objects than one page of a listing has; names that writers hide are left alone."""
    reading = Reading(s3, bucket, tmp_path, "csv/", format="{ csv: { header: true } }")
    for number in range(1_050):
        reading.put(f"csv/{number % 7}/{number}.csv", range(number * 3, number * 3 + 3), as_csv=True)
    reading.put("csv/_weir/list.csv", range(5), as_csv=True)
    reading.put("csv/1/.hidden.csv", range(5), as_csv=True)
    done = reading.weir.run()
    assert done.code == DONE, done.show()
    assert reading.numbers() == list(range(3_150))


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_an_object_that_is_not_what_it_was(s3, bucket: str, weir_binary: pathlib.Path,  # noqa: F811
                                           tmp_path: pathlib.Path, harm: str) -> None:
    reading = Reading(s3, bucket, tmp_path, "in/large.json")
    whole = reading.put("in/large.json", range(200_000))
    reading.weir.start("engine.source.poll=delay:10@1+,engine.manifest_committed=kill@4")
    assert reading.weir.wait().killed
    if harm == "changed":
        reading.client.put_object(Bucket=bucket, Key="in/large.json", Body=whole.replace(b"text 7", b"text 8"))
    else:
        reading.client.delete_object(Bucket=bucket, Key="in/large.json")
    done = reading.weir.run()
    assert done.code == FAILED, done.show()
    code, text = {"changed": ("WEIR-L004", "has been written anew since"),
                  "removed": ("WEIR-L005", "was removed since")}[harm]
    assert code in done.codes() and text in done.log and "in/large.json" in done.log, done.show()
    before = reading.numbers()
    reading.client.put_object(Bucket=bucket, Key="in/large.json", Body=whole)
    again = reading.weir.run()
    assert again.code == DONE, again.show()
    assert len(before) < 200_000 and reading.numbers() == list(range(200_000))


def test_half_an_object(s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:  # noqa: F811
    """A gzip file that was written in part: what it is and where; what is before it is not lost."""
    reading = Reading(s3, bucket, tmp_path, "in/*.gz")
    reading.put("in/a.json.gz", range(1_000), "gzip")
    whole = reading.put("in/b.json.gz", range(1_000, 50_000), "gzip")
    reading.client.put_object(Bucket=bucket, Key="in/b.json.gz", Body=whole[: len(whole) * 2 // 3])
    done = reading.weir.run()
    assert done.code == FAILED and "WEIR-L012" in done.codes(), done.show()
    assert "in/b.json.gz" in done.log and "ends in the middle of its packed data" in done.log, done.show()
    (tmp_path / "again").mkdir()
    fresh = Reading(s3, bucket, tmp_path / "again", "in/*.gz")
    fresh.client.put_object(Bucket=bucket, Key="in/b.json.gz", Body=whole)
    again = fresh.weir.run()
    assert again.code == DONE, again.show()
    assert fresh.numbers() == list(range(50_000))


def test_nothing_to_read(s3, bucket: str, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:  # noqa: F811
    done = Reading(s3, bucket, tmp_path, "in/*.json").weir.run()
    assert done.code == FAILED and "WEIR-L001" in done.codes(), done.show()
    assert f"s3://{bucket}/in/*.json" in done.log, done.show()
    assert not list(tmp_path.glob("out/*.json"))


def test_a_service_that_goes_away_while_it_is_read(s3, bucket: str, weir_binary: pathlib.Path,  # noqa: F811
                                                   tmp_path: pathlib.Path) -> None:
    reading = Reading(s3, bucket, tmp_path, "in/", endpoint=s3.proxied_endpoint)
    for number in range(4):
        reading.put(f"in/{number}.json", range(number * 100_000, number * 100_000 + 100_000))
    reading.weir.start("engine.source.poll=delay:10@1+")
    try:
        reading.weir.wait_until(lambda: len(reading.weir.manifests()) > 2, 30, "checkpoints")
        s3.proxy.cut()
        reading.weir.wait_log("files wait to be read", 40)
    finally:
        s3.proxy.restore()
    reading.weir.wait_log("files can be read again", 40)
    done = reading.weir.wait(120)
    assert done.code == DONE, done.show()
    assert reading.numbers() == list(range(400_000))
