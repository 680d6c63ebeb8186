from types import SimpleNamespace

import numpy as np
import pytest
import torch

from occreid.errors import UserError
from occreid.export import check_parity, export_model, quantize, reference
from occreid.export.quantize import _reader
from occreid.models import load_model

pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("way", ["dynamic", "static"])
def test_an_int8_network_is_smaller_and_still_knows_its_pictures(way, onnx_file, small, pictures, tmp_path):
    model = small("baseline")
    images = pictures(model, 16)
    file = quantize(onnx_file, tmp_path / "sub/small.onnx", way, images if way == "static" else None)
    assert file.stat().st_size < 0.4 * onnx_file.stat().st_size
    assert [path.name for path in file.parent.iterdir()] == ["small.onnx"]
    loaded = load_model(file)
    card = loaded.card
    assert card["method"] == "baseline" and card["recipe"] and card["int8"] == way
    assert len(card["sha256"]) == 64 and not {"calibration", "fails_on"} & card.keys()  # true of the float network only
    parity = check_parity(loaded.run, reference(model), images, tolerance=None)
    assert 0.8 < parity.cosine < 1
    assert parity.deviation > 1e-3  # else nothing was rounded


def test_a_statically_quantised_network_does_not_look_at_the_rest_of_the_batch(onnx_file, small, pictures, tmp_path):
    model = small("baseline")
    images = pictures(model, 8)
    loaded = load_model(quantize(onnx_file, tmp_path / "small.onnx", "static", images))
    assert (
        check_parity(lambda batch: loaded.run(batch), lambda batch: _one_by_one(loaded, batch), images).deviation < 1e-5
    )


def _one_by_one(loaded, batch):
    import torch

    found = [loaded.run(image[None]) for image in batch]
    return torch.cat([f for f, _ in found]), torch.cat([v for _, v in found])


def test_an_equipped_network_takes_its_ranges_with_masks(small, pictures, masks_of, tmp_path):
    model = small("orgnn", mode="oan+orgnn")
    images = pictures(model, 16)
    masks = masks_of(images)
    export_model(model, tmp_path / "m.onnx", images[:8], masks[:8])
    loaded = load_model(quantize(tmp_path / "m.onnx", tmp_path / "small.onnx", "static", images, masks))
    parity = check_parity(loaded.run, reference(model), images, masks, tolerance=None)
    assert 0.8 < parity.cosine < 1 and parity.deviation > 1e-3


def test_every_picture_is_looked_at_beside_its_own_mask():
    images, masks = torch.arange(20)[:, None], 100 + torch.arange(20)[:, None]
    reader, batches = _reader(SimpleNamespace(CalibrationDataReader=object), images, masks), []
    while (batch := reader.get_next()) is not None:
        batches.append(batch)
    assert [len(batch["images"]) for batch in batches] == [16, 4]
    assert all((batch["masks"] - batch["images"] == 100).all() for batch in batches)
    assert np.concatenate([batch["images"] for batch in batches]).ravel().tolist() == list(range(20))


def test_what_is_missing_or_unknown_is_said(onnx_file, tmp_path):
    with pytest.raises(UserError, match="Did you mean 'static'"):
        quantize(onnx_file, tmp_path / "s.onnx", "sttic")
    with pytest.raises(UserError, match="needs pictures"):
        quantize(onnx_file, tmp_path / "s.onnx", "static")
