"""Sessions counted in tumbling windows, and those in wider ones."""

import pathlib

from golden.inputs import orders
from oracle import aggregates, encode, rows, windows


def results(folder: pathlib.Path) -> dict[str, list[str]]:
    def named(row: rows.Row) -> bool:
        return row["product"] not in (None, "", "N/A")

    sessions = windows.results(
        windows.session(orders(folder), 700 * rows.MILLISECOND, lambda r: r["customer"]),
        lambda g: {
            "customer": g.key,
            "n": len(g.rows),
            "products": aggregates.collect_set(
                aggregates.filtered(g.rows, named), lambda r: r["product"]),
            "ended": g.window.end,
        })
    per_window = windows.results(
        windows.tumbling(sessions, 10 * rows.SECOND),
        lambda g: {
            "sessions": len(g.rows),
            "rows": aggregates.total(g.rows, lambda r: r["n"]),
            "begin": g.window.start,
            "ended": g.window.end,
        })
    per_minute = windows.results(
        windows.tumbling(per_window, rows.MINUTE),
        lambda g: {
            "windows": len(g.rows),
            "sessions": aggregates.total(g.rows, lambda r: r["sessions"]),
            "rows": aggregates.total(g.rows, lambda r: r["rows"]),
            "begin": g.window.start,
        })
    products = windows.results(
        windows.tumbling(
            rows.unnest(sessions, "product", "products"), 10 * rows.SECOND,
            lambda r: r["product"]),
        lambda g: {"product": g.key, "n": len(g.rows), "begin": g.window.start})
    kinds = {"begin": "timestamp", "ended": "timestamp"}
    return {
        name: [encode.json_row(row.values, kinds) for row in given]
        for name, given in (
            ("sessions", sessions), ("per_window", per_window), ("per_minute", per_minute),
            ("products", products))
    }
