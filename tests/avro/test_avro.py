"""weir's Avro against fastavro: random schemas, values and later versions of the schemas, both ways."""

import base64
import datetime
import decimal
import io
import json
import math
import os
import pathlib
import struct
import subprocess
import uuid

import fastavro
import fastavro.read
import fastavro.schema
import pytest

from avro.generate import EPOCH, Generator

SCHEMAS = int(os.environ.get("WEIR_AVRO_SCHEMAS", "600"))
SEED = int(os.environ.get("WEIR_SEED", "1"))
CONTEXT = decimal.Context(prec=80)


def micros(time: datetime.datetime) -> int:
    return (time.replace(tzinfo=EPOCH.tzinfo) - EPOCH) // datetime.timedelta(microseconds=1)


def number_of(text, kind) -> object:
    return struct.unpack("f", struct.pack("f", text))[0] if kind == "float" else float(text)


def same(told, value, schema) -> bool:
    """Whether `told`, what weir shows as JSON, is what fastavro read."""
    if isinstance(schema, list):
        return any(same(told, value, branch) for branch in schema)
    kind = schema["type"] if isinstance(schema, dict) else schema
    logical = schema.get("logicalType") if isinstance(schema, dict) else None
    if value is None or told is None:
        return value is None and told is None and kind == "null"
    if kind == "record":
        return isinstance(value, dict) and isinstance(told, dict) and \
            list(told) == [f["name"] for f in schema["fields"]] and set(value) == set(told) and \
            all(same(told[f["name"]], value[f["name"]], f["type"]) for f in schema["fields"])
    if kind == "array":
        return isinstance(value, list) and isinstance(told, list) and len(told) == len(value) and \
            all(same(a, b, schema["items"]) for a, b in zip(told, value))
    if kind == "map":
        return isinstance(value, dict) and isinstance(told, dict) and list(told) == list(value) and \
            all(same(told[k], value[k], schema["values"]) for k in value)
    if isinstance(value, bool) or isinstance(told, bool) or kind == "boolean":
        return told is value and kind == "boolean"
    if isinstance(value, datetime.datetime):
        return isinstance(told, (int, decimal.Decimal)) and CONTEXT.multiply(decimal.Decimal(told), 1000) == micros(value)
    if isinstance(value, datetime.date):
        return told == value.isoformat()
    if isinstance(value, datetime.time):
        us = ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
        return told == (us // 1000 if logical == "time-millis" else us)
    if isinstance(value, decimal.Decimal):
        return told == value and logical == "decimal"
    if isinstance(value, uuid.UUID):
        return told == str(value)
    if isinstance(value, bytes):
        return told == base64.b64encode(value).decode() and kind in ("bytes", "fixed")
    if isinstance(value, str):
        if kind == "bytes":  # fastavro leaves a promoted string as it is.
            return told == base64.b64encode(value.encode()).decode()
        return told == value and kind in ("string", "enum")
    if kind in ("float", "double"):
        return isinstance(told, (int, decimal.Decimal)) and number_of(told, kind) == number_of(value, kind) and \
            math.copysign(1, float(told)) == math.copysign(1, value)
    return isinstance(told, int) and told == value and kind in ("int", "long")


def encode(schema, value) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def decode(payload: bytes, writer, reader=None):
    stream = io.BytesIO(payload)
    value = fastavro.schemaless_reader(stream, writer, reader)
    assert stream.read() == b""
    return value


def parse(schema):
    return fastavro.parse_schema(json.loads(json.dumps(schema)))


def answers(binary: pathlib.Path, directory: pathlib.Path, cases: list) -> list:
    program = binary.with_name("formats_test")
    path = directory / "cases"
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    done = subprocess.run([program, "cases of another implementation are answered"], capture_output=True, text=True,
                          env={**os.environ, "WEIR_AVRO_CASES": str(path)}, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:]
    found = [json.loads(line) for line in (directory / "cases.answers").read_text().splitlines()]
    assert len(found) == len(cases)
    return found


def shown(texts: list, schema: dict) -> dict:
    columns = [json.loads(text, parse_float=lambda t: decimal.Decimal(t)) for text in texts]
    return dict(zip([f["name"] for f in schema["fields"]], columns, strict=True))


def holds_empty(value) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return not value or any(holds_empty(one) for one in inside)


@pytest.mark.quick
def test_what_one_writes_the_other_reads(weir_binary, tmp_path, tell):
    generator = Generator(SEED)
    cases, values = [], []
    for _ in range(SCHEMAS):
        schema = generator.record()
        parsed = parse(schema)
        payloads = [encode(parsed, generator.value(schema)) for _ in range(8)]
        cases.append({"writer": schema, "reader": schema, "payloads": [p.hex() for p in payloads]})
        values.append([decode(p, parsed) for p in payloads])
    rows = 0
    for case, read, answer in zip(cases, values, answers(weir_binary, tmp_path, cases)):
        said = json.dumps([case, answer])[:3000]
        assert answer.get("reasons") == [], said
        assert parse(json.loads(answer["normalised"])), said
        for payload, value, row in zip(case["payloads"], read, answer["rows"], strict=True):
            assert "row" in row, (row, said)
            told = shown(row["row"], case["reader"])
            assert same(told, value, case["reader"]), (told, value, said)
            assert "written" in row, (row, said)
            assert decode(bytes.fromhex(row["written"]), parse(case["reader"])) == value, (value, row, said)
            rows += 1
    tell(f"{len(cases)} schemas, {rows} records")
    assert rows == SCHEMAS * 8


@pytest.mark.quick
def test_later_versions_read_the_same(weir_binary, tmp_path, tell):
    generator = Generator(SEED + 1)
    cases, expected = [], []
    for _ in range(SCHEMAS):
        writer = generator.record()
        reader = generator.evolve(writer)
        parsed, parsed_reader = parse(writer), parse(reader)
        payloads = [encode(parsed, generator.value(writer)) for _ in range(8)]
        cases.append({"writer": writer, "reader": reader, "payloads": [p.hex() for p in payloads]})
        found = []
        for payload in payloads:
            try:
                found.append((True, decode(payload, parsed, parsed_reader)))
            except (fastavro.schema.SchemaParseException, fastavro.read.SchemaResolutionError, UnicodeDecodeError) as fault:
                found.append((False, repr(fault)))
        expected.append(found)
    good = bad = incompatible = 0
    for case, read, answer in zip(cases, expected, answers(weir_binary, tmp_path, cases)):
        said = json.dumps([case, answer, read], default=str)[:5000]
        assert "error" not in answer, said
        incompatible += bool(answer["reasons"])
        if "unresolved" in answer:
            assert answer["reasons"], said
            # fastavro does not look at what is never used: the type of the elements of an empty list.
            assert not any(fine and not holds_empty(value) for fine, value in read), said
            bad += len(read)
            continue
        for (fine, value), row in zip(read, answer["rows"], strict=True):
            assert fine == ("row" in row), (value, row, said)
            if not fine:
                # A text of bytes that are no UTF-8 is the record's fault, all else the schemas'.
                assert row["code"] == "WEIR-F002" or (row["code"] == "WEIR-F031" and answer["reasons"]), (row, said)
                bad += 1
                continue
            told = shown(row["row"], case["reader"])
            assert same(told, value, case["reader"]), (told, value, said)
            good += 1
    tell(f"{len(cases)} pairs of schemas, {incompatible} not compatible, {good} records read, {bad} not")
    assert good > SCHEMAS * 3 and bad > SCHEMAS / 4 and SCHEMAS / 10 < incompatible < SCHEMAS * 0.9
