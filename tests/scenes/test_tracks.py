import torch

from occreid.descriptors import Descriptors
from occreid.scenes import Box
from occreid.scenes.tracks import Joiner


def look(crops):
    return Descriptors(torch.stack([torch.from_numpy(crop.copy()).float().mean((0, 1)) for crop in crops]))


def test_paths_follow_overlap_whatever_the_order(scene):
    joiner, pixels = Joiner(), scene()
    first = joiner.join([Box(0, 0, 20, 60), Box(100, 0, 20, 60)], pixels)
    second = joiner.join([Box(104, 0, 20, 60), Box(4, 0, 20, 60), Box(60, 0, 20, 60)], pixels)
    assert [box.track for box in first] == ["1", "2"] and [box.track for box in second] == ["2", "1", "3"]
    assert joiner.join([], pixels) == []
    assert [box.track for box in joiner.join([Box(4, 0, 20, 60)], pixels)] == ["1"]


def test_a_path_dies_after_its_patience(scene):
    joiner, pixels = Joiner(patience=1), scene()
    joiner.join([Box(0, 0, 20, 60)], pixels)
    joiner.join([], pixels)
    assert joiner.join([Box(0, 0, 20, 60)], pixels)[0].track == "1"
    joiner.join([], pixels)
    joiner.join([], pixels)
    assert joiner.join([Box(0, 0, 20, 60)], pixels)[0].track == "2"


def test_another_look_is_another_person(scene):
    red, blue = scene((0, 0, (220, 30, 30))), scene((0, 0, (30, 30, 220)))
    box = Box(0, 0, 20, 60)
    by_look, by_overlap = Joiner(look=look, distance=0.1), Joiner()
    for joiner, wanted in ((by_look, "112"), (by_overlap, "111")):
        assert [joiner.join([box], pixels)[0].track for pixels in (red, red, blue)] == [*wanted]


def test_paths_that_have_a_name_keep_it_and_no_other_gets_it(scene):
    joiner, pixels = Joiner(taken=frozenset({"1", "3", "ann"})), scene()
    boxes = [Box(0, 0, 20, 60, track="3"), Box(40, 0, 20, 60), Box(80, 0, 20, 60, track="ann"), Box(120, 0, 20, 60)]
    for _ in range(2):
        assert [box.track for box in joiner.join(boxes, pixels)] == ["3", "2", "ann", "4"]
    assert joiner.join(boxes[:1], pixels)[0].track == "3"
