#!/usr/bin/env python3
"""Makes the dashboards and alerts in generated/ from the descriptions beside this file:

    python3 deploy/dashboards/make.py

clickstream.yaml and taxi.yaml describe dashboards over search indices, weir.yaml one over weir's metrics,
alerts.yaml the rules of Prometheus. A change goes there, never into generated/.
"""

import pathlib

import yaml

import grafana_dashboard
from search_dashboard import Dashboard, saved_objects

HERE = pathlib.Path(__file__).resolve().parent
GENERATED = HERE / "generated"
SEARCH_DASHBOARDS = ("clickstream", "taxi")
MADE = "# Made by deploy/dashboards/make.py.\n"


def described(name: str):
    return yaml.safe_load((HERE / f"{name}.yaml").read_text())


def search_dashboards() -> list:
    return [Dashboard.of(name, described(name)) for name in SEARCH_DASHBOARDS]


def alert_rules(alerts: list) -> dict:
    return {"groups": [{"name": "weir", "rules": [
        {"alert": one["alert"], "expr": one["expr"], "for": one["for"], "labels": {"severity": one["severity"]},
         "annotations": {"summary": one["what"], "description": one["cure"]}} for one in alerts]}]}


def _yaml(node) -> str:
    return yaml.safe_dump(node, sort_keys=False, width=110, allow_unicode=True)


def files() -> dict:
    """Texts of all files, by their names below generated/."""
    dashboards = search_dashboards()
    made = {"grafana/weir.json": grafana_dashboard.of_metrics("metrics", described("weir")),
            "grafana/sources.yaml": MADE + _yaml(grafana_dashboard.sources(dashboards)),
            "prometheus/alerts.yaml": MADE + _yaml(alert_rules(described("alerts")))}
    for dashboard in dashboards:
        made[f"opensearch/{dashboard.name}.ndjson"] = saved_objects(dashboard)
        made[f"grafana/{dashboard.name}.json"] = grafana_dashboard.of_search(dashboard, described(dashboard.name))
    return made


def main():
    for name, text in files().items():
        (GENERATED / name).parent.mkdir(parents=True, exist_ok=True)
        (GENERATED / name).write_text(text)


if __name__ == "__main__":
    main()
