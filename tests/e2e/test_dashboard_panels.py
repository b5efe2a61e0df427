"""Each panel of deploy/dashboards asks a real search server for what it shows, and is answered right."""

import datetime
import pathlib
import sys

import pytest

from parts.opensearch import Search

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy" / "dashboards"))

import make  # noqa: E402
from search_dashboard import search_request  # noqa: E402


def at(seconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(1_700_000_000 + seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# 1,700,000,000 is twenty seconds into a minute: two windows in one, one in the next.
ENDS = [at(10), at(20), at(80)]
DOCUMENTS = {
    "departments_count": [{"departmentName": name, "departmentCount": count + n, "windowEndTime": end}
                          for n, end in enumerate(ENDS) for name, count in (("AirPods", 30), ("cameras", 4))],
    "user_session_counts": [{"userSessionCount": 40 + n, "userSessionCountWithOrderCheckout": 15 + n,
                             "percentSessionswithBuy": 37.0, "windowEndTime": end} for n, end in enumerate(ENDS)],
    "user_session_details": [{"userId": 1, "orderCheckoutEventCount": 49 + n, "deptList": ["cameras", "soundbars"],
                              "windowEndTime": end} for n, end in enumerate(ENDS)],
    "pickup_count": [{"location": cell, "pickup_count": count, "timestamp": at(time)}
                     for cell, count, time in (("dr5rzjx", 7, 0), ("dr5rzjx", 5, 3600), ("dr5ru7t", 1, 0))],
    "trip_duration": [{"location": "dr5rzj", "airport_code": code, "sum_trip_duration": 60, "avg_trip_duration": minutes,
                       "timestamp": at(0)} for code, minutes in (("JFK", 30.0), ("JFK", 40.0), ("LGA", 20.0))],
}
SHOWN = {
    "Average department count": [{"AirPods": 30.5, "cameras": 4.5}, {"AirPods": 32.0, "cameras": 6.0}],
    "Average order-checkout event count": [49.5, 51.0],
    "Average percentage of sessions with buy": [37.0, 37.0],
    "Average user session count with order checkout": [15.5, 17.0],
    "Average user session count": [40.5, 42.0],
    "Pick-ups by area": [{"dr5rzjx": 12.0}, {"dr5ru7t": 1.0}],
    "Minutes from pick-up to the airport": [{"JFK": 35.0, "LGA": 20.0}],
}
PANELS = [pytest.param(dashboard, panel, id=panel.title) for dashboard in make.search_dashboards()
          for panel in dashboard.panels]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    with Search(tmp_path_factory.mktemp("search")) as server:
        for index in ("pickup_count", "trip_duration"):
            server.call("PUT", f"/{index}", {"mappings": {"properties": {"location": {"type": "geo_point"}}}})
        for index, documents in DOCUMENTS.items():
            for document in documents:
                assert server.call("POST", f"/{index}/_doc?refresh=true", document)["result"] == "created"
        yield server


@pytest.mark.parametrize("dashboard, panel", PANELS)
def test_a_panel_shows_what_is_there(filled, dashboard, panel):
    answer = filled.call("POST", f"/{panel.index}/_search", search_request(dashboard, panel, at(-100), at(7200)))
    shown = []
    for bucket in answer["aggregations"]["2"]["buckets"]:
        if panel.on_map:
            shown.append({bucket["key"]: bucket["1"]["value"]})
        elif panel.by:
            shown.append({line["key"]: line["1"]["value"] for line in bucket["3"]["buckets"]})
        else:
            shown.append(bucket["1"]["value"])
    assert shown == SHOWN[panel.title]
