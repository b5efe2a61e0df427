"""The oracle against cases worked out by hand, and its two kinds of windows against each other."""

from __future__ import annotations

import random

import pytest

from oracle import aggregates, decode, encode, rows, streaming, windows
from oracle.rows import MILLISECOND, SECOND, BadRow, Row, Watermark


def at(*seconds: float, key: str = "a") -> list[Row]:
    return [
        Row({"key": key, "n": n}, round(second * SECOND), 0, n)
        for n, second in enumerate(seconds)
    ]


def spans(groups: list[windows.Group]) -> list[tuple[float, float, list[int]]]:
    return sorted(
        (g.window.start / SECOND, g.window.end / SECOND, sorted(row["n"] for row in g.rows))
        for g in groups
    )


def test_where_keeps_what_is_true_and_neither_false_nor_null() -> None:
    given = [Row({"price": price}) for price in (10, None, 60)]
    kept = rows.where(given, lambda r: None if r["price"] is None else r["price"] > 50)
    assert [row["price"] for row in kept] == [60]


def test_with_replaces_in_place_and_adds_at_the_end() -> None:
    given = [Row({"a": 1, "b": 2}, 7)]
    made = rows.with_columns(given, lambda r: {"a": r["a"] + 10, "c": 3})
    assert made == [Row({"a": 11, "b": 2, "c": 3}, 7)]
    assert list(made[0].values) == ["a", "b", "c"]
    assert rows.drop(made, "b")[0].values == {"a": 11, "c": 3}


def test_unnest_gives_one_row_for_each_element_and_none_for_null_or_empty() -> None:
    given = [Row({"n": n, "tags": tags}) for n, tags in enumerate((["x", "y"], [], None, [None]))]
    assert [(r["n"], r["tag"]) for r in rows.unnest(given, "tag", "tags")] == [
        (0, "x"), (0, "y"), (3, None),
    ]


def test_tumbling_windows_begin_at_multiples_of_their_size() -> None:
    groups = windows.tumbling(at(0, 9.999999, 10, 25), 10 * SECOND)
    assert spans(groups) == [(0, 10, [0, 1]), (10, 20, [2]), (20, 30, [3])]
    assert windows.windows_of(-1, 10, 10) == [windows.Window(-10, 0)]
    assert spans(windows.tumbling(at(0, 3), 10 * SECOND, offset=3 * SECOND)) == [
        (-7, 3, [0]), (3, 13, [1]),
    ]


def test_hopping_windows_hold_a_row_size_over_every_times() -> None:
    groups = windows.hopping(at(5), 6 * SECOND, 2 * SECOND)
    assert spans(groups) == [(0, 6, [0]), (2, 8, [0]), (4, 10, [0])]


def test_rows_exactly_the_gap_apart_are_one_session() -> None:
    groups = windows.session(at(0, 1, 2.000001), SECOND)
    assert spans(groups) == [(0, 2, [0, 1]), (2.000001, 3.000001, [2])]
    two = windows.session([*at(0), *at(0.5, key="b")], SECOND, key=lambda r: r["key"])
    assert len(two) == 2


def test_a_windows_result_has_the_time_just_before_its_end() -> None:
    groups = windows.tumbling(at(1), 10 * SECOND)
    result = windows.results(groups, lambda g: {"n": len(g.rows)})
    assert result == [Row({"n": 1}, 10 * SECOND - 1)]
    assert encode.timestamp_ms(10 * SECOND - 1) == "9999.999"


def test_a_row_is_late_only_if_all_its_windows_are_closed() -> None:
    row = at(1)[0]
    closes_first = [Watermark(6 * SECOND - 1), row]
    outcome = streaming.hopping(closes_first, 6 * SECOND, 2 * SECOND)
    assert outcome.late == [row] and outcome.groups == []
    closes_some = [Watermark(6 * SECOND - 1), at(3)[0]]
    outcome = streaming.hopping(closes_some, 6 * SECOND, 2 * SECOND)
    assert outcome.late == [] and spans(outcome.groups) == [(2, 8, [0])]
    just_open = [Watermark(6 * SECOND - 2), row]
    assert spans(streaming.hopping(just_open, 6 * SECOND, 6 * SECOND).groups) == [(0, 6, [0])]


def test_a_session_closes_at_its_end_and_an_open_one_saves_an_old_row() -> None:
    old, new = at(0, 1)
    closed = streaming.session([old, Watermark(SECOND), new], SECOND)
    assert spans(closed.groups) == [(0, 1, [0]), (1, 2, [1])]
    still_open = streaming.session([old, Watermark(SECOND - 1), new], SECOND)
    assert spans(still_open.groups) == [(0, 2, [0, 1])]
    alone = streaming.session([Watermark(SECOND), old], SECOND)
    assert alone.late == [old]
    joined = streaming.session([new, Watermark(SECOND), old], SECOND)
    assert joined.late == [] and spans(joined.groups) == [(0, 2, [0, 1])]


def test_aggregates_ignore_nulls_and_order_by_time_partition_offset() -> None:
    group = [
        Row({"v": 3}, 20, 0, 5), Row({"v": None}, 5, 0, 0), Row({"v": 1}, 10, 1, 0),
        Row({"v": 2}, 10, 0, 9), Row({"v": 3}, 10, 0, 2),
    ]

    def v(row: Row) -> int | None:
        return row["v"]

    assert aggregates.count(group) == 5 and aggregates.count(group, v) == 4
    assert aggregates.total(group, v) == 9 and aggregates.average(group, v) == 2.25
    assert (aggregates.smallest(group, v), aggregates.largest(group, v)) == (1, 3)
    assert (aggregates.first(group, v), aggregates.last(group, v)) == (3, 3)
    assert aggregates.collect_list(group, v) == [3, 2, 1, 3]
    assert aggregates.collect_set(group, v) == [1, 2, 3]
    assert aggregates.count_distinct(group, v) == 3
    assert aggregates.count_if(group, lambda r: None if r["v"] is None else r["v"] > 2) == 2


def test_aggregates_over_nothing() -> None:
    def v(row: Row) -> int | None:
        return row["v"]

    nothing = aggregates.filtered([Row({"v": 1})], lambda r: r["v"] > 1)
    assert aggregates.count(nothing, v) == 0
    assert aggregates.collect_list(nothing, v) == [] == aggregates.collect_set(nothing, v)
    for aggregate in (aggregates.total, aggregates.average, aggregates.smallest,
                      aggregates.largest, aggregates.first, aggregates.last):
        assert aggregate(nothing, v) is None


def test_a_sum_beyond_int64_is_an_overflow() -> None:
    with pytest.raises(aggregates.Overflow):
        aggregates.total([Row({"v": (1 << 63) - 1}), Row({"v": 1})], lambda r: r["v"])


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [
        ('{"v":12.0}', "int64", 12), ('{"v":2147483647}', "int32", 2147483647), ("{}", "int64", None),
        ('{"v":null}', "bool", None), ('{"v":1}', "double", 1.0), ('{"v":"aGk="}', "bytes", b"hi"),
        ('{"v":1500}', "timestamp", 1_500_000),
        ('{"v":"1970-01-01T00:00:01.5Z"}', "timestamp", 1_500_000),
        ('{"v":"1970-01-01 02:00:00+02:00"}', "timestamp", 0),
        ('{"v":["a",null]}', "list<string>", ["a", None]),
        ('{"v":{"a":1,"z":2}}', "struct<a:int64,b:string>", {"a": 1, "b": None}),
        ('{"v":{"x":1}}', "map<string,int64>", {"x": 1}),
    ],
)
def test_json_values(text: str, type_name: str, value: object) -> None:
    assert decode.decode_json(text, {"v": type_name}) == {"v": value}


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ('{"v":"1"}', "int64"), ('{"v":1.5}', "int64"), ('{"v":2147483648}', "int32"),
        ('{"v":true}', "int64"), ('{"v":1}', "string"), ('{"v":"x"}', "timestamp"),
        ('{"v":[1]}', "list<string>"), ("[1]", "int64"), ("{", "int64"), ("", "int64"),
        ('{"v":"2026-02-30T00:00:00Z"}', "timestamp"), ('{"v":"a"}', "bytes"),
    ],
)
def test_json_row_errors(text: str, type_name: str) -> None:
    with pytest.raises(BadRow):
        decode.decode_json(text, {"v": type_name})


def test_json_from_nested_places() -> None:
    columns = {"city": {"type": "string", "from": "address.city"}}
    assert decode.decode_json('{"address":{"city":"Ulm"}}', columns) == {"city": "Ulm"}
    assert decode.decode_json('{"address":null}', columns) == {"city": None}
    with pytest.raises(BadRow):
        decode.decode_json('{"address":7}', columns)


def test_csv() -> None:
    columns = {"a": "int64", "b": "string", "c": "double"}
    assert decode.decode_csv('7,"x, ""y""",', columns) == {"a": 7, "b": 'x, "y"', "c": None}
    assert decode.decode_csv('7,"",', columns) == {"a": 7, "b": "", "c": None}
    for bad in ("1,x", "1,x,2,3", "x,x,1", '1,"x,2', '1,"x"y,2', '1,x"y,2'):
        with pytest.raises(BadRow):
            decode.decode_csv(bad, columns)
    assert decode.csv_records('1,"a\nb"\r\n2,c\n') == ['1,"a\nb"', "2,c"]


def test_rows_as_text() -> None:
    values = {"a": 1, "b": 37.0, "c": None, "t": 1_500_000, "u": 1_500_001, "l": ["x"], "y": b"hi"}
    kinds = {"t": "timestamp", "u": "timestamp"}
    assert encode.json_row(values, kinds) == (
        '{"a":1,"b":37.0,"c":null,"t":1500,"u":1500.001,"l":["x"],"y":"aGk="}'
    )
    assert encode.csv_row({"a": 'say "x"', "b": None, "c": 1, "d": "p,q", "e": ""}) \
        == '"say ""x""",,1,"p,q",""'
    assert encode.timestamp_iso(0) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_to_windows_agree_where_no_row_is_late(seed: int) -> None:
    """Any interleaving that keeps within the delay gives the same windows (rule 28)."""
    chance = random.Random(seed)
    given = []
    for number in range(300):
        jitter = chance.randrange(0, 2_000) * MILLISECOND
        time = number * 100 * MILLISECOND + 2 * SECOND - jitter
        given.append(Row({"key": chance.choice("abc"), "n": number}, time, 0, number))

    def key(row: Row) -> str:
        return row["key"]

    def sets(groups: list[windows.Group]) -> set[tuple[str, windows.Window, frozenset[int]]]:
        found = [(g.key, g.window, frozenset(row["n"] for row in g.rows)) for g in groups]
        assert len(found) == len(set(found))
        return set(found)

    items = list(streaming.with_watermarks(given, 2 * SECOND, chance.randrange(1, 50)))
    hopping = streaming.hopping(items, 3 * SECOND, SECOND, key)
    assert hopping.late == []
    assert sets(hopping.groups) == sets(windows.hopping(given, 3 * SECOND, SECOND, key))
    sessions = streaming.session(items, 300 * MILLISECOND, key)
    assert sessions.late == []
    assert sets(sessions.groups) == sets(windows.session(given, 300 * MILLISECOND, key))
