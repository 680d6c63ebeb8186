import json

import pytest
import torch

from occreid.errors import UserError
from occreid.scenes import Box, Frame, open_boxes


@pytest.fixture
def frame(scene):
    return Frame("where/a.png", 0, scene((10, 40, (220, 30, 30)), (150, 30, (30, 30, 220))))


def test_a_function_or_class_of_ones_own(frame, colours):
    wanted = [Box(10, 40, 20, 60, 0.9), Box(150, 30, 20, 60, 0.9)]
    for name in (colours, "colour_detector:Finder"):
        assert sorted(open_boxes(name)(frame), key=lambda box: box.x) == wanted


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("colour_detector:rubbish", r"no pair of boxes and scores for where/a\.png"),
        ("colour_detector:sizes", "ends before it begins"),
        ("colour_detector:percent", "scores from 90"),
        ("colour_detector:nowhere", "no number"),
        ("colour_detector:burns", r"colour_detector:burns failed on where/a\.png \(the weights are on fire\)"),
    ],
)
def test_rubbish_of_a_detector_is_named(name, problem, frame, colours):
    with pytest.raises(UserError, match=problem):
        open_boxes(name)(frame)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("colour_detector:gone", "has no function 'gone'"),
        ("colour_detector:Unmade", r"'colour_detector:Unmade' cannot be made \(no weights\)"),
        ("colour_detector:number", "has no function 'number'"),
        ("no_such_module:find", "there is no module no_such_module"),
        ("yolo", "no detector 'yolo'"),
    ],
)
def test_unknown_detectors_are_named(name, problem, colours):
    with pytest.raises(UserError, match=problem):
        open_boxes(name)


def test_boxes_from_files(frame, tmp_path):
    rows = [{"file": "a.png", "x": 10, "y": 40, "width": 20, "height": 60, "score": 0.5, "track": 3}]
    (tmp_path / "b.json").write_text(json.dumps(rows))
    (tmp_path / "b.csv").write_text("file,x,y,width,height,score,track\na.png,10,40,20,60,0.5,3\nb.png,0,0,20,60,1,\n")
    (tmp_path / "b.txt").write_text("1,3,10,40,20,60,0.5,-1,-1,-1\n2,4,0,0,20,60,1\n")
    for ending in ("json", "csv", "txt"):
        assert open_boxes(str(tmp_path / f"b.{ending}"))(frame) == [Box(10, 40, 20, 60, 0.5, 3)], ending
    assert open_boxes(str(tmp_path / "b.json"))(Frame("other.png", 0, frame.pixels)) == []


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("b.json", "{}", "holds no list"),
        ("b.json", "[]", "holds no boxes"),
        ("b.json", '[{"x": 1}]', "box 1"),
        ("b.csv", "file,x,y,width,height\na,1,2,three,4\n", "box 1"),
        ("b.txt", "1,2,3\n", "line 1 is no line of MOT's"),
        ("b.txt", "1,2,3,4,5,x\n", "line 1 holds no numbers"),
    ],
)
def test_files_that_hold_no_boxes(name, text, problem, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=problem):
        open_boxes(str(tmp_path / name))


def test_torchvisions_detectors_give_persons_only(frame, monkeypatch):
    from occreid.scenes import detectors

    class Network(torch.nn.Module):
        def forward(self, images):
            assert images[0].shape == (3, 120, 200) and images[0].max() <= 1
            boxes = torch.tensor([[10.0, 40, 30, 100], [0, 0, 50, 50]])
            return [{"boxes": boxes, "labels": torch.tensor([1, 3]), "scores": torch.tensor([0.8, 0.9])}]

    monkeypatch.setattr(detectors, "open_detector", lambda *a, **k: Network())
    (found,) = open_boxes("fasterrcnn_resnet50_fpn")(frame)
    assert (found.x, found.y, found.width, found.height) == (10, 40, 20, 60) and found.score == pytest.approx(0.8)


def test_a_detector_of_torchvision_runs(frame, tmp_path):
    from torchvision.models import get_model

    torch.manual_seed(0)
    name = "fasterrcnn_mobilenet_v3_large_320_fpn"
    network = get_model(name, weights=None, weights_backbone=None)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    assert all(isinstance(box, Box) for box in open_boxes(name, weights=str(tmp_path / "w.pth"))(frame))


@pytest.mark.parametrize("box", ["9000,9000,20,40", "0.25,0.3,0.1,0.5", "-90,0,40,60"])
def test_boxes_of_another_scene_are_named_and_later_ones_may_leave_it(box, frame, tmp_path):
    (tmp_path / "b.csv").write_text(f"file,x,y,width,height\na.png,{box}\n")
    with pytest.raises(UserError, match=r"b\.csv has no box inside where/a\.png, which is 200 × 120 pixels"):
        open_boxes(str(tmp_path / "b.csv"))(frame)
    (tmp_path / "c.csv").write_text(f"file,x,y,width,height\na.png,10,40,20,60\nb.png,{box}\n")
    detect = open_boxes(str(tmp_path / "c.csv"))
    assert len(detect(frame)) == 1 and detect(Frame("b.png", 0, frame.pixels)) == []
