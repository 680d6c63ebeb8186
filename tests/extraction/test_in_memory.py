from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from occreid.errors import UserError
from occreid.extraction import extract, usable_device


def test_order_ids_and_paths_are_those_of_the_records(model, records):
    found = extract(model, records[::-1], batch_size=3)
    assert found.pids.tolist() == [16, 15, 14, 13, 12, 11, 10] and found.camids.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert found.paths == [str(r.path) for r in records[::-1]]
    assert [n for n, *_ in model.seen] == [3, 3, 1]
    torch.testing.assert_close(found.features.flip(0), extract(model, records).features)


def test_images_arrive_as_bytes_in_eval_mode_and_without_gradient(model, records):
    found = extract(model, records)
    assert model.seen == [(7, torch.uint8, False, False)]
    assert not found.features.requires_grad and found.features.dtype == torch.float32


def test_exact_masks_reach_the_method_only_when_asked_for(model, records, tmp_path):
    mask = tmp_path / "mask.png"
    assert cv2.imwrite(str(mask), np.ones((16, 8), np.uint8))
    masked = [replace(record, mask=mask) for record in records]
    extract(model, masked)
    extract(model, masked, masks=True)
    assert [given for _, _, given, _ in model.seen] == [False, True]


def test_every_module_gets_its_mode_back_even_after_an_error(model, records):
    model.train()
    model.norm.eval()
    extract(model, records)
    assert model.training and model.layer.training and not model.norm.training
    records[3].path.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"3\.png"):
        extract(model, records)
    assert model.training and not model.norm.training


def test_mixed_precision_gives_float32_near_the_exact(model, records):
    exact, mixed = (extract(model, records, precision=p) for p in ("float32", "bfloat16"))
    assert mixed.features.dtype == torch.float32
    assert not torch.equal(mixed.features, exact.features)
    torch.testing.assert_close(mixed.features, exact.features, atol=0.05, rtol=0.05)


def test_workers_change_nothing(model, records):
    torch.testing.assert_close(
        extract(model, records, batch_size=2, workers=1).features, extract(model, records, batch_size=2).features
    )


def test_mistakes_are_named(model, records):
    with pytest.raises(UserError, match="Did you mean 'bfloat16'"):
        extract(model, records, precision="bfloat")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no images"):
        extract(model, [])
    with pytest.raises(UserError, match="no device 'abacus'"):
        usable_device("abacus")
