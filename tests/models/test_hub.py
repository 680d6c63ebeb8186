import json

import huggingface_hub.constants
import pytest
import torch
from standin_hub import Hub, serving

from occreid import load_model
from occreid.errors import UserError
from occreid.models import create_model, create_trainable, load_masker, save_model
from occreid.models.hub import gather, model_page, push, without_places

# what huggingface_hub does to its own client while it uploads
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

CARD = {
    "method": "ssgr",
    "options": {"backbone": "resnet18"},
    "num_classes": 1501,
    "input_size": [384, 128],
    "sha256": "ab" * 32,
    "recipe": {"data": {"name": "market1501", "root": "/home/anna/market1501"}},
}
RESULT = {
    "benchmarks": [
        {"benchmark": "market1501", "scores": {"mAP": 0.3942, "R-1": 0.5792}, "protocol": {"ap": "step"}},
        {"benchmark": "occluded_duke", "scores": {"mAP": 0.2}, "protocol": {"ap": "step", "oracle": True}},
    ]
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A stand-in that everything of huggingface_hub asks, with a cache of its own and the right token."""
    held = Hub()
    with serving(held) as address:
        constants = huggingface_hub.constants
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", held.token)
        huggingface_hub.close_session()
        yield held
    huggingface_hub.close_session()


@pytest.fixture
def run(toy, tmp_path):
    """A run folder as training leaves it: weights, card, result; both name a folder of this machine."""
    torch.manual_seed(0)
    save_model(create_model(toy, 3), tmp_path / "run", {"recipe": CARD["recipe"]})
    (tmp_path / "run" / "result.json").write_text(json.dumps(RESULT | {"recipe": CARD["recipe"]}))
    return tmp_path / "run"


def test_what_is_pushed_comes_back_as_it_was(run, hub):
    assert push(run, "anna/toy", message="First") == "hf:anna/toy"
    assert set(hub.repositories["anna/toy"]) >= {"README.md", "model.json", "model.safetensors", "result.json"}
    assert hub.commits == ["First"]
    there, here = load_model("hf:anna/toy"), load_model(run)
    picture = torch.randint(0, 256, (2, 3, *here.input_size), dtype=torch.uint8)
    assert torch.equal(there.describe(picture).features, here.describe(picture).features)


def test_the_parser_of_a_model_goes_with_it(hub, tmp_path):
    small = {"backbone": "resnet10t", "pretrained": "none"}
    save_model(create_trainable("parser", 1, channels=8, **small), tmp_path / "parser")
    model = create_model("orgnn", 3, oan_backbone="resnet10t", dim=8, **small)
    model.masker = load_masker(tmp_path / "parser")
    save_model(model, tmp_path / "both")
    push(tmp_path / "both", "anna/both")
    assert load_model("hf:anna/both").masker.key == model.masker.key


def test_a_second_push_is_a_second_commit_in_the_same_repository(run, hub):
    push(run, "anna/toy", private=True)
    (run / "result.json").unlink()
    push(run, "anna/toy")
    assert hub.private == {"anna/toy": True}
    assert b"Nothing: this model came without results" in hub.repositories["anna/toy"]["README.md"]


def test_no_place_of_this_machine_leaves_it(run, hub):
    push(run, "anna/toy")
    for name, content in hub.repositories["anna/toy"].items():
        assert b"/home/anna" not in content, name


def test_what_the_hub_refuses_is_one_sentence(run, hub, monkeypatch):
    hub.token = "hf_other"
    with pytest.raises(UserError, match="the hub refuses anna/toy") as caught:
        push(run, "anna/toy")
    assert "hf auth login" in caught.value.hint
    with pytest.raises(UserError, match="'toy' names no repository"):
        push(run, "toy")
    with pytest.raises(UserError, match="names no repository"):
        push(run, "anna/to y")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="switched off"):
        push(run, "anna/toy")


def test_a_hub_that_is_not_there_is_one_sentence(run, hub):
    with pytest.raises(UserError, match="cannot be reached"):
        push(run, "anna/toy", endpoint="http://127.0.0.1:9")


def test_only_whole_models_of_ones_own_are_gathered(run, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(UserError, match="no model of this package's own"):
        gather(tmp_path / "model.onnx")
    weights = run / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(UserError):
        gather(run)


def test_the_page_says_what_card_and_result_say():
    page = model_page(CARD, RESULT)
    assert "# ssgr for occluded person re-identification" in page
    assert "384 × 128" in page and "1,501 persons" in page and "market1501" in page
    assert "| market1501 | 39.4 | 57.9 |" in page
    assert "| occluded_duke (oracle) | 20.0 | – |" in page
    assert page.startswith('---\nlibrary_name: "occreid"\n')
    assert "Nothing: this model came without results" in model_page(CARD)


def test_places_are_told_from_words():
    assert without_places({"a": "/x/y", "b": ["~/c", "d/e"], "f": 1, "g": "name/with", "h": None}) == {
        "a": "y",
        "b": ["c", "d/e"],
        "f": 1,
        "g": "name/with",
        "h": None,
    }
