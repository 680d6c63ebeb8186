from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.export.pictures import folder_records, load_pictures, spread
from occreid.models import Method
from occreid.records import Record


class Small(Method):
    input_size = (16, 8)


@pytest.fixture
def folder(tmp_path):
    for number in range(5):
        Image.fromarray(np.full((32, 16, 3), 40 * number, np.uint8)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_pictures_come_at_the_models_size_in_order(folder):
    pictures, masks = load_pictures(folder_records(folder, 3), Small())
    assert pictures.shape == (3, 3, 16, 8) and pictures.dtype == torch.uint8 and masks is None
    assert pictures[:, 0, 0, 0].tolist() == [0, 40, 80]


def test_masks_come_where_they_are_needed(folder):
    model = Small()
    model.needs_masks = True
    records = folder_records(folder)
    with pytest.raises(UserError, match="needs masks to describe"):
        load_pictures(records, model)
    write_mask(folder / "mask" / "m.png", np.ones((32, 16), np.uint8))
    _, masks = load_pictures([replace(r, mask=folder / "mask" / "m.png") for r in records], model)
    assert masks is not None and masks.shape == (5, 16, 8) and (masks == 1).all()


def test_an_equipped_model_makes_the_masks_that_are_not_on_disk(folder):
    model = Small()
    model.needs_masks, model.masker = True, lambda images: (images[:, 0] > 50).to(torch.uint8)
    images, masks = load_pictures(folder_records(folder), model)
    assert torch.equal(masks, (images[:, 0] > 50).to(torch.uint8)) and masks.any() and not masks.all()


def test_nothing_to_compare_on_is_refused(tmp_path):
    with pytest.raises(UserError, match="no picture to compare on"):
        load_pictures([], Small())
    with pytest.raises(UserError, match="there is no folder"):
        folder_records(tmp_path / "none")


def test_records_are_spread_over_all():
    records = [Record(Path(str(n)), n, 0) for n in range(10)]
    assert [r.pid for r in spread(records, 3)] == [0, 3, 6]
    assert len(spread(records, 20)) == 10
