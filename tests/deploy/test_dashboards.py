"""deploy/dashboards: what is generated is up to date, asks for metrics and fields that there are, and alerts fire
on what they are for."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from parts import prometheus

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "dashboards"
GENERATED = FOLDER / "generated"
sys.path.insert(0, str(FOLDER))

import make  # noqa: E402
from search_dashboard import Dashboard, search_request  # noqa: E402

DASHBOARDS = make.search_dashboards()
PANELS = [pytest.param(dashboard, panel, id=panel.title) for dashboard in DASHBOARDS for panel in dashboard.panels]


def test_what_is_generated_is_up_to_date():
    there = {str(file.relative_to(GENERATED)): file.read_text() for file in GENERATED.rglob("*") if file.is_file()}
    assert there == make.files(), "python3 deploy/dashboards/make.py mends it"


# --- search ---------------------------------------------------------------------------------------------

# Fields of each index, as the jobs of the five systems write them.
FIELDS = {
    "departments_count": {"departmentName", "departmentCount", "windowBeginTime", "windowEndTime"},
    "user_session_counts": {"userSessionCount", "userSessionCountWithOrderCheckout", "percentSessionswithBuy",
                            "windowBeginTime", "windowEndTime"},
    "user_session_details": {"userId", "eventCount", "orderCheckoutEventCount", "deptList", "eventKey",
                             "windowBeginTime", "windowEndTime"},
    "pickup_count": {"location", "pickup_count", "timestamp"},
    "trip_duration": {"location", "airport_code", "sum_trip_duration", "avg_trip_duration", "timestamp"},
}


def fields_of(node) -> set:
    if isinstance(node, dict):
        found = {node["field"]} if isinstance(node.get("field"), str) else set()
        return found.union(*(fields_of(value) for value in node.values()))
    return set().union(*(fields_of(value) for value in node)) if isinstance(node, list) else set()


def test_the_panels_are_those_of_the_systems():
    titles = {dashboard.name: [panel.title for panel in dashboard.panels] for dashboard in DASHBOARDS}
    assert len(titles["clickstream"]) == 5 and len(titles["taxi"]) == 2
    assert {panel.values[1].index for panel in PANELS} == set(FIELDS)


@pytest.mark.parametrize("dashboard, panel", PANELS)
def test_a_panel_asks_for_fields_that_there_are(dashboard: Dashboard, panel):
    request = search_request(dashboard, panel, "now-1h", "now")
    asked = {field.removesuffix(".keyword") for field in fields_of(request)}
    assert panel.field in asked and asked <= FIELDS[panel.index]
    assert set(request["query"]["range"]) == {dashboard.time_field}
    metric = request["aggs"]["2"]["aggs"]
    metric = metric["3"]["aggs"] if panel.by else metric
    assert metric == {"1": {panel.metric: {"field": panel.field}}}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_all_three_forms_of_a_panel_ask_the_same(dashboard: Dashboard):
    """The request, the saved object and Grafana's panel: the same fields of the same index."""
    objects = [json.loads(line) for line in (GENERATED / "opensearch" / f"{dashboard.name}.ndjson").read_text().splitlines()]
    by_id = {(one["type"], one["id"]): one for one in objects}
    for one in objects:
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in by_id
    visualizations = [one for one in objects if one["type"] == "visualization"]
    grafana = json.loads((GENERATED / "grafana" / f"{dashboard.name}.json").read_text())
    for panel, shown, drawn in zip(dashboard.panels, visualizations, grafana["panels"], strict=True):
        asked = fields_of(search_request(dashboard, panel, "now-1h", "now")["aggs"])
        assert fields_of(json.loads(shown["attributes"]["visState"])["aggs"]) == asked
        (target,) = drawn["targets"]
        assert fields_of([target["metrics"], target["bucketAggs"]]) == asked
        assert target["query"] == f"_index:{panel.index}" and shown["references"][0]["id"] == panel.index
        assert (target["bucketAggs"][-1]["type"] == "date_histogram") == (not panel.on_map)
    (board,) = [one for one in objects if one["type"] == "dashboard"]
    places = [panel["gridData"] for panel in json.loads(board["attributes"]["panelsJSON"])]
    assert not overlapping(places) and not overlapping([panel["gridPos"] for panel in grafana["panels"]])


def overlapping(places: list) -> bool:
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    return len(cells) != len(set(cells))


def test_a_panel_that_shows_nothing_is_refused():
    described = yaml.safe_load((FOLDER / "taxi.yaml").read_text())
    del described["panels"][0]["sum"]
    with pytest.raises(ValueError, match="either average or sum"):
        Dashboard.of("taxi", described)


# --- metrics --------------------------------------------------------------------------------------------


def documented(page: str = (ROOT / "docs" / "operations.md").read_text()) -> dict:
    """Labels of each metric, by the tables of the page, which tests/docs holds against the code. What stands before
    a table says whether its metrics have the label `job` as well."""
    labels, before = {}, ""
    for part in page[page.index("## Metrics"):page.index("## Kafka")].split("\n\n"):
        rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", part, re.MULTILINE)
        common = {"job"} if re.search(r"\blabels?\s+`job`", before) else set()
        labels.update({name: common | set(re.findall(r"`(\w+)`", cell)) for name, cell in rows})
        before = part
    return labels


def queries() -> dict:
    """Every expression that is made, by where it stands."""
    found = {one["alert"]: one["expr"] for one in make.described("alerts")}
    for panel in make.described("weir")["panels"]:
        found.update({f"{panel['title']}: {legend}": expression for legend, expression in panel["queries"].items()})
    return found


SCRAPED = {"instance", "job"}  # Labels that Prometheus gives.
SELECTOR = re.compile(r"\b((?:weir|process)_\w+|up)\b(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\bby \(([^)]*)\)")


def test_each_query_asks_for_metrics_and_labels_that_there_are():
    known = {**documented(), "up": set()}
    for where, expression in queries().items():
        asked = SELECTOR.findall(expression)
        assert asked, where
        for name, matchers in asked:
            assert name in known, f"{where}: {name}"
            labels = set(re.findall(r"(\w+)\s*[=!]~?", matchers))
            labels |= {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
            assert labels <= known[name] | SCRAPED, f"{where}: {name} has {known[name]}, asked for {labels}"


def test_names_in_texts_are_labels_that_are_left():
    """Of an alert's summary, and of a line's legend."""
    known = documented()
    for where, text, expression in [
            *((one["alert"], one["what"] + one["cure"], one["expr"]) for one in make.described("alerts")),
            *((panel["title"], legend, expression) for panel in make.described("weir")["panels"]
              for legend, expression in panel["queries"].items())]:
        named = set(re.findall(r"\$labels\.(\w+)", text)) | set(re.findall(r"\{\{(\w+)\}\}", text))
        grouping = GROUPING.search(expression)
        left = ({label.strip() for label in grouping[1].split(",")} if grouping
                else SCRAPED.union(*(known.get(name, set()) for name, _ in SELECTOR.findall(expression))))
        assert named <= left, where


def promtool(*words) -> subprocess.CompletedProcess:
    return subprocess.run([prometheus.TOOL, *words], capture_output=True, text=True, timeout=120)


def test_prometheus_takes_the_rules(debian_program):
    debian_program("prometheus")
    checked = promtool("check", "rules", GENERATED / "prometheus" / "alerts.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts_fire_on_what_they_are_for(debian_program, tmp_path):
    debian_program("prometheus")
    shutil.copy(GENERATED / "prometheus" / "alerts.yaml", tmp_path)
    cases = pathlib.Path(__file__).parent / "alerts_test.yaml"
    shutil.copy(cases, tmp_path)
    tested = promtool("test", "rules", tmp_path / "alerts_test.yaml")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    # Every alert has a case in which it fires.
    told = set(re.findall(r"\bWeir\w+", cases.read_text()))
    assert told == {one["alert"] for one in make.described("alerts")}


def test_a_rule_that_would_not_fire_is_found(debian_program, tmp_path):
    debian_program("prometheus")
    rules = (GENERATED / "prometheus" / "alerts.yaml").read_text()
    assert "weir_worker_up == 0" in rules
    (tmp_path / "alerts.yaml").write_text(rules.replace("weir_worker_up == 0", "weir_worker_up == 2"))
    shutil.copy(pathlib.Path(__file__).parent / "alerts_test.yaml", tmp_path)
    tested = promtool("test", "rules", tmp_path / "alerts_test.yaml")
    assert tested.returncode != 0 and "WeirWorkerAway" in tested.stdout + tested.stderr
