"""A table of files in a bucket, seen through boto3 and Python's own decoders, which share nothing with weir."""

import gzip
import json
import pathlib
import urllib.parse
from collections import Counter
from dataclasses import dataclass

import zstandard

LISTS = "_weir/"


@dataclass
class Table:
    """What lies below `prefix` of a bucket of the test server."""

    s3: object
    bucket: str
    prefix: str

    @property
    def folder(self) -> pathlib.Path:
        """Where the server keeps the table's objects as files."""
        return self.s3.data / self.bucket / self.prefix

    def objects(self) -> dict[str, int]:
        """Sizes by path below the table; lists are not among them."""
        pages = self.s3.client().get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + "/")
        found = {o["Key"][len(self.prefix) + 1:]: o["Size"] for page in pages for o in page.get("Contents", [])}
        return {path: size for path, size in found.items() if not path.startswith(LISTS)}

    def uploads(self) -> list[str]:
        """Keys of uploads that were begun and not ended."""
        answer = self.s3.client().list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"] for upload in answer.get("Uploads", [])]

    def read(self, path: str) -> bytes:
        """An object, unpacked. One that is not whole raises."""
        data = self.s3.client().get_object(Bucket=self.bucket, Key=f"{self.prefix}/{path}")["Body"].read()
        if path.endswith(".gz"):
            return gzip.decompress(data)
        if path.endswith(".zst"):
            return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
        return data

    def rows(self) -> list[dict]:
        """The JSON rows of all objects, each with its partition values as text in `_at`."""
        rows = []
        for path in self.objects():
            text = self.read(path)
            assert text.endswith(b"\n"), f"{path} ends in the middle of a row"
            at = dict(part.split("=", 1) for part in path.split("/")[:-1])
            rows += [{**json.loads(line), "_at": at} for line in text.splitlines()]
        return rows

    def listed(self) -> list[dict]:
        """The lines of all lists."""
        lines = []
        for path in sorted((self.folder / LISTS).glob("*.ndjson")) if (self.folder / LISTS).exists() else []:
            lines += [json.loads(line) for line in path.read_text().splitlines()]
        return lines

    def check_lists(self, complete: bool = True) -> None:
        """Every listed file is there, once, with its size and rows; and every file is listed, at rest."""
        listed = self.listed()
        names = Counter(line["file"] for line in listed)
        assert not [name for name, times in names.items() if times > 1], "listed twice"
        objects = self.objects()
        assert {line["file"]: line["bytes"] for line in listed}.items() <= objects.items()
        for line in listed:
            assert line["rows"] == len(self.read(line["file"]).splitlines()), line
            at = dict(urllib.parse.unquote(part).split("=", 1) for part in line["file"].split("/")[:-1])
            assert line["partition"] == at, line
        if complete:
            assert set(names) == set(objects), set(objects) ^ set(names)
