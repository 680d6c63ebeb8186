import importlib.util
from pathlib import Path

import pytest
import torch

from occreid.models import create_model


def _contract():
    file = Path(__file__).parents[1] / "methods/test_contract.py"
    spec = importlib.util.spec_from_file_location("contract_for_export", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small():
    """A method's name → the small model that the contract test of all methods uses."""
    contract = _contract()

    def build(name, **options):
        torch.manual_seed(0)
        model = create_model(name, 4, pretrained="none", **contract.SMALL.get(name, {}) | options)
        model.input_size = contract.SIZES.get(name, model.input_size)
        return model.eval()

    return build


@pytest.fixture(scope="session")
def pictures():
    """A model, a number → as many smooth pictures of its size; noise has no shapes a network could tell apart."""

    def draw(model, count, seed=0):
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(count, 3, 8, 4, generator=generator) * 255
        return torch.nn.functional.interpolate(coarse, model.input_size, mode="bilinear").to(torch.uint8)

    return draw


@pytest.fixture(scope="session")
def masks_of():
    """Pictures → human masks of their size, of another extent each."""

    def draw(images):
        count, _, height, width = images.shape
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        top = torch.arange(count)[:, None, None] * height // count
        return ((rows >= top) & (columns < width * 3 // 4)).to(torch.uint8)

    return draw


@pytest.fixture(scope="session")
def onnx_file(small, pictures, tmp_path_factory):
    """The small baseline, exported once for all tests that only read it."""
    pytest.importorskip("onnxruntime")
    from occreid.export import export_model

    model = small("baseline")
    file = tmp_path_factory.mktemp("onnx") / "baseline.onnx"
    card = {"sha256": "abc", "recipe": {"data": {"name": "occsynth"}}, "calibration": {"weights_hash": "abc"}}
    card["fails_on"] = {"hats": 0.5}
    export_model(model, file, pictures(model, 8), card=card)
    return file
