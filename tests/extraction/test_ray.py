"""Extraction on Ray: the engine's pieces without a cluster, and one run on a local one."""

import json
import sys

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.extraction import extract, extract_to_disk
from occreid.extraction.ray import Describer, joined, ray_engine
from occreid.methods import Method
from occreid.records import Record

OPTIONS = {"batch_size": 2, "workers": 0, "device": "cpu", "precision": "float32", "masks": False, "progress": False}


class Halves(Method):
    """Two parts: the mean colours of the upper and the lower half; a dark half is not visible."""

    input_size = (8, 4)

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.full((3,), 2.0))

    def describe(self, images, masks=None):
        halves = images.float().unflatten(2, (2, -1)).mean((3, 4)).transpose(1, 2)
        return Descriptors(halves * self.gain, halves.mean(2) > 100)


@pytest.fixture
def records(tmp_path):
    made = []
    for i in range(7):
        picture = np.random.default_rng(i).integers(0, 60 * (1 + i % 4), (16, 8, 3)).astype(np.uint8)
        path = tmp_path / f"{i}.png"
        assert cv2.imwrite(str(path), picture)
        made.append(Record(path, 10 + i, i % 2))
    return made


def same(found, expected):
    assert torch.equal(found.features, expected.features) and torch.equal(found.visibility, expected.visibility)
    assert found.pids.tolist() == expected.pids.tolist() and found.camids.tolist() == expected.camids.tolist()
    assert list(found.paths) == list(expected.paths)


def test_a_describer_gives_what_extraction_gives(records):
    model = Halves()
    pickled = pytest.importorskip("ray.cloudpickle").dumps(model)
    out = Describer(pickled, OPTIONS)({"number": np.array([4, 9]), "records": [records[:3], records[3:]]})
    assert out["number"].tolist() == [4, 9]
    for piece, features, visibility in zip((records[:3], records[3:]), out["features"], out["visibility"], strict=True):
        same(joined({"features": features, "visibility": visibility}, piece), extract(model, piece, progress=False))


def test_chunks_may_come_in_any_order_and_a_broken_run_goes_on(records, tmp_path):
    model, folder, asked = Halves(), tmp_path / "out", []

    def backwards(model, pieces, options, stop=None):
        asked.append(len(pieces))
        for number in reversed(range(len(pieces))):
            if number == stop:
                raise KeyboardInterrupt
            yield number, extract(model, pieces[number], **options)

    def breaks(model, pieces, options):
        return backwards(model, pieces, options, stop=1)

    with pytest.raises(KeyboardInterrupt):
        extract_to_disk(model, records, folder, key={}, chunk=2, progress=False, engine=breaks)
    assert sorted(place.name for place in (folder / "chunks").iterdir()) == ["000000004", "000000006"]
    found, now = extract_to_disk(model, records, folder, key={}, chunk=2, progress=False, engine=backwards)
    assert asked == [4, 2] and now == 4
    same(found, extract(model, records, progress=False))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
def test_one_local_cluster_does_the_same_and_goes_on(records, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # by default workers give way, and starve beside other tests
    model, folder = Halves(), tmp_path / "out"
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no node can import a test
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        with pytest.raises(UserError, match=r"2 CPUs for 3 actors.*--actors 2"):
            next(ray_engine(3)(model, [records], OPTIONS))
        assert [*ray_engine(3)(model, [], OPTIONS)] == []
        expected, _ = extract_to_disk(model, records, tmp_path / "here", key={}, chunk=3, progress=False)
        (folder / "chunks").mkdir(parents=True)
        (folder / "key.json").write_text((tmp_path / "here" / "key.json").read_text())
        expected[:3].save(folder / "chunks" / "000000000")
        found, now = extract_to_disk(model, records, folder, key={}, chunk=3, progress=False, engine=ray_engine(1))
    finally:
        ray.shutdown()
    assert now == 4
    same(found, expected)
    assert json.loads((folder / "key.json").read_text())["chunk"] == 3
