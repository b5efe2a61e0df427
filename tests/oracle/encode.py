"""Values to the text that a sink writes, for comparing with what weir wrote.

Types are needed where a value does not say what it is: a timestamp is an int of microseconds here,
and is written as epoch milliseconds (with three decimals where there are microseconds).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any

from oracle.decode import split_types
from oracle.rows import Values


def timestamp_ms(micros: int) -> str:
    """Epoch milliseconds; three decimals where microseconds are there."""
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, rest = divmod(micros, 1000)
    return f"{sign}{whole}" + (f".{rest:03d}" if rest else "")


def timestamp_iso(micros: int) -> str:
    """ISO 8601, UTC, with as many decimals as three or six where there are any."""
    seconds, rest = divmod(micros, 1_000_000)
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    if rest % 1000:
        text += f".{rest:06d}"
    elif rest:
        text += f".{rest // 1000:03d}"
    return text + "Z"


def json_value(value: Any, type_name: str | None = None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "null"
    if type_name == "timestamp":
        return timestamp_ms(value)
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    if isinstance(value, list):
        inner = type_name[5:-1] if type_name and type_name.startswith("list<") else None
        return "[" + ",".join(json_value(element, inner) for element in value) + "]"
    if isinstance(value, dict):
        kinds: dict[str, str] = {}
        if type_name and type_name.startswith("struct<"):
            parts = (part.split(":", 1) for part in split_types(type_name[7:-1]))
            kinds = {name: kind.strip() for name, kind in parts}
        fields = (f"{json.dumps(k)}:{json_value(v, kinds.get(k))}" for k, v in value.items())
        return "{" + ",".join(fields) + "}"
    return json.dumps(value, ensure_ascii=False)


def json_row(values: Values, types: Mapping[str, str] | None = None) -> str:
    """One row as one line; `types` names the columns that are timestamps or hold some."""
    kinds = types or {}
    return "{" + ",".join(
        f"{json.dumps(name, ensure_ascii=False)}:{json_value(value, kinds.get(name))}"
        for name, value in values.items()
    ) + "}"


def csv_row(values: Values, types: Mapping[str, str] | None = None, delimiter: str = ",") -> str:
    """One row as RFC 4180 writes it: quotes only where they are needed, and around an empty text,
    which would be null without them."""
    kinds = types or {}
    fields = []
    for name, value in values.items():
        if value is None:
            text = ""
        elif isinstance(value, str):
            text = value
        elif isinstance(value, bool):
            text = "true" if value else "false"
        else:
            text = json_value(value, kinds.get(name))
        if value == "" or any(letter in text for letter in (delimiter, '"', "\n", "\r")):
            text = '"' + text.replace('"', '""') + '"'
        fields.append(text)
    return delimiter.join(fields)
