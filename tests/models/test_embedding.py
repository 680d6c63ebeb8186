import numpy as np
import pytest
import torch
from PIL import Image

from occreid.distances import distances
from occreid.errors import UserError
from occreid.models import create_model, load_model, save_model


@pytest.fixture
def model(toy):
    torch.manual_seed(0)
    return create_model(toy, 3, dim=5)


@pytest.fixture
def pictures():
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (40 + n, 20, 3), dtype=np.uint8) for n in range(5)]


def test_files_are_described_as_an_evaluation_does(model, pictures, tmp_path):
    from occreid.extraction import extract
    from occreid.records import Record

    files = [tmp_path / f"{n}.png" for n in range(5)]
    for file, picture in zip(files, pictures, strict=True):
        Image.fromarray(picture).save(file)
    wanted = extract(model, [Record(file, 0, 0) for file in files], progress=False)
    found = model.embed(files)
    assert torch.equal(found.features, wanted.features) and found.paths == wanted.paths
    torch.testing.assert_close(model.embed(files, batch_size=2).features, wanted.features)
    assert model.embed([files[0], pictures[1]]).paths is None
    assert torch.equal(model.embed(pictures).features, wanted.features)


def test_a_large_jpeg_is_read_as_an_evaluation_reads_it(model, tmp_path):
    from occreid.extraction import extract
    from occreid.records import Record

    height, width = model.input_size
    noise = np.random.default_rng(1).integers(0, 256, (4 * height, 4 * width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.jpg", quality=95)
    wanted = extract(model, [Record(tmp_path / "large.jpg", 0, 0)], progress=False).features
    assert torch.equal(model.embed(tmp_path / "large.jpg").features, wanted)
    assert not torch.equal(model.embed(Image.open(tmp_path / "large.jpg")).features, wanted)


def test_one_picture_is_one_descriptor_without_gradient_and_the_mode_comes_back(model, pictures):
    model.train()
    model.classify.eval()
    found = model.embed(pictures[0])
    assert found.features.shape == (1, 1, 5) and not found.features.requires_grad
    assert model.training and not model.classify.training


def test_features_have_length_1_if_asked(model, pictures):
    plain, unit = model.embed(pictures), model.embed(pictures, normalize=True)
    torch.testing.assert_close(unit.features, torch.nn.functional.normalize(plain.features, dim=-1))
    assert not torch.allclose(plain.features, unit.features)


def test_no_picture_is_an_error(model):
    with pytest.raises(UserError, match="no pictures to embed"):
        model.embed([])


def test_compare_is_the_models_distance(model, pictures):
    found = model.compare(pictures[0], pictures[1:])
    wanted = distances(model.embed(pictures[:1]), model.embed(pictures[1:]), model.metric)
    assert found.shape == (1, 4) and torch.equal(found, wanted)
    assert model.compare(pictures[0], pictures[0]).item() == pytest.approx(0, abs=1e-3)


def test_a_loaded_model_refuses_what_gives_wrong_vectors(model, tmp_path):
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    right = torch.rand(1, 3, 16, 8)
    loaded.describe(right)
    for wrong in (torch.rand(1, 3, 8, 16), 255 * right, right - 0.5, right.long()):
        with pytest.raises(UserError):
            loaded.describe(wrong)
