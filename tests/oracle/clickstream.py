"""The clickstream job's results from its events, and walks of users to make events of."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from oracle import aggregates, encode, windows
from oracle.rows import MILLISECOND, SECOND, Row, Values, unnest

COLUMNS = {
    "ip": "string", "eventtimestamp": "int64", "devicetype": "string", "event_type": "string",
    "product_type": "string", "userid": "int32", "globalseq": "int64", "prevglobalseq": "int64",
}
GAP = 1 * SECOND
WINDOW = 10 * SECOND


def _named(row: Row) -> bool:
    return row["product_type"] not in (None, "", "N/A")


def sessions(events: Sequence[Row]) -> list[Row]:
    """One row for each session of a user, as the search index shows it."""
    timed = [Row(e.values, e["eventtimestamp"] * MILLISECOND, e.partition, e.offset) for e in events]

    def shown(group: windows.Group) -> Values:
        products = aggregates.filtered(group.rows, _named)
        ordered = any(row["event_type"] == "order_checkout" for row in group.rows)
        return {
            "userId": group.key,
            "eventCount": len(products),
            "orderCheckoutEventCount": len(products) if ordered else 0,
            "deptList": aggregates.collect_set(products, lambda r: r["product_type"]),
            "eventKey": 1,
            "windowBeginTime": group.window.start,
            "windowEndTime": group.window.end,
        }

    return windows.results(windows.session(timed, GAP, lambda r: r["userid"]), shown)


def buying(session_rows: Sequence[Row]) -> list[Row]:
    return [row for row in session_rows if row["orderCheckoutEventCount"] != 0]


def session_counts(session_rows: Sequence[Row]) -> list[Row]:
    def shown(group: windows.Group) -> Values:
        bought = len(buying(group.rows))
        return {
            "userSessionCount": len(group.rows),
            "userSessionCountWithOrderCheckout": bought,
            "percentSessionswithBuy": float(100 * bought // len(group.rows)),
            "windowBeginTime": group.window.start,
            "windowEndTime": group.window.end,
        }

    return windows.results(windows.tumbling(session_rows, WINDOW), shown)


def department_counts(session_rows: Sequence[Row]) -> list[Row]:
    def shown(group: windows.Group) -> Values:
        return {
            "departmentName": group.key,
            "departmentCount": len(group.rows),
            "windowBeginTime": group.window.start,
            "windowEndTime": group.window.end,
        }

    each = unnest(session_rows, "departmentName", "deptList")
    return windows.results(windows.tumbling(each, WINDOW, lambda r: r["departmentName"]), shown)


def results(events: Sequence[Row]) -> dict[str, list[str]]:
    found = sessions(events)
    kinds = {"windowBeginTime": "timestamp", "windowEndTime": "timestamp"}
    return {
        name: [encode.json_row(row.values, kinds) for row in given]
        for name, given in (
            ("department_counts", department_counts(found)),
            ("session_counts", session_counts(found)),
            ("buying_sessions", buying(found)))
    }


WALK = {
    "home_page": ["product_catalog"],
    "product_catalog": ["home_page", "product_detail"],
    "product_detail": ["product_catalog", "add_to_cart"],
    "add_to_cart": ["product_catalog", "remove_from_cart", "order"],
    "order": ["order_checkout", "remove_from_cart", "product_catalog"],
    "remove_from_cart": ["", "product_detail", "product_catalog"],
    "order_checkout": [""],
}
PRODUCTS = ["cell phones", "laptops", "ear phones", "soundbars", "cd players", "AirPods",
            "video games", "cameras"]


def _one_walk(chance: random.Random, begin_ms: int) -> Iterator[dict[str, Any]]:
    userid = chance.randrange(1, 2**31)
    ip, device = f"66.249.1.{chance.randrange(255)}", chance.choice(["mobile", "computer", "tablet"])
    place, product, time = "home_page", "N/A", begin_ms
    while True:
        if place in ("home_page", "product_catalog"):
            product = "N/A"
        elif place == "product_detail":
            product = chance.choice([*PRODUCTS, None])
        elif place == "":
            product = ""
        yield {"ip": ip, "eventtimestamp": time, "devicetype": device, "event_type": place,
               "product_type": product, "userid": userid}
        if place == "":
            return
        place = chance.choice(WALK[place])
        # Now and then a user is away for longer than the gap, or for exactly the gap.
        time += chance.choice([1_000, 1_001, 3_000]) if chance.random() < 0.05 \
            else chance.randrange(50, 551)


def walk(seed: int, sessions: int, begin_ms: int = 1_735_689_600_000) -> list[dict[str, Any]]:
    """Events of eight users at a time, in the order of their times."""
    chance = random.Random(seed)
    events = []
    clocks = [begin_ms + chance.randrange(1_000) for _ in range(8)]
    for number in range(sessions):
        user = number % 8
        walked = list(_one_walk(chance, clocks[user]))
        clocks[user] = walked[-1]["eventtimestamp"] + chance.randrange(50, 551)
        events += walked
    events.sort(key=lambda e: e["eventtimestamp"])
    for number, event in enumerate(events):
        event["globalseq"] = number + 1
        event["prevglobalseq"] = number
    return events


def as_json(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"))
