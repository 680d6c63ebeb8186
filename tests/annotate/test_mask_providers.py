import json
import os

import cv2
import numpy as np
import pytest
import torch

from occreid.annotate.mask_providers import KEY, MaskRCNN, SilhouetteFolder, open_mask_rcnn, write_masks
from occreid.data.masks.files import read_mask
from occreid.errors import UserError
from occreid.records import Record


@pytest.fixture
def bench(tmp_path):
    """Three pictures of 12 × 6 pixels, and their records."""
    root = tmp_path / "bench"
    (root / "query").mkdir(parents=True)
    for number in range(3):
        assert cv2.imwrite(str(root / "query" / f"{number}.png"), np.full((12, 6, 3), 40 * number, np.uint8))
    return root, [Record(root / "query" / f"{number}.png", number, 0) for number in range(3)]


class Counting:
    """Marks the upper half; fails where it is told to."""

    def __init__(self, fails_at=None, empty=False):
        self.key = {"provider": "counting"}
        self.calls, self.fails_at, self.empty = [], fails_at, empty

    def sources(self, image):
        return (image,)

    def __call__(self, image):
        if image.stem == self.fails_at:
            raise UserError("stop", "go")
        self.calls.append(image.stem)
        mask = np.zeros((12, 6), np.uint8)
        mask[:6] = not self.empty
        return mask


def test_masks_are_made_once(bench, tmp_path):
    root, records = bench
    provider, ticks = Counting(), []
    assert write_masks(records, root, tmp_path / "m", provider, ticks.append) == (3, 0)
    assert write_masks(records, root, tmp_path / "m", provider, ticks.append) == (0, 0)
    assert provider.calls == ["0", "1", "2"] and ticks == [1] * 6
    mask = read_mask(tmp_path / "m/query/1.png")
    assert mask[:6].all() and not mask[6:].any()
    assert json.loads((tmp_path / "m" / KEY).read_text()) == {"provider": "counting"}


def test_an_interrupted_call_is_gone_on_with(bench, tmp_path):
    root, records = bench
    with pytest.raises(UserError, match="stop"):
        write_masks(records, root, tmp_path / "m", Counting(fails_at="1"))
    provider = Counting()
    assert write_masks(records, root, tmp_path / "m", provider) == (2, 0) and provider.calls == ["1", "2"]
    assert not list((tmp_path / "m").rglob("*part*"))


def test_images_without_a_person_are_counted(bench, tmp_path):
    root, records = bench
    assert write_masks(records, root, tmp_path / "m", Counting(empty=True)) == (3, 3)


def test_masks_of_two_providers_do_not_share_a_folder(bench, tmp_path):
    root, records = bench
    write_masks(records, root, tmp_path / "m", Counting())
    other = Counting()
    other.key = {"provider": "other"}
    with pytest.raises(UserError, match="holds masks of another provider"):
        write_masks(records, root, tmp_path / "m", other)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thing").touch()
    with pytest.raises(UserError, match="full is not empty"):
        write_masks(records, root, tmp_path / "full", other)


def test_silhouettes_become_masks_of_the_images_size(bench, tmp_path):
    root, records = bench
    folder = tmp_path / "theirs"
    (folder / "query").mkdir(parents=True)
    grey = np.zeros((24, 12), np.uint8)
    grey[:12] = 255
    assert cv2.imwrite(str(folder / "query/0.png"), grey)
    mask = SilhouetteFolder(root, folder)(records[0].path)
    assert mask.shape == (12, 6) and mask.dtype == np.uint8 and mask[:6].all() and not mask[6:].any()
    with pytest.raises(UserError, match=r"1.png has no silhouette"):
        SilhouetteFolder(root, folder)(records[1].path)
    assert cv2.imwrite(str(folder / "query/2.png"), np.zeros((24, 24), np.uint8))
    with pytest.raises(UserError, match="another shape"):
        SilhouetteFolder(root, folder)(records[2].path)


def detector(*people):
    """A detector that finds (label, score, rows of the mask)."""

    def run(images):
        ((_, height, width),) = (image.shape for image in images)
        assert images[0].max() <= 1 and images[0].dtype == torch.float32
        masks = torch.zeros(len(people), 1, height, width)
        for mask, (_, _, rows) in zip(masks, people, strict=True):
            mask[0, :rows] = 0.9
        labels, scores = (torch.tensor([person[i] for person in people]) for i in (0, 1))
        return [{"labels": labels.long(), "scores": scores.float(), "masks": masks}]

    return run


@pytest.mark.parametrize(
    "people, rows",
    [
        ([(1, 0.9, 4)], 4),
        ([(1, 0.9, 2), (1, 0.8, 8)], 8),  # a little less sure, but far more of it in the picture
        ([(1, 0.9, 6), (1, 0.6, 8)], 6),
        ([(3, 0.99, 10), (1, 0.6, 5)], 5),  # a car is no person
        ([(1, 0.4, 8)], 0),  # not sure enough
        ([], 0),
    ],
)
def test_mask_rcnn_takes_the_person_it_is_surest_of_and_sees_most_of(bench, people, rows):
    _, records = bench
    mask = MaskRCNN(detector(*people), "toy")(records[0].path)
    assert mask.shape == (12, 6) and mask[:rows].all() and not mask[rows:].any()


def test_weights_of_mask_rcnn_that_are_not_there_or_not_its_own_are_named(tmp_path):
    with pytest.raises(UserError, match=r"there are no weights nowhere.pth"):
        open_mask_rcnn("nowhere.pth")
    torch.save({"layer": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other.pth does not hold weights of torchvision's maskrcnn_resnet50_fpn"):
        open_mask_rcnn(str(tmp_path / "other.pth"))


def test_a_mask_is_made_anew_when_its_picture_was_replaced(bench, tmp_path):
    root, records = bench
    provider = Counting()
    write_masks(records, root, tmp_path / "m", provider)
    cv2.imwrite(str(records[1].path), np.full((12, 6, 3), 41, np.uint8))
    os.utime(records[1].path, (0, 0))  # by an older one
    assert write_masks(records, root, tmp_path / "m", provider) == (1, 0) and provider.calls[3:] == ["1"]


def test_two_pictures_that_would_share_a_mask_are_refused(bench, tmp_path):
    root, records = bench
    other = Record(records[0].path.with_suffix(".bmp"), 0, 0)
    with pytest.raises(UserError, match=r"0\.png and .*0\.bmp would share the mask"):
        write_masks([*records, other], root, tmp_path / "m", Counting())


def test_a_mask_is_made_anew_when_its_silhouette_was_replaced(bench, tmp_path):
    root, records = bench
    (tmp_path / "s/query").mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"s/query/{number}.png"), np.full((12, 6), 255, np.uint8))
    provider = SilhouetteFolder(root, tmp_path / "s")
    assert write_masks(records, root, tmp_path / "m", provider) == (3, 0)
    cv2.imwrite(str(tmp_path / "s/query/2.png"), np.zeros((12, 6), np.uint8))
    os.utime(tmp_path / "s/query/2.png", (0, 0))
    assert write_masks(records, root, tmp_path / "m", provider) == (1, 1)


def test_silhouettes_of_two_folders_of_one_name_are_two(bench, tmp_path):
    root, _ = bench
    one, other = (SilhouetteFolder(root, tmp_path / name / "silhouettes") for name in "ab")
    assert one.key != other.key
