import json

import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.images import read_image
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation.stress_curves import Curve, CurveLog, Point, measure_curves, robustness
from occreid.records import Record, Split
from occreid.retrieval import evaluate


@pytest.fixture
def split(tmp_path):
    """Eight persons; a person is the colour of the upper half, the lower half is the same for all."""
    sides = ([], [])
    for pid in range(8):
        for camera in range(2):
            path = tmp_path / f"{pid}_{camera}.png"
            pixels = np.full((40, 20, 3), 90, np.uint8)
            pixels[:20] = (30 * pid, 220 - 25 * pid, 40 + 20 * camera)
            Image.fromarray(pixels).save(path)
            sides[camera].append(Record(path, pid, camera))
    return Split("toy", (), *map(tuple, sides))


def mean_colour(records, alter):
    images = [read_image(r.path) for r in records]
    if alter is not None:
        images = [alter(image, None, r)[0] for image, r in zip(images, records, strict=True)]
    return Descriptors(
        torch.from_numpy(np.stack([i.mean((0, 1))[:2] for i in images]).astype(np.float32)),
        pids=torch.tensor([r.pid for r in records]),
        camids=torch.tensor([r.camid for r in records]),
    )


def measure(split, path, describe=mean_colour, stresses=(("flat", "top"), ("flat", "bottom")), **options):
    options = {"levels": (0.0, 0.25, 0.5), **options}
    log = CurveLog(path, {"model": "toy"})
    return measure_curves(describe, lambda d, g: d, split, "euclidean", stresses, log, **options)


def test_a_curve_is_the_evaluation_at_every_level(split, tmp_path):
    top, bottom = measure(split, tmp_path / "log.json")
    clean = evaluate(mean_colour(split.query, None), mean_colour(split.gallery, None), "euclidean")
    assert top.points[0] == bottom.points[0] and top.points[0].mean_ap == clean.mean_ap == 1
    assert [p.level for p in top.points] == [0, 0.25, 0.5]
    assert all(p.low <= p.mean_ap <= p.high for p in (*top.points, *bottom.points))
    assert top.points[2].mean_ap < 0.7  # nothing of the person is left
    assert top.points[2].rank1 < 1


def test_only_the_named_side_is_stressed(split, tmp_path):
    seen = []

    def describe(records, alter):
        seen.append((records[0].camid, alter is not None))
        return mean_colour(records, alter)

    for on, stressed in (("query", {0}), ("gallery", {1}), ("both", {0, 1})):
        seen.clear()
        measure(split, tmp_path / f"{on}.json", describe, (("flat", "top"),), levels=(0.0, 0.5), on=on)
        assert {camera for camera, altered in seen if altered} == stressed
        assert {camera for camera, altered in seen if not altered} == {0, 1}


def test_measured_points_are_not_measured_again(split, tmp_path):
    calls = []

    def counting(records, alter):
        calls.append(1)
        if len(calls) > 4:
            raise KeyboardInterrupt
        return mean_colour(records, alter)

    file = tmp_path / "new" / "log.json"
    with pytest.raises(KeyboardInterrupt):
        measure(split, file, counting)
    measured = len(json.loads(file.read_text())["points"])
    assert measured == 3
    told = []
    again = measure(split, file, progress=told.append)
    assert len(told) == 5 - measured and again == measure(split, tmp_path / "fresh.json")
    assert measure(split, file, describe=lambda *a: pytest.fail("measured again")) == again


def test_points_of_something_else_are_refused(split, tmp_path):
    measure(split, tmp_path / "log.json")
    with pytest.raises(UserError, match="other weights, data or options"):
        CurveLog(tmp_path / "log.json", {"model": "another"})
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="is not JSON"):
        CurveLog(tmp_path / "bad.json", {})
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        CurveLog(tmp_path / "file" / "log.json", {}).put("clean", Point(0, 1, 1, 1, 1))


def test_area_and_robustness():
    def curve(*values):
        return Curve("flat", "any", tuple(Point(x / 10, v, v, v, v) for x, v in enumerate(values)))

    assert curve(0.8, 0.8, 0.8).area == pytest.approx(0.8) and curve(0.8, 0.8, 0.8).kept == pytest.approx(1)
    assert curve(0.8, 0.4).area == pytest.approx(0.6) and curve(0.8, 0.4).kept == pytest.approx(0.75)
    assert curve(0.5).area == 0.5 and curve(0.0, 0.0).kept == 0
    assert robustness([curve(0.8, 0.8), curve(0.8, 0.4)]) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"on": "all"}, "cannot be on"), ({"levels": (0.2, 0.1)}, "do not rise"), ({"levels": ()}, "do not rise")],
)
def test_mistakes_are_named(split, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        measure(split, tmp_path / "log.json", **options)
