import cv2
import numpy as np
import pytest
import torch
from torch import nn

from occreid.data.masks.files import write_mask
from occreid.data.occlusion.stress import Stress
from occreid.errors import UserError
from occreid.evaluation.part_visibility import BINS, VisibleShares, _counted, visible_shares
from occreid.models import PartParser
from occreid.records import PART_NAMES, Record


class ByGrey(PartParser):
    """A pixel's part is its grey value by 50; one that draws what it cannot see says so of every picture."""

    input_size = (16, 8)

    def __init__(self, draws=False):
        super().__init__()
        self.norm, self.draws = nn.BatchNorm2d(3), draws

    def parse(self, images):
        assert not self.training
        labels = (images.float().mean(1) / 50).round().long().clamp(0, 4)
        if self.draws:
            labels[:] = torch.tensor([1] * 4 + [2] * 4 + [3] * 4 + [4] * 4)[:, None]
        return nn.functional.one_hot(labels, 5).permute(0, 3, 1, 2).float()


@pytest.fixture
def records(tmp_path):
    """Three pictures of four parts, a quarter of the height each."""
    rows = np.repeat(np.arange(1, 5), 4)[:, None].repeat(8, 1).astype(np.uint8)
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), rows * 50)
        write_mask(tmp_path / f"m{i}.png", rows)
    return [Record(tmp_path / f"{i}.png", i, 0) for i in range(3)]


@pytest.mark.parametrize("masks", [False, True])
def test_a_parser_that_sees_is_told_from_one_that_draws(records, masks, monkeypatch):
    if masks:
        records = [Record(r.path, r.pid, r.camid, mask=r.path.with_name(f"m{r.path.name}")) for r in records]
    monkeypatch.setattr("occreid.data.occlusion.stress.Stressor._occluder", lambda *_: np.zeros((1, 1, 3), np.uint8))
    stress = Stress("flat", 0.375, "bottom")  # six of sixteen rows: the feet wholly, half of the upper legs
    honest, dreaming = (visible_shares(ByGrey(draws), records, stress, progress=False) for draws in (False, True))
    assert honest.images == 3 and [sum(row) for row in honest.parts] == [3, 0, 3, 0, 6]
    assert honest.by_fraction() == {0.0: 0.0, 0.5: 1.0, 1.0: 1.0}
    assert dreaming.by_fraction() == {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}
    assert honest.false_by_part() == {PART_NAMES[3]: 0.0} and dreaming.false_by_part() == {PART_NAMES[3]: 1.0}


def test_counts_equal_a_loop():
    generator = torch.Generator().manual_seed(0)
    before, after = (torch.randint(0, 5, (9, 6, 4), generator=generator, dtype=torch.uint8) for _ in range(2))
    before[0] = 0
    left = before * (torch.rand(9, 6, 4, generator=generator) < torch.rand(9, 1, 1, generator=generator))
    left[1] = 0
    expected = torch.zeros(2, len(BINS), 4, dtype=torch.int64)
    for b in range(9):
        for part in range(1, 5):
            whole = int((before[b] == part).sum())
            if not whole:
                continue
            share = int((left[b] == part).sum()) / whole
            place = next(i for i, upper in enumerate(BINS) if share <= upper)
            expected[0, place, part - 1] += 1
            expected[1, place, part - 1] += int(bool((after[b] == part).any()))
    assert torch.equal(_counted(before, left, after), expected)


def test_bins_without_parts_are_left_out_and_mistakes_are_said(records):
    empty = ((0,) * 4,) * len(BINS)
    assert VisibleShares(empty, empty, 0).by_fraction() == {} == VisibleShares(empty, empty, 0).false_by_part()
    with pytest.raises(UserError, match=r"the stress blur:0\.2 covers nothing"):
        visible_shares(ByGrey(), records, Stress("blur", 0.2), progress=False)
    with pytest.raises(UserError, match="no pictures"):
        visible_shares(ByGrey(), [], Stress("flat", 0.2), progress=False)
