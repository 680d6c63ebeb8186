import pytest
import torch
import torchvision
from torch import nn

from occreid.annotate.detectors import open_detector, weights_key
from occreid.errors import UserError

MEND = "Give something else."


@pytest.fixture
def asked(monkeypatch):
    """What torchvision is asked for; it answers with a small layer."""
    calls = []

    def get_model(name, **options):
        calls.append((name, options))
        return nn.Linear(2, 2)

    monkeypatch.setattr(torchvision.models, "get_model", get_model)
    return calls


def test_weights_are_torchvisions_or_those_of_a_file(asked, tmp_path):
    weights = {"weight": torch.arange(4.0).view(2, 2), "bias": torch.ones(2)}
    torch.save(weights, tmp_path / "w.pth")
    network = open_detector("some_rcnn", str(tmp_path / "w.pth"), MEND, shorter_side=100)
    assert torch.equal(network.weight, weights["weight"]) and not network.training
    open_detector("some_rcnn", "coco", MEND)
    of_file, of_torchvision = (dict(options) for _, options in asked)
    assert of_file == {"weights": None, "weights_backbone": None, "min_size": 100, "max_size": 400}
    assert of_torchvision == {"weights": "COCO_V1", "min_size": 320, "max_size": 1280}
    assert {name for name, _ in asked} == {"some_rcnn"}


@pytest.mark.parametrize(
    "content",
    [
        *({"layer": torch.zeros(1)}, [1, 2], torch.zeros(3), nn.Linear, b"no weights at all", b""),
        *(b"hello", b"the weights", b".", b"GIF89a", b"JSON", b"X\x00\x00\x00\x01\xff", b"\x80\x02K\x01Q."),
    ],
)
def test_a_file_of_something_else_is_named(asked, tmp_path, content):
    file = tmp_path / "other.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(
        UserError, match=r"other\.pth does not hold weights of torchvision's some_rcnn \(.+\)"
    ) as caught:
        open_detector("some_rcnn", str(file), MEND)
    assert "\n" not in str(caught.value) and MEND in str(caught.value)


def test_weights_that_are_not_there_or_cannot_be_downloaded_are_named(monkeypatch):
    with pytest.raises(UserError, match=r"no weights nowhere\.pth.*Give 'coco' to download them. Give something else"):
        open_detector("some_rcnn", "nowhere.pth", MEND)

    def offline(name, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models, "get_model", offline)
    with pytest.raises(UserError, match=r"weights of some_rcnn could not be loaded \(no route to host\)"):
        open_detector("some_rcnn", "coco", MEND)


def test_weights_are_told_apart_by_their_content_not_their_name(tmp_path):
    for folder, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w.pth").write_bytes(content)
    one, other, same = (weights_key(str(tmp_path / folder / "w.pth")) for folder in "abc")
    assert one == same != other and weights_key("coco") == "coco"
    with pytest.raises(UserError, match=r"cannot read .*gone\.pth"):
        weights_key(str(tmp_path / "gone.pth"))
