"""The checker finds every kind of damage: good results are broken in one place each time."""

import json
from dataclasses import replace

import pytest

from e2e import checker
from e2e.inputs import BASE_MS, Number
from e2e.readers import Seen

TRUTH = [
    Number(f"k{i % 3:02d}", i // 3, BASE_MS + i * 300, False, i % 3, i // 3) for i in range(60)
] + [Number("k00", 20, BASE_MS, True, 0, 20)]


def records(name: str, rows: list[dict]) -> list[Seen]:
    made = []
    for row in rows:
        key = f"{row['key']}/{row['copy']}" if "copy" in row else row["key"]
        partition = sum(key.encode()) % 3
        offset = sum(r.partition == partition for r in made)
        made.append(Seen(f"t.{name}", partition, offset, key.encode(), json.dumps(row).encode()))
    return made


def results() -> dict[str, list[Seen]]:
    return {
        "passed": records("passed", list(checker.expected_copies(TRUTH).values())),
        "windows": records("windows", list(checker.expected_windows(TRUTH).values())),
        "sessions": records("sessions", list(checker.expected_sessions(TRUTH).values())),
    }


def judge(final: dict[str, list[Seen]], live: list[Seen] | None = None,
          table: list[str] | None = None) -> checker.Verdict:
    if live is None:
        live = [record for given in final.values() for record in given]
    if table is None:
        table = [json.dumps(row) for row in checker.expected_windows(TRUTH).values()]
    return checker.check_campaign(TRUTH, live, final, table)


def test_good_results_are_clean() -> None:
    verdict = judge(results())
    assert verdict.clean and not verdict.examples
    assert verdict.expected == 61 * 3 + 27 * 2 + 3 * 20
    assert verdict.line() == f"lost=0 doubled=0 reordered=0 wrong=0 torn=0 of {verdict.expected}"


def test_windows_and_sessions_by_hand() -> None:
    windows = checker.expected_windows(TRUTH)
    assert windows["k00", BASE_MS] == {
        "key": "k00", "n": 3, "total": 3, "seqs": [0, 1, 2], "begin": BASE_MS}
    sessions = checker.expected_sessions([
        Number("a", 0, 1000, False, 0, 0), Number("a", 1, 1500, False, 0, 1),
        Number("a", 2, 2001, False, 0, 2), Number("a", 3, 1200, True, 0, 3)])
    assert sessions == {
        ("a", 1000): {"key": "a", "n": 2, "low": 0, "high": 1, "total": 1, "begin": 1000,
                      "ended": 2000},
        ("a", 2001): {"key": "a", "n": 1, "low": 2, "high": 2, "total": 2, "begin": 2001,
                      "ended": 2501}}


@pytest.mark.parametrize("name", ["passed", "windows", "sessions"])
def test_a_lost_row_is_found(name: str) -> None:
    final = results()
    del final[name][4]
    verdict = judge(final)
    assert (verdict.lost, verdict.doubled, verdict.wrong, verdict.torn) == (1, 0, 0, 0)


@pytest.mark.parametrize("name", ["passed", "windows", "sessions"])
def test_a_doubled_row_is_found(name: str) -> None:
    final = results()
    final[name].append(replace(final[name][4], offset=999))
    verdict = judge(final)
    assert (verdict.lost, verdict.doubled, verdict.wrong, verdict.torn) == (0, 1, 0, 0)


def test_a_reordered_row_is_found() -> None:
    final = results()
    same = [r for r in final["passed"] if r.key == b"k01/1"]
    first, second = final["passed"].index(same[3]), final["passed"].index(same[4])
    final["passed"][first] = replace(same[3], offset=same[4].offset)
    final["passed"][second] = replace(same[4], offset=same[3].offset)
    verdict = judge(final)
    assert (verdict.lost, verdict.doubled, verdict.reordered, verdict.wrong) == (0, 0, 1, 0)


@pytest.mark.parametrize("value", [b'{"key":"k00","seq":0,"copy":7}', b"torn in two", None])
def test_a_foreign_row_is_found(value: bytes | None) -> None:
    final = results()
    final["passed"].append(Seen("t.passed", 0, 999, b"k00/7", value))
    verdict = judge(final)
    assert (verdict.lost, verdict.doubled, verdict.wrong) == (0, 0, 1)


def test_a_wrong_value_is_found() -> None:
    final = results()
    row = json.loads(final["windows"][0].value)
    row["total"] += 1
    final["windows"][0] = replace(final["windows"][0], value=json.dumps(row).encode())
    assert judge(final).wrong == 1


def test_a_late_row_that_was_counted_is_found() -> None:
    final = results()
    rows = list(checker.expected_windows([replace(n, late=False) for n in TRUTH]).values())
    final["windows"] = records("windows", rows)
    assert judge(final).wrong == 1


def test_a_row_that_was_visible_and_is_gone_is_torn() -> None:
    final = results()
    live = [record for given in final.values() for record in given]
    shown = Seen("t.passed", 2, 999, b"k00/0", b'{"key":"k00","seq":0,"copy":0}')
    assert judge(final, live=[*live, shown]).torn == 1
    assert judge(final, live=live[1:]).torn == 1


def test_half_a_family_is_torn() -> None:
    passed = results()["passed"]
    assert checker.check_families(passed, "passed").clean
    assert checker.check_families(passed[1:], "passed").torn == 1


def test_the_table_counts_too() -> None:
    table = [json.dumps(row) for row in checker.expected_windows(TRUTH).values()]
    assert judge(results(), table=table[1:]).lost == 1
    assert judge(results(), table=[*table, table[0]]).doubled == 1


def test_an_unwanted_stop_is_not_clean() -> None:
    verdict = judge(results())
    verdict.stopped.append("exit 3 WEIR-E003")
    assert not verdict.clean and "stopped=exit 3 WEIR-E003" in verdict.line()
