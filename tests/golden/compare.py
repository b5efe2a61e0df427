"""Whether two sets of rows are the same: order free, columns in order, doubles within 1e-9."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

RELATIVE = 1e-9


def parse(line: str) -> Any:
    """JSON with the order of its fields kept, and 37 and 37.0 told apart."""
    return json.loads(line, object_pairs_hook=lambda pairs: ("{}", *pairs))


def shape(value: Any, doubles: list[float]) -> Any:
    """The value without its doubles, which are appended to `doubles` in their order."""
    if isinstance(value, float):
        doubles.append(value)
        return "double"
    if isinstance(value, (list, tuple)):
        return tuple(shape(element, doubles) for element in value)
    return (type(value).__name__, value)


def _close(left: tuple[float, ...], right: tuple[float, ...]) -> bool:
    return all(math.isclose(a, b, rel_tol=RELATIVE, abs_tol=1e-12) for a, b in zip(left, right))


def _gather(lines: Sequence[str], as_json: bool) -> dict[Any, list[tuple[tuple[float, ...], str]]]:
    groups: dict[Any, list[tuple[tuple[float, ...], str]]] = defaultdict(list)
    for line in lines:
        doubles: list[float] = []
        key = shape(parse(line), doubles) if as_json else line
        groups[key].append((tuple(doubles), line))
    return groups


def difference(expected: Sequence[str], actual: Sequence[str], as_json: bool = True) -> str:
    """Empty where they are the same; otherwise what is missing and what is too much."""
    missing: list[str] = []
    extra: list[str] = []
    wanted, got = _gather(expected, as_json), _gather(actual, as_json)
    for key in [*wanted, *(key for key in got if key not in wanted)]:
        left, right = sorted(wanted.get(key, [])), sorted(got.get(key, []))
        while left and right:
            if _close(left[0][0], right[0][0]):
                left.pop(0)
                right.pop(0)
            elif left[0][0] < right[0][0]:
                missing.append(left.pop(0)[1])
            else:
                extra.append(right.pop(0)[1])
        missing += [line for _, line in left]
        extra += [line for _, line in right]
    if not missing and not extra:
        return ""
    told = [f"{len(expected)} rows expected, {len(actual)} came;"
            f" {len(missing)} missing, {len(extra)} too many"]
    told += [f"  missing  {line}" for line in missing[:8]]
    told += [f"  too many {line}" for line in extra[:8]]
    return "\n".join(told)
