import hashlib
import json

import pytest
import torch

from occreid import load_model
from occreid.errors import UserError
from occreid.models import create_model, load_weights, read_card, save_model


@pytest.fixture
def saved(toy, tmp_path):
    model = create_model(toy, 3, dim=5, scale=2.0)
    model.input_size = (24, 12)
    save_model(model, tmp_path / "run", {"metrics": {"mAP": 0.5}})
    return model, tmp_path / "run"


def test_round_trip_by_folder_and_by_file(saved):
    model, folder = saved
    images = torch.randint(0, 256, (2, 3, 24, 12), dtype=torch.uint8)
    for path in (folder, folder / "model.safetensors", str(folder)):
        loaded = load_model(path)
        assert not loaded.training and loaded.input_size == (24, 12)
        assert loaded.spec == model.spec
        assert torch.equal(loaded.describe(images).features, model.describe(images).features)


def test_the_card_says_what_the_weights_are(saved):
    _, folder = saved
    card = read_card(folder)
    assert card["sha256"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert card["metrics"] == {"mAP": 0.5} and card["num_classes"] == 3
    assert card["options"] == {"dim": 5, "scale": 2.0, "word": None}
    assert {"python", "torch", "occreid"} <= card["versions"].keys()
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "model.safetensors"]  # nothing half-written


def test_who_may_read_the_card_may_read_the_weights(saved):
    card, weights = (saved[1] / name for name in ("model.json", "model.safetensors"))
    assert card.stat().st_mode == weights.stat().st_mode


def test_loading_never_downloads_and_keeps_the_option_as_it_was(tmp_path):
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none")
    save_model(model, tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    card["options"]["pretrained"] = "imagenet"
    (tmp_path / "model.json").write_text(json.dumps(card))
    loaded = load_model(tmp_path)
    assert loaded.spec.options["pretrained"] == "imagenet"
    assert torch.equal(loaded.neck.classifier.weight, model.neck.classifier.weight)


def damage_nothing_there(folder):
    for file in folder.iterdir():
        file.unlink()


def damage_truncated(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-20])


def damage_card_lost(folder):
    (folder / "model.json").unlink()


def damage_card_text(folder):
    (folder / "model.json").write_text("{not json")


def damage_card_without_method(folder):
    card = json.loads((folder / "model.json").read_text())
    del card["method"]
    (folder / "model.json").write_text(json.dumps(card))


def damage_other_width(folder):
    card = json.loads((folder / "model.json").read_text())
    card["options"]["dim"] = 7
    (folder / "model.json").write_text(json.dumps(card))


def damage_other_pixels(folder):
    card = json.loads((folder / "model.json").read_text())
    card["pixel_mean"] = [0.5, 0.5, 0.5]
    (folder / "model.json").write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_nothing_there, "holds no model.safetensors"),
        (damage_truncated, "cannot read the weights"),
        (damage_card_lost, "no card model.json"),
        (damage_card_text, "is not JSON"),
        (damage_card_without_method, "has no 'method'"),
        (
            damage_other_width,
            r"not a checkpoint of this toy_module:Toy: 3 of 4 tensors differ, e\.g\. 'classify\.weight'",
        ),
        (damage_other_pixels, r"says pixel_mean \[0\.5, 0\.5, 0\.5\], but the network's weights expect \[0\.485"),
    ],
)
def test_damage_is_named_and_never_loaded_in_part(saved, damage, message):
    _, folder = saved
    damage(folder)
    with pytest.raises(UserError, match=message):
        load_model(folder)


def test_a_wrong_checkpoint_changes_no_weight(saved, toy):
    _, folder = saved
    other = create_model(toy, 9, dim=5)
    before = {k: v.clone() for k, v in other.state_dict().items()}
    with pytest.raises(UserError, match="classify"):
        load_weights(other, folder / "model.safetensors")
    assert all(torch.equal(v, before[k]) for k, v in other.state_dict().items())


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no model 'nowhere'"):
        load_model("nowhere")


def test_a_folder_that_cannot_be_written(toy, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the"):
        save_model(create_model(toy, 2), tmp_path / "file" / "run")


def test_a_model_without_a_spec_is_not_saved(toy, tmp_path):
    model = create_model(toy, 2)
    model.spec = None
    with pytest.raises(UserError, match="create_model"):
        save_model(model, tmp_path)


def test_a_card_of_before_does_not_say_how_pixels_were_seen(tmp_path):
    options = {"backbone": "deit_tiny_patch16_224", "pretrained": "none", "height": 32, "width": 16}
    model = create_model("baseline_vit", 2, **options)
    save_model(model, tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    assert card.pop("pixel_mean") == [0.485, 0.456, 0.406] == list(load_model(tmp_path).pixel_mean)
    (tmp_path / "model.json").write_text(json.dumps(card | {"pixel_std": [0.5, 0.5, 0.5]}))
    assert load_model(tmp_path).pixel_mean == (0.5, 0.5, 0.5)


def test_weights_that_are_not_their_cards_are_refused(tmp_path):
    torch.manual_seed(0)
    for name in ("one", "two"):
        save_model(create_model("baseline", 2, backbone="resnet18", pretrained="none"), tmp_path / name)
    (tmp_path / "one" / "model.safetensors").write_bytes((tmp_path / "two" / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match="not the file its card was written for"):
        load_model(tmp_path / "one")


def test_a_card_runs_no_code_that_nobody_trusts(tmp_path, monkeypatch):
    monkeypatch.delenv("OCCREID_TRUST_CODE")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil_module.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()")
    save_model(create_model("baseline", 2, backbone="resnet18", pretrained="none"), tmp_path / "run")
    card = json.loads((tmp_path / "run" / "model.json").read_text())
    (tmp_path / "run" / "model.json").write_text(json.dumps({**card, "method": "evil_module:Any"}))
    with pytest.raises(UserError, match=r"asks to run code of 'evil_module:Any'\. .*--trust-code"):
        load_model(tmp_path / "run")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UserError, match="not a subclass"):
        load_model(tmp_path / "run", trust_code=True)
    assert (tmp_path / "ran").exists()
