import json
from dataclasses import replace

import pytest

from occreid.data.masks.evaluation import TEST_MASKS
from occreid.errors import UserError
from occreid.evaluation import Describer, Settings, measure
from occreid.evaluation.stress_curves import (
    Curve,
    CurveLog,
    Point,
    curves_summary,
    measure_curves,
    open_log,
    require_same_images,
    robustness,
)
from occreid.retrieval import Protocol


@pytest.fixture
def measured(colours, split):
    def run(path, stresses=(("flat", "top"), ("flat", "bottom")), model=colours, protocol=None, **options):
        options = {"levels": (0.0, 0.25, 0.5), **options}
        describer = Describer(model, split, protocol, Settings("cpu"))
        return measure_curves(describer, stresses, CurveLog(path, {"model": "toy"}), **options)

    return run


def test_a_curve_is_the_evaluation_at_every_level(measured, colours, split, tmp_path):
    top, bottom = measured(tmp_path / "log.json")
    clean = measure(colours, split, device="cpu")
    assert top.points[0] == bottom.points[0] and top.points[0].mean_ap == clean.mean_ap == 1
    assert [p.level for p in top.points] == [0, 0.25, 0.5]
    assert all(p.low <= p.mean_ap <= p.high for p in (*top.points, *bottom.points))
    assert top.points[2].mean_ap < 0.7  # nothing of the person is left
    assert top.points[2].rank1 < 1


@pytest.mark.parametrize("shots", ["multi", "single"])
def test_points_follow_the_protocol_whatever_its_ranks(colours, hard, tmp_path, shots):
    protocol = Protocol(ap="trapezoid", shots=shots, draws=3, seed=4, ranks=(2, 5))
    describer = Describer(colours, hard, protocol, Settings("cpu"))
    (curve,) = measure_curves(describer, [("flat", "any")], CurveLog(tmp_path / "log.json", {}), levels=(0.0,))
    expected = measure(colours, hard, replace(protocol, ranks=(1,)), device="cpu")
    assert (curve.points[0].mean_ap, curve.points[0].rank1) == (expected.mean_ap, expected.cmc[1])
    assert expected.mean_ap != measure(colours, hard, device="cpu").mean_ap


def test_measured_points_are_not_measured_again(measured, colours, tmp_path):
    class Interrupted(type(colours)):
        def describe(self, images, masks=None):
            if self.described >= 4 * 8:
                raise KeyboardInterrupt
            return super().describe(images, masks)

    file = tmp_path / "new" / "log.json"
    with pytest.raises(KeyboardInterrupt):
        measured(file, model=Interrupted(2))
    found = len(json.loads(file.read_text())["points"])
    assert found == 3
    announced = []
    again = measured(file, progress=announced.append)
    assert len(announced) == 5 - found and again == measured(tmp_path / "fresh.json")
    before = colours.described
    assert measured(file) == again and colours.described == before


def test_a_log_is_of_weights_benchmark_masks_and_protocol(colours, split, tmp_path):
    describer = Describer(colours, split, settings=Settings("cpu"))
    log = open_log(describer, tmp_path, "run", "procedural", 0)
    measure_curves(describer, [("flat", "any")], log, levels=(0.0, 0.5))
    again = open_log(describer, tmp_path, "run", "procedural", 0)
    assert again.get("clean") is not None
    others = (
        Describer(colours, split, Protocol(ap="trapezoid"), Settings("cpu")),
        Describer(colours, replace(split, notes={TEST_MASKS: "a"}), settings=Settings("cpu")),
        Describer(colours, split, settings=Settings("cpu"), card={"sha256": "abc"}),
    )
    for other in others:
        with pytest.raises(UserError, match="other weights, data or options"):
            open_log(other, tmp_path, "run", "procedural", 0)
    with pytest.raises(UserError, match="other weights, data or options"):
        open_log(describer, tmp_path, "run", "procedural", 1)


def test_curves_compare_on_the_same_pictures_only(split):
    require_same_images({"a": split, "b": replace(split, notes={TEST_MASKS: "a"})})
    with pytest.raises(UserError, match=r"b was trained on another benchmark than a .gallery: toy, 7 images"):
        require_same_images({"a": split, "b": replace(split, gallery=split.gallery[1:])})


def test_a_summary_says_robustness_and_oracle():
    curve = Curve("flat", "any", (Point(0, 0.8, 0, 1, 1), Point(1, 0.4, 0, 1, 1)))
    found = curves_summary([curve], "exact masks")
    assert found["oracle"] == "exact masks" and found["robustness"] == pytest.approx(0.6)
    assert found["curves"] == [{"kind": "flat", "side": "any", "area": curve.area, "kept": curve.kept}]


def test_points_of_something_else_are_refused(measured, tmp_path):
    measured(tmp_path / "log.json")
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
def test_mistakes_are_named(measured, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        measured(tmp_path / "log.json", **options)
