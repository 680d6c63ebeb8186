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
        (":", "detector ':' names no function"),
        ("colour_detector:", "detector 'colour_detector:' names no function"),
        (".detector:find", r"detector '\.detector:find' names no function"),
    ],
)
def test_unknown_detectors_are_named(name, problem, colours):
    with pytest.raises(UserError, match=problem):
        open_boxes(name)


def test_a_file_of_boxes_is_a_detector(frame, tmp_path):
    (tmp_path / "b.CSV").write_text("file,x,y,width,height\na.png,10,40,20,60\n")
    assert open_boxes(str(tmp_path / "b.CSV"))(frame) == [Box(10, 40, 20, 60)]
    with pytest.raises(UserError, match=r"no file of boxes|there is no"):
        open_boxes(str(tmp_path / "gone.json"))


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
