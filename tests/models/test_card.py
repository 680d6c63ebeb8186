import json

import pytest

from occreid.errors import UserError
from occreid.models import create_model, load_model, read_card, save_model
from occreid.models.card import checked_card
from occreid.models.foreign import is_foreign

WHOLE = {
    "method": "baseline",
    "options": {},
    "num_classes": 4,
    "input_size": [64, 32],
    "pixel_mean": [0.5, 0.5, 0.5],
    "pixel_std": [1, 1, 1],
    "sha256": "ab",
    "flip_test": False,
    "masker": {"provider": "parser", "sha256": "cd"},
    "metric": "cosine",
    "interface": {},
}
ODD = [
    ("method", 5), ("method", None), ("method", []), ("method", ""), ("options", []), ("options", None),
    ("num_classes", "4"), ("num_classes", None), ("num_classes", 10**12), ("num_classes", True), ("num_classes", 1e400),
    ("input_size", "ab"), ("input_size", None), ("input_size", [64]), ("input_size", [0, 5]), ("input_size", [6.4, 3]),
    ("input_size", [10**9, 10**9]), ("pixel_mean", 5), ("pixel_mean", ["a"] * 3), ("pixel_std", [1, 2]), ("sha256", 5),
    ("flip_test", "no"), ("masker", 5), ("masker", {}), ("metric", "none"), ("metric", []), ("interface", 5),
]  # fmt: skip


def test_a_whole_card_is_given_back():
    assert checked_card(WHOLE, "the card", ["method"]) is WHOLE


@pytest.mark.parametrize(("key", "value"), ODD)
def test_an_odd_value_is_named(key, value):
    with pytest.raises(UserError, match=f"the card x says {key} .* should be"):
        checked_card({**WHOLE, key: value}, "the card x", ["method"])


@pytest.mark.parametrize("card", [None, 5, "x", []])
def test_what_is_no_table_is_no_card(card):
    with pytest.raises(UserError, match="no table"):
        checked_card(card, "the card x", [])


def test_a_missing_key_is_named():
    with pytest.raises(UserError, match="has no 'metric'"):
        checked_card({}, "the card x", ["metric"])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    model = create_model("baseline", 4, backbone="resnet10t", pretrained="none")
    save_model(model, folder)
    return folder


@pytest.mark.parametrize(
    "change",
    ["null", "5", "[]", "[" * 100_000, {"method": 5}, {"options": None}, {"num_classes": 10**12}, {"input_size": None},
     {"interface": 5}, {"interface": {}}, {"interface": {}, "metric": "cosine"}, {"options": {"dim": 10**15}}],
)  # fmt: skip
def test_no_odd_card_of_a_folder_ends_in_a_traceback(saved, change):
    file = saved / "model.json"
    card = file.read_text()
    try:
        file.write_text(change if isinstance(change, str) else json.dumps({**json.loads(card), **change}))
        with pytest.raises(UserError, match=r"card|option"):
            load_model(saved)
    finally:
        file.write_text(card)
    assert read_card(saved)["num_classes"] == 4 and not is_foreign(saved / "model.safetensors")
