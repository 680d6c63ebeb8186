import json
import shutil

import pytest
import torch

from occreid.errors import UserError
from occreid.models import create_model, create_trainable, load_masker, load_model, read_card, save_model
from occreid.models.masker import masks_key, part_labels, require_same, resized

ORGNN = {"backbone": "resnet10t", "oan_backbone": "resnet10t", "pretrained": "none", "dim": 8, "last_stride": 2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An OR-GNN and a parser, untrained, each in its folder."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    parser = create_trainable("parser", 1, backbone="resnet10t", pretrained="none", channels=8)
    parser.input_size = (48, 24)
    save_model(parser, root / "parser", {"recipe": {"of": "parser"}})
    method = create_model("orgnn", 3, **ORGNN)
    method.input_size = (64, 32)
    save_model(method, root / "orgnn")
    return root


@pytest.fixture
def equipped(folders, tmp_path):
    model = load_model(folders / "orgnn")
    model.masker = load_masker(folders / "parser")
    save_model(model, tmp_path / "both")
    return tmp_path / "both"


IMAGES = torch.randint(0, 256, (3, 3, 64, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


def test_a_model_describes_pictures_alone_by_the_masks_of_its_parser(folders, equipped):
    model = load_model(equipped)
    masks = model.masker(IMAGES)
    assert masks.shape == (3, 64, 32) and masks.dtype == torch.uint8 and masks.max() <= 4
    with torch.no_grad():
        alone, given = model.describe(IMAGES), model.describe(IMAGES, masks)
        assert torch.equal(alone.features, given.features) and torch.equal(alone.visibility, given.visibility)
        assert "visible" in model.explain(IMAGES)
    with pytest.raises(UserError, match="needs a mask of every image") as caught:
        load_model(folders / "orgnn").describe(IMAGES)
    assert "occreid equip" in caught.value.hint


def test_masks_follow_the_picture(equipped):
    masker = load_model(equipped).masker
    changed = IMAGES.clone()
    changed[:, :, :, 16:] = 0
    assert not torch.equal(masker(IMAGES), masker(changed))


def test_the_card_names_the_parser_and_another_one_is_refused(folders, equipped):
    card = read_card(equipped)
    about = {"provider": "parser", "sha256": read_card(folders / "parser")["sha256"]}
    assert card["masker"] == about == load_model(equipped).masker.about
    assert read_card(equipped / "masker")["recipe"] == {"of": "parser"}
    torch.manual_seed(9)
    shutil.rmtree(equipped / "masker")
    other = create_trainable("parser", 1, backbone="resnet10t", pretrained="none", channels=8)
    save_model(other, equipped / "masker")
    with pytest.raises(UserError, match="holds another parser than the card"):
        load_model(equipped)
    shutil.rmtree(equipped / "masker")
    with pytest.raises(UserError, match="there is no model"):
        load_model(equipped)


def test_a_method_that_needs_no_masks_has_no_key(folders, equipped):
    model = load_model(equipped)
    assert masks_key(model) == f"parser:{read_card(folders / 'parser')['sha256']}"
    model.needs_masks = False
    assert masks_key(model) == "" and model.masks_for(IMAGES, None) is None
    require_same("a", "a", "the gallery g")
    with pytest.raises(UserError, match="the gallery g is filled with masks of no parser, this model has parser:ab"):
        require_same("parser:ab", "", "the gallery g")


def test_pictures_are_resized_within_their_type():
    assert resized(IMAGES, (64, 32)) is IMAGES
    small = resized(IMAGES, (32, 16))
    assert small.shape == (3, 3, 32, 16) and small.dtype == torch.uint8
    floats = resized(IMAGES.float() / 255, (32, 16))
    torch.testing.assert_close(floats * 255, small.float(), atol=0.51, rtol=0)
    flat = torch.full((1, 3, 8, 4), 7, dtype=torch.uint8)
    assert (resized(flat, (16, 12)) == 7).all()


def test_labels_are_those_of_the_largest_score():
    scores = torch.zeros(1, 3, 1, 2)
    scores[0, 2, 0, 0] = scores[0, 1, 0, 1] = 1
    assert part_labels(scores, 1, 2).tolist() == [[[2, 1]]]


def test_a_parser_whose_card_is_of_before_gets_its_hash_from_its_weights(folders, tmp_path):
    old = shutil.copytree(folders / "parser", tmp_path / "old")
    card = json.loads((old / "model.json").read_text())
    hash_ = card.pop("sha256")
    (old / "model.json").write_text(json.dumps(card))
    assert load_masker(old).about == {"provider": "parser", "sha256": hash_} and read_card(old)["sha256"] == hash_
