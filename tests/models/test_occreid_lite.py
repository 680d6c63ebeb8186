"""The model that comes with the package, as it lies there."""

import numpy as np
import pytest
import torch

from occreid import load_model, measure
from occreid.cli.options import OWN_MODEL
from occreid.data import load_benchmark
from occreid.models import read_card
from occreid.models.shipped import DEFAULT, SHIPPED, shipped_file
from occreid.retrieval.calibration import Calibration
from occreid.synth import generate, protocol

BYTES = 8 * 2**20


def test_it_is_small_and_the_default():
    assert shipped_file(DEFAULT).stat().st_size <= BYTES
    assert str(OWN_MODEL) == DEFAULT
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= BYTES


@pytest.fixture(scope="module")
def persons(tmp_path_factory):
    """Ten generated persons of a seed that no training used, and their pictures from three cameras each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(protocol.SIZES, "tiny", protocol.Size(train=1, query=10, others=0, cameras=3))
        root = generate(tmp_path_factory.mktemp("synth") / "occsynth", size="tiny", seed=77, progress=False)
    return load_benchmark("occsynth", root)


def test_it_tells_generated_persons_apart(persons):
    scores = measure(load_model(DEFAULT), persons).scores()
    assert scores["mAP"] > 0.6, scores


def test_any_picture_has_a_descriptor_and_its_mirror_image_lies_near():
    model = load_model(DEFAULT)
    picture = np.random.default_rng(0).integers(0, 256, (90, 41, 3), dtype=np.uint8)
    found = model.embed([picture, picture[:, ::-1]])
    assert found.features.shape == (2, 1, 1280)
    assert torch.isfinite(found.features).all()
    assert model.compare(picture, picture).item() < 1e-5 < model.compare(picture, picture[:, ::-1]).item() < 0.5


def test_its_card_says_what_it_is_worth_and_for_what():
    card = read_card(DEFAULT)
    for key in ("licence", "start", "trained_on", "validated_on", "not_for", "fails_on", "figures", "calibration"):
        assert card[key], key
    curve = Calibration.of_card(card, weights_hash=card["sha256"], metric="cosine")
    near, far = curve.probability(0.05), curve.probability(1.1)
    assert near is not None and far is not None and near > 0.9 > 0.1 > far
