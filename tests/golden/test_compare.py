"""The comparison of rows must itself be able to fail."""

import pytest

from golden.compare import difference

ROWS = ['{"a":1,"b":0.1}', '{"a":1,"b":0.2}', '{"a":2,"b":null}']


def test_order_and_the_last_bits_of_doubles_do_not_count() -> None:
    assert difference(ROWS, [ROWS[2], '{"a":1,"b":0.20000000000000001}', ROWS[0]]) == ""
    assert difference(ROWS, [*ROWS[1:], '{"a":1,"b":0.10000001}']) != ""
    assert difference(['{"b":0.30000000000000004}'], ['{"b":0.3}']) == ""


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (ROWS[:2], "1 missing, 0 too many"),
        ([*ROWS, ROWS[0]], "0 missing, 1 too many"),
        (['{"b":0.1,"a":1}', *ROWS[1:]], "1 missing, 1 too many"),
        (['{"a":1.0,"b":0.1}', *ROWS[1:]], "1 missing, 1 too many"),
        (['{"a":true,"b":0.1}', *ROWS[1:]], "1 missing, 1 too many"),
        (['{"a":1,"b":0.10001}', *ROWS[1:]], "1 missing, 1 too many"),
        (['{"a":"1","b":0.1}', *ROWS[1:]], "1 missing, 1 too many"),
        ([], "3 missing, 0 too many"),
    ],
)
def test_everything_else_counts(rows: list[str], told: str) -> None:
    assert told in difference(ROWS, rows)


def test_text_is_compared_as_it_is() -> None:
    assert difference(["a,1", "b,2"], ["b,2", "a,1"], as_json=False) == ""
    assert "1 missing" in difference(["a,1"], ["a,1.0"], as_json=False)
