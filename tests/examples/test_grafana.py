"""The dashboard asks for metrics that the service has."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client")
from occreid.serve.metrics import Metrics

DASHBOARD = json.loads((Path(__file__).parents[2] / "examples" / "grafana" / "occreid.json").read_text("utf-8"))


def asked_for() -> dict[str, set[str]]:
    """Metric → labels that the panels use of it."""
    found: dict[str, set[str]] = {}
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            names = re.findall(r"(occreid_\w+)\{([^}]*)\}", text)
            by = {label for group in re.findall(r"by \(([^)]*)\)", text) for label in re.split(r",\s*", group)}
            for name, inside in names:
                found.setdefault(name, set()).update({*by, *re.findall(r"(\w+)=", inside)} - {"job", "le"})
    return found


def test_every_metric_of_the_dashboard_is_the_services():
    metrics = Metrics(lambda: 0, lambda: 0)
    names = {family.name for family in metrics.registry.collect()}
    labels = {made._name: set(made._labelnames) for made in vars(metrics).values() if hasattr(made, "_labelnames")}
    asked = {re.sub(r"_(total|bucket|sum|count)$", "", name): used for name, used in asked_for().items()}
    assert set(asked) <= names and len(asked) >= 8
    for name, used in asked.items():
        assert used <= labels.get(name, set()), name


def test_panels_do_not_lie_on_each_other():
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
