"""The same dashboards for Grafana, that of weir's own metrics, and the places that they read from."""

import json

from search_dashboard import MAP_PRECISION, MOST_LINES, Dashboard, Panel, place

SEARCH = "grafana-opensearch-datasource"
PROMETHEUS = "prometheus"
SCHEMA_VERSION = 39
# How the plug-in for OpenSearch heads the column of a metric.
COLUMN = {"avg": "Average", "sum": "Sum"}


def _text(node) -> str:
    return json.dumps(node, indent=1) + "\n"


def _frame(name: str, title: str, described: dict, panels: list, variables: list) -> dict:
    return {"uid": f"weir-{name}", "title": title, "tags": ["weir"], "timezone": "browser", "editable": True,
            "schemaVersion": SCHEMA_VERSION, "refresh": f"{described['refresh_seconds']}s",
            "time": {"from": described["from"], "to": described["to"]},
            "templating": {"list": variables}, "panels": panels}


# --- over search indices --------------------------------------------------------------------------------


def _target(dashboard: Dashboard, panel: Panel) -> dict:
    if panel.on_map:
        buckets = [{"id": "2", "type": "geohash_grid", "field": panel.on_map, "settings": {"precision": str(MAP_PRECISION)}}]
    else:
        buckets = [{"id": "2", "type": "date_histogram", "field": dashboard.time_field,
                    "settings": {"interval": "auto", "min_doc_count": "1"}}]
    if panel.by:  # The one over time comes last.
        buckets.insert(0, {"id": "3", "type": "terms", "field": panel.by,
                           "settings": {"size": str(MOST_LINES), "order": "desc", "orderBy": "1"}})
    return {"refId": "A", "datasource": _search_source(dashboard), "query": f"_index:{panel.index}",
            "queryType": "lucene", "luceneQueryType": "Metric", "timeField": dashboard.time_field,
            "metrics": [{"id": "1", "type": panel.metric, "field": panel.field}], "bucketAggs": buckets}


def _search_source(dashboard: Dashboard) -> dict:
    return {"type": SEARCH, "uid": f"weir-{dashboard.name}"}


def _map_options(panel: Panel) -> dict:
    by_metric = {"fixed": 1, "field": COLUMN[panel.metric], "min": 0, "max": 1}
    return {"view": {"id": "fit", "allLayers": True}, "basemap": {"type": "default", "name": "Base"},
            "layers": [{"type": "heatmap", "name": panel.title, "tooltip": True,
                        "config": {"weight": by_metric, "blur": 15, "radius": 8},
                        "location": {"mode": "geohash", "geohash": panel.on_map}}]}


def of_search(dashboard: Dashboard, described: dict) -> str:
    panels = []
    for number, panel in enumerate(dashboard.panels):
        panels.append({"id": number + 1, "title": panel.title, "type": "geomap" if panel.on_map else "timeseries",
                       "datasource": _search_source(dashboard), "gridPos": place(number, 12, 9),
                       "fieldConfig": {"defaults": {"displayName": "" if panel.by or panel.on_map else panel.label,
                                                    "custom": {}}, "overrides": []},
                       "options": _map_options(panel) if panel.on_map else {"legend": {"displayMode": "list"}},
                       "targets": [_target(dashboard, panel)]})
    return _text(_frame(dashboard.name, dashboard.title, described, panels, []))


# --- over metrics -----------------------------------------------------------------------------------------


def _metrics_panel(number: int, panel: dict) -> dict:
    source = {"type": PROMETHEUS, "uid": "${source}"}
    number_only = panel.get("show") == "number"
    defaults = {"unit": panel.get("unit", "short"), "custom": {}}
    if "alarm_above" in panel:
        defaults["thresholds"] = {"mode": "absolute", "steps": [
            {"color": "green", "value": None}, {"color": "red", "value": panel["alarm_above"] + 0.5}]}
    return {"id": number + 1, "title": panel["title"], "type": "stat" if number_only else "timeseries",
            "datasource": source, "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if number_only else {"legend": {"displayMode": "list"}},
            "targets": [{"refId": chr(ord("A") + at), "datasource": source, "expr": expression, "legendFormat": legend}
                        for at, (legend, expression) in enumerate(panel["queries"].items())]}


def of_metrics(name: str, described: dict) -> str:
    """Numbers in a row above, the rest two side by side below."""
    numbers = [panel for panel in described["panels"] if panel.get("show") == "number"]
    others = [panel for panel in described["panels"] if panel.get("show") != "number"]
    panels = [_metrics_panel(at, panel) for at, panel in enumerate(numbers + others)]
    width = 24 // len(numbers)
    for at, panel in enumerate(panels):
        below = place(at - len(numbers), 12, 8)
        panel["gridPos"] = ({"x": at * width, "y": 0, "w": width, "h": 4} if at < len(numbers)
                            else {**below, "y": below["y"] + 4})
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": PROMETHEUS}
    job = {"name": "job", "label": "Job", "type": "query", "datasource": {"type": PROMETHEUS, "uid": "${source}"},
           "query": "label_values(weir_rows_read_total, job)", "refresh": 2, "includeAll": True, "multi": True,
           "allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return _text(_frame(name, described["title"], described, panels, [source, job]))


def sources(dashboards: list) -> dict:
    """A file of Grafana's provisioning: where the search dashboards read. OPENSEARCH_URL is of Grafana's own
    environment; how it signs or logs in there is said in Grafana."""
    return {"apiVersion": 1, "datasources": [
        {"name": f"weir {one.name}", "uid": f"weir-{one.name}", "type": SEARCH, "access": "proxy", "url": "$OPENSEARCH_URL",
         "jsonData": {"database": ",".join(one.indices()), "timeField": one.time_field, "flavor": "opensearch",
                      "version": "2.19.0", "pplEnabled": False}} for one in dashboards]}
