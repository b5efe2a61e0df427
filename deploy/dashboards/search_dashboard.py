"""A dashboard over search indices: what its panels ask the server, and what it is to OpenSearch Dashboards.

A panel shows the `average` or the `sum` of a field, over time, as a line for each value of `by` where that is
said; or, `on_map`, for each area of a geo_point.
"""

import dataclasses
import json

MOST_LINES = 20
# Characters of a geohash: some 150 m.
MAP_PRECISION = 7


@dataclasses.dataclass
class Panel:
    title: str
    index: str
    label: str
    average: str = ""
    sum: str = ""
    by: str = ""
    on_map: str = ""

    def __post_init__(self):
        if bool(self.average) == bool(self.sum):
            raise ValueError(f"panel '{self.title}': either average or sum")

    @property
    def field(self) -> str:
        return self.average or self.sum

    @property
    def metric(self) -> str:
        """As the server and its Dashboards name it."""
        return "avg" if self.average else "sum"


@dataclasses.dataclass
class Dashboard:
    name: str
    title: str
    time_field: str
    start: str
    end: str
    refresh_seconds: int
    panels: list

    @staticmethod
    def of(name: str, described: dict) -> "Dashboard":
        return Dashboard(name, described["title"], described["time_field"], described["from"], described["to"],
                         described["refresh_seconds"], [Panel(**panel) for panel in described["panels"]])

    def indices(self) -> list:
        return sorted({panel.index for panel in self.panels})


def search_request(dashboard: Dashboard, panel: Panel, start: str, end: str, interval: str = "1m") -> dict:
    """The body of the panel's POST /INDEX/_search, for the times from `start` to `end`. Its buckets are in
    `aggregations.2`, each with the metric as `1` or, with `by`, with buckets of their own in `3`."""
    metric = {"1": {panel.metric: {"field": panel.field}}}
    if panel.on_map:
        buckets = {"geohash_grid": {"field": panel.on_map, "precision": MAP_PRECISION}}
    else:
        buckets = {"date_histogram": {"field": dashboard.time_field, "fixed_interval": interval, "min_doc_count": 1}}
    inner = metric
    if panel.by:
        inner = {"3": {"terms": {"field": panel.by, "size": MOST_LINES, "order": {"1": "desc"}}, "aggs": metric}}
    return {"size": 0, "query": {"range": {dashboard.time_field: {"gte": start, "lte": end}}},
            "aggs": {"2": {**buckets, "aggs": inner}}}


# --- as saved objects of OpenSearch Dashboards ------------------------------------------------------------


def _compact(node) -> str:
    return json.dumps(node, separators=(",", ":"))


def _search_source(**more) -> dict:
    return {"searchSourceJSON": _compact({"query": {"query": "", "language": "kuery"}, "filter": [], **more})}


def _aggregations(dashboard: Dashboard, panel: Panel) -> list:
    found = [{"id": "1", "enabled": True, "type": panel.metric, "schema": "metric",
              "params": {"field": panel.field, "customLabel": panel.label}}]
    if panel.on_map:
        found.append({"id": "2", "enabled": True, "type": "geohash_grid", "schema": "segment",
                      "params": {"field": panel.on_map, "autoPrecision": True, "precision": MAP_PRECISION,
                                 "useGeocentroid": True, "isFilteredByCollar": True}})
        return found
    found.append({"id": "2", "enabled": True, "type": "date_histogram", "schema": "segment",
                  "params": {"field": dashboard.time_field, "interval": "auto", "drop_partials": False,
                             "min_doc_count": 1, "extended_bounds": {}}})
    if panel.by:
        found.append({"id": "3", "enabled": True, "type": "terms", "schema": "group",
                      "params": {"field": panel.by, "orderBy": "1", "order": "desc", "size": MOST_LINES,
                                 "otherBucket": False, "missingBucket": False}})
    return found


_MAP = {"mapType": "Heatmap", "isDesaturated": True, "addTooltip": True, "heatClusterSize": 1.5,
        "legendPosition": "bottomright", "mapZoom": 10, "mapCenter": [40.72, -73.89], "wms": {"enabled": False}}


def _line(panel: Panel) -> dict:
    return {
        "type": "line", "grid": {"categoryLines": False}, "addTooltip": True, "addLegend": bool(panel.by),
        "legendPosition": "right", "times": [], "addTimeMarker": False,
        "categoryAxes": [{"id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "style": {},
                          "scale": {"type": "linear"}, "labels": {"show": True, "truncate": 100}, "title": {}}],
        "valueAxes": [{"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True,
                       "style": {}, "scale": {"type": "linear", "mode": "normal"},
                       "labels": {"show": True, "rotate": 0, "filter": False, "truncate": 100},
                       "title": {"text": panel.label}}],
        "seriesParams": [{"show": True, "type": "line", "mode": "normal", "valueAxis": "ValueAxis-1",
                          "drawLinesBetweenPoints": True, "showCircles": True,
                          "data": {"label": panel.label, "id": "1"}}],
    }


def _visualization(dashboard: Dashboard, panel: Panel, id_: str) -> dict:
    state = {"title": panel.title, "type": "tile_map" if panel.on_map else "line",
             "params": _MAP if panel.on_map else _line(panel), "aggs": _aggregations(dashboard, panel)}
    index = "kibanaSavedObjectMeta.searchSourceJSON.index"
    return {"id": id_, "type": "visualization",
            "attributes": {"title": panel.title, "visState": _compact(state), "uiStateJSON": "{}", "description": "",
                           "version": 1, "kibanaSavedObjectMeta": _search_source(indexRefName=index)},
            "references": [{"name": index, "type": "index-pattern", "id": panel.index}]}


def place(number: int, width: int, height: int) -> dict:
    """Where a panel is among others of its size, two side by side over `2 * width` columns."""
    return {"x": number % 2 * width, "y": number // 2 * height, "w": width, "h": height}


def saved_objects(dashboard: Dashboard) -> str:
    """A file for Dashboards Management, Saved objects, Import; importing it again changes nothing."""
    objects = [{"id": index, "type": "index-pattern", "references": [],
                "attributes": {"title": index, "timeFieldName": dashboard.time_field}} for index in dashboard.indices()]
    ids = [f"weir-{dashboard.name}-{number}" for number in range(len(dashboard.panels))]
    objects += [_visualization(dashboard, panel, id_) for panel, id_ in zip(dashboard.panels, ids)]
    panels = [{"version": "2.19.0", "panelIndex": str(number), "embeddableConfig": {}, "panelRefName": f"panel_{number}",
               "gridData": {**place(number, 24, 15), "i": str(number)}} for number in range(len(ids))]
    objects.append({
        "id": f"weir-{dashboard.name}", "type": "dashboard",
        "attributes": {"title": dashboard.title, "description": "", "hits": 0, "version": 1,
                       "panelsJSON": _compact(panels),
                       "optionsJSON": _compact({"useMargins": True, "hidePanelTitles": False}),
                       "timeRestore": True, "timeFrom": dashboard.start, "timeTo": dashboard.end,
                       "refreshInterval": {"pause": False, "value": dashboard.refresh_seconds * 1000},
                       "kibanaSavedObjectMeta": _search_source()},
        "references": [{"name": f"panel_{number}", "type": "visualization", "id": id_} for number, id_ in enumerate(ids)]})
    return "".join(_compact(one) + "\n" for one in objects)
