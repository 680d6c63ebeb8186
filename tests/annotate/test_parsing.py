import json
import os

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from occreid.annotate.parsing import parse_to_disk
from occreid.data.masks.files import read_mask, write_mask
from occreid.errors import UserError
from occreid.models import PartParser
from occreid.models.masker import part_labels
from occreid.records import Record

COLOURS = [(0, 0, 0), (250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]


class ByColour(PartParser):
    """A pixel's part is the nearest of five colours: a parser that is always right about them."""

    input_size = (16, 8)

    def __init__(self):
        super().__init__()
        self.register_buffer("colours", torch.tensor(COLOURS).float())
        self.norm = nn.BatchNorm2d(3)
        self.parsed = 0

    def parse(self, images):
        assert not self.training
        self.parsed += len(images)
        return -(images.float()[:, None] - self.colours[None, :, :, None, None]).square().sum(2)


@pytest.fixture
def records(tmp_path):
    """Four 16×8 pictures whose colours say the parts; their masks agree but for the last row, which says head."""
    made = []
    for i in range(4):
        mask = np.zeros((16, 8), np.uint8)
        mask[2:8], mask[8:12], mask[12:] = i % 4 + 1, 2, 4
        picture = np.array(COLOURS, np.uint8)[mask]
        path = tmp_path / "set" / "train" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture[..., ::-1])
        mask[15] = 1
        write_mask(tmp_path / f"m{i}.png", mask)
        made.append(Record(path, i, 0, mask=tmp_path / f"m{i}.png"))
    return made


def test_labels_are_taken_after_stretching():
    scores = torch.zeros(1, 5, 1, 2)
    scores[0, 3, 0, 0], scores[0, 1, 0, 1] = 2, 1
    assert part_labels(scores, 1, 8).tolist() == [[[3, 3, 3, 3, 3, 1, 1, 1]]]


def test_masks_are_written_at_the_images_size_and_found_again(records, tmp_path):
    big = cv2.imread(str(records[0].path))
    cv2.imwrite(str(records[0].path), cv2.resize(big, (24, 48), interpolation=cv2.INTER_NEAREST))
    out, model = tmp_path / "masks", ByColour()
    assert parse_to_disk(model, records, tmp_path / "set", out, weights="abc", progress=False) == 4
    first, second = read_mask(out / "train/0.png"), read_mask(out / "train/1.png")
    assert first.shape == (48, 24) and second.shape == (16, 8)
    assert np.array_equal(second[:15], read_mask(records[1].mask)[:15]) and (second[15] == 4).all()
    assert json.loads((out / "parsing.json").read_text()) == {"weights_sha256": "abc", "input_size": [16, 8]}


def test_an_interrupted_parse_goes_on(records, tmp_path):
    out, model = tmp_path / "masks", ByColour()
    parse_to_disk(model, records[:3], tmp_path / "set", out, weights="abc", progress=False)
    assert parse_to_disk(model, records, tmp_path / "set", out, weights="abc", progress=False) == 1
    assert parse_to_disk(model, records, tmp_path / "set", out, weights="abc", progress=False) == 0
    assert model.parsed == 4
    assert not list(out.rglob("*.part.png"))


def test_a_replaced_picture_is_parsed_anew(records, tmp_path):
    out, model = tmp_path / "masks", ByColour()
    parse_to_disk(model, records, tmp_path / "set", out, weights="abc", progress=False)
    cv2.imwrite(str(records[1].path), np.zeros((16, 8, 3), np.uint8))
    os.utime(records[1].path, (0, 0))  # by an older one
    assert parse_to_disk(model, records, tmp_path / "set", out, weights="abc", progress=False) == 1
    assert not read_mask(out / "train/1.png").any()


def test_masks_of_other_weights_or_other_files_are_not_mixed(records, tmp_path):
    out = tmp_path / "masks"
    parse_to_disk(ByColour(), records, tmp_path / "set", out, weights="abc", progress=False)
    with pytest.raises(UserError, match="holds masks of other weights"):
        parse_to_disk(ByColour(), records, tmp_path / "set", out, weights="def", progress=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    with pytest.raises(UserError, match="is not empty"):
        parse_to_disk(ByColour(), records, tmp_path / "set", tmp_path / "full", weights="abc", progress=False)


def test_two_images_never_share_a_mask(records, tmp_path):
    other = Record(records[0].path.with_suffix(".jpg"), 9, 0)
    with pytest.raises(UserError, match=r"0.png and .*0.jpg would share the mask"):
        parse_to_disk(ByColour(), [*records, other], tmp_path / "set", tmp_path / "m", weights="a", progress=False)
