import time

import pytest
import torch

from occreid.errors import UserError
from occreid.gallery import Entry, Gallery
from occreid.serve.audit import AuditLog
from occreid.serve.metrics import Metrics
from occreid.serve.removal import Removal

pytest.importorskip("lancedb")
DAY = 86400.0


@pytest.fixture
def gallery(tmp_path):
    return Gallery.create(str(tmp_path / "g"), dim=3, metric="cosine", weights_hash="w")


@pytest.fixture
def removal(gallery, tmp_path):
    return Removal(gallery, AuditLog(tmp_path / "audit.jsonl"), Metrics(lambda: 0, lambda: 0), 30.0)


def test_a_clock_that_jumps_forward_deletes_nobody(removal, gallery, monkeypatch):
    gallery.add([Entry(torch.ones(3), id="a")])
    honest = time.time
    monkeypatch.setattr("time.time", lambda: honest() + 400 * DAY)
    with pytest.raises(UserError, match="the clock jumped forward by 9600"):
        removal.retain()
    monkeypatch.undo()
    assert removal.retain() == 0 and len(gallery) == 1


def test_a_clock_that_is_wrong_from_the_start_deletes_nobody(gallery, tmp_path, monkeypatch):
    gallery.add([Entry(torch.ones(3), id="a")])
    honest = time.time
    monkeypatch.setattr("time.time", lambda: honest() + 400 * DAY)
    late = Removal(gallery, AuditLog(tmp_path / "audit.jsonl"), Metrics(lambda: 0, lambda: 0), 30.0)
    with pytest.raises(UserError, match="every entry would be deleted"):
        late.retain()
    assert len(gallery) == 1


def test_a_time_in_the_future_evades_no_retention(removal, gallery, monkeypatch):
    honest = time.time
    monkeypatch.setattr("time.time", lambda: honest() - 40 * DAY)
    gallery.add(
        [Entry(torch.ones(3), id="future", timestamp=4e9), Entry(torch.ones(3), id="ahead", timestamp=honest())]
    )
    monkeypatch.undo()
    gallery.add([Entry(torch.ones(3), id="new")])
    assert removal.retain() == 2 and gallery.known(["future", "ahead", "new"]) == {"new"}
