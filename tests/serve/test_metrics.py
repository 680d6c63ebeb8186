import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from occreid.serve import metrics
from occreid.serve.metrics import Metrics


def read(found):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(found.text().decode())
        for sample in family.samples
    }


def test_everything_is_counted():
    found = Metrics(lambda: 7, lambda: 2)
    found.answered("/v1/search", 200, 0.03)
    found.answered("/v1/search", 200, 0.3)
    found.answered("/v1/search", 429, 0.001)
    found.refused("rate")
    found.batch(5)
    found.deleted("retention", 3)
    held = read(found)
    assert held["occreid_requests_total", ("route", "/v1/search"), ("status", "200")] == 2
    assert held["occreid_request_seconds_bucket", ("le", "0.05"), ("route", "/v1/search")] == 2
    assert held["occreid_request_seconds_sum", ("route", "/v1/search")] == pytest.approx(0.331)
    assert held["occreid_refused_total", ("why", "rate")] == 1
    assert (
        held["occreid_batch_size_bucket", ("le", "4.0")] == 0 and held["occreid_batch_size_bucket", ("le", "8.0")] == 1
    )
    assert held["occreid_entries_deleted_total", ("why", "retention")] == 3
    assert held["occreid_gallery_entries",] == 7 and held["occreid_pictures_waiting",] == 2


def test_two_services_do_not_share_counters():
    one, other = Metrics(lambda: 0, lambda: 0), Metrics(lambda: 0, lambda: 0)
    one.refused("rate")
    assert ("occreid_refused_total", ("why", "rate")) not in read(other)


def test_memory_is_what_the_system_says(monkeypatch):
    assert metrics.resident_bytes() > 10e6

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    assert math.isnan(metrics.resident_bytes())
