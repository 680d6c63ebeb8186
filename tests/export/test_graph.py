import json

import torch

from occreid.export.graph import Describe, card_for


def test_the_network_takes_pictures_and_gives_features_and_visibility(small, pictures):
    model = small("hpnet")
    images = pictures(model, 3)
    with torch.no_grad():
        features, visibility = Describe(model)(images)
        described = model.describe(images)
    assert torch.equal(features, described.features)
    assert torch.equal(visibility, described.visibility)
    assert (features.shape[:2], visibility.dtype) == ((3, 4), torch.bool)


def test_the_card_says_what_a_user_of_the_file_must_know(small):
    card = json.loads(json.dumps(card_for(small("baseline"), {"sha256": "abc", "metric": "lies"}, opset=20)))
    assert card["input_size"] == [64, 32]
    assert (card["metric"], card["parts"], card["dimensions"], card["refines"]) == ("cosine", 1, 512, False)
    assert (card["sha256"], card["opset"], card["method"], card["num_classes"]) == ("abc", 20, "baseline", 4)
    assert card["parameters"] > 11e6
    assert "torch" in card["versions"]


def test_a_method_that_looks_at_the_gallery_says_so(small):
    assert card_for(small("orgnn"))["refines"] is True
