"""Bytes to values: JSON and CSV as the job language reads them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from oracle.rows import BadRow, Values

Declaration = str | Mapping[str, str]
Declarations = Mapping[str, Declaration]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RANGES = {"int32": 1 << 31, "int64": 1 << 63}
_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?"
    r"\s?(Z|[+-]\d{2}:?\d{2})?$"
)


def parse_timestamp(text: str) -> int:
    """ISO 8601 to microseconds; without a zone it is UTC."""
    found = _ISO.match(text)
    if not found:
        raise BadRow(f"'{text}' is no timestamp")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0),
                          int(second or 0), tzinfo=timezone.utc)
    except ValueError as error:
        raise BadRow(f"'{text}' is no timestamp: {error}") from error
    micros = int((fraction or "0").ljust(9, "0")[:6])
    shift = timedelta()
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if zone[0] == "-":
            shift = -shift
    return (moment - shift - _EPOCH) // timedelta(microseconds=1) + micros


def split_types(text: str) -> list[str]:
    """`a, list<b,c>, d` at its outer commas."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        if letter in "<(":
            depth += 1
        elif letter in ">)":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    return parts


def _inside(type_name: str) -> str:
    return type_name[type_name.index("<") + 1 : -1]


def _from_json(value: Any, type_name: str, unit: str) -> Any:
    if value is None:
        return None
    if type_name == "json":
        return value
    if type_name == "bool":
        if isinstance(value, bool):
            return value
    elif type_name in _RANGES:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            if -_RANGES[type_name] <= value < _RANGES[type_name]:
                return value
            raise BadRow(f"{value} is out of the range of {type_name}")
    elif type_name == "double":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif type_name == "string":
        if isinstance(value, str):
            return value
    elif type_name == "bytes":
        if isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except ValueError as error:
                raise BadRow(f"'{value}' is no base64") from error
    elif type_name == "timestamp":
        if isinstance(value, str):
            return parse_timestamp(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return round(value * _UNITS[unit])
    elif type_name == "date":
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError as error:
                raise BadRow(f"'{value}' is no date") from error
    elif type_name.startswith("list<"):
        if isinstance(value, list):
            return [_from_json(element, _inside(type_name), unit) for element in value]
    elif type_name.startswith("struct<"):
        if isinstance(value, dict):
            fields = (part.split(":", 1) for part in split_types(_inside(type_name)))
            return {name: _from_json(value.get(name), kind.strip(), unit) for name, kind in fields}
    elif type_name.startswith("map<"):
        if isinstance(value, dict):
            kind = split_types(_inside(type_name))[1]
            return {name: _from_json(element, kind, unit) for name, element in value.items()}
    else:
        raise ValueError(f"the oracle knows no type {type_name}")
    raise BadRow(f"{value!r} is no {type_name}")


def decode_json(text: str, columns: Declarations) -> Values:
    """Missing is null, unknown ignored; a wrong type or an integer out of range is a row error."""
    try:
        record = json.loads(text)
    except ValueError as error:
        raise BadRow(f"no JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadRow("no JSON object")
    values: Values = {}
    for name, declared in columns.items():
        declaration = {"type": declared} if isinstance(declared, str) else declared
        place: Any = record
        for part in declaration.get("from", name).split("."):
            if place is not None and not isinstance(place, dict):
                raise BadRow(f"{name}: {place!r} is no object")
            place = None if place is None else place.get(part)
        values[name] = _from_json(place, declaration["type"], declaration.get("unit", "ms"))
    return values


def _from_text(text: str, type_name: str) -> Any:
    if type_name == "string":
        return text
    if type_name in _RANGES:
        if not re.fullmatch(r"[+-]?\d+", text):
            raise BadRow(f"'{text}' is no {type_name}")
        value = int(text)
        if not -_RANGES[type_name] <= value < _RANGES[type_name]:
            raise BadRow(f"{text} is out of the range of {type_name}")
        return value
    if type_name == "double":
        try:
            return float(text)
        except ValueError as error:
            raise BadRow(f"'{text}' is no double") from error
    if type_name == "bool":
        if text in ("true", "false"):
            return text == "true"
        raise BadRow(f"'{text}' is no bool")
    if type_name == "timestamp":
        if re.fullmatch(r"-?\d+", text):
            return int(text) * 1_000
        return parse_timestamp(text)
    raise ValueError(f"the oracle knows no type {type_name} in CSV")


def csv_fields(text: str, delimiter: str) -> list[tuple[str, bool]]:
    """The fields of one record of RFC 4180, each with whether it stood in quotes."""
    fields, at = [], 0
    while True:
        quoted = text[at : at + 1] == '"'
        value = ""
        if quoted:
            at += 1
            while True:
                end = text.find('"', at)
                if end < 0:
                    raise BadRow("a quote is not closed")
                value += text[at:end]
                at = end + 1
                if text[at : at + 1] != '"':
                    break
                value += '"'
                at += 1
            if text[at : at + 1] not in ("", delimiter):
                raise BadRow("text after a closing quote")
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            value = text[at:end]
            if '"' in value:
                raise BadRow("a quote inside a field without quotes")
            at = end
        fields.append((value, quoted))
        if at == len(text):
            return fields
        at += 1


def decode_csv(
    text: str, columns: Mapping[str, str], delimiter: str = ",", null: str = ""
) -> Values:
    """One record, columns by order. A field equal to `null` is null, unless it stands in quotes."""
    fields = csv_fields(text, delimiter)
    if len(fields) != len(columns):
        raise BadRow(f"{len(fields)} fields where {len(columns)} are declared")
    return {
        name: None if value == null and not quoted else _from_text(value, kind)
        for (value, quoted), (name, kind) in zip(fields, columns.items())
    }


def csv_records(text: str) -> list[str]:
    """Cuts a file at the newlines that do not stand inside quotes."""
    records, start, quoted = [], 0, False
    for i, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == "\n" and not quoted:
            records.append(text[start:i].removesuffix("\r"))
            start = i + 1
    if start < len(text):
        records.append(text[start:])
    return records
