import json
from pathlib import Path

import pytest
import torch

from occreid.errors import UserError
from occreid.export import files
from occreid.export.files import export_model, reference
from occreid.export.graph import Describe
from occreid.models import create_model, list_methods, load_model, read_card


@pytest.mark.parametrize("name", list_methods())
def test_every_method_exports_to_onnx_and_torchscript(name, small, pictures, tmp_path):
    pytest.importorskip("onnxruntime")
    model = small(name)
    images = pictures(model, 11)
    for kind in ("onnx", "torchscript"):
        file = tmp_path / f"model.{kind}"
        parity = export_model(model, file, images, kind=kind)
        assert parity.batches == (1, 2, 7, 32)
        assert parity.deviation < 1e-4
        assert file.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.torchscript"]
    loaded = load_model(tmp_path / "model.onnx")
    others = pictures(model, 5, seed=9)
    features, visibility = reference(model)(others)
    described = loaded.describe(others)
    torch.testing.assert_close(described.features, features, rtol=1e-3, atol=1e-4)
    assert torch.equal(described.visibility, visibility)
    assert (loaded.metric, loaded.input_size) == (model.metric, model.input_size)


def test_a_method_that_needs_masks_becomes_a_file_that_takes_them(small, pictures, masks_of, tmp_path):
    pytest.importorskip("onnxruntime")
    model = small("orgnn", mode="oan+orgnn")
    images, others = pictures(model, 11), pictures(model, 5, seed=9)
    masks, other_masks = masks_of(images), masks_of(others)
    with torch.no_grad():  # an untrained network says "visible" to everything: let it tell the lower masks apart
        model.oan.states.weight *= 100
        in_order = model.oan(torch.cat([masks, other_masks])).sort(0).values  # (16, 6)
        widest = in_order.diff(dim=0).argmax(0, keepdim=True)  # in the middle of a gap rounding flips nothing
        middle = (in_order.gather(0, widest) + in_order.gather(0, widest + 1)) / 2
        model.oan.states.bias -= middle[0][:, None, None]
    expected = reference(model)(others, other_masks)
    assert 0 < expected[1].float().mean() < 1
    for kind in ("onnx", "torchscript", "safetensors"):
        file = tmp_path / f"model.{kind}"
        assert export_model(model, file, images, masks, kind=kind).deviation < 1e-4
        assert read_card(file)["masks"] is True if kind != "torchscript" else file.is_file()
    loaded = load_model(tmp_path / "model.onnx")
    described = loaded.describe(others, other_masks)
    torch.testing.assert_close(described.features, expected[0], rtol=1e-3, atol=1e-4)
    assert torch.equal(described.visibility, expected[1])
    assert loaded.needs_masks
    for given in (None, other_masks[:3], other_masks[:, :8]):
        with pytest.raises(UserError, match="needs a mask of every picture"):
            loaded.describe(others, given)


def test_a_budget_that_images_differ_in_becomes_one_graph(small, pictures, tmp_path):
    model = small("sureid", budget="adaptive", bucket=2)
    images, others = pictures(model, 11), pictures(model, 3, seed=9)
    model.budget.tracking = 1.0
    with torch.no_grad():
        model.train().follow_thresholds(images)  # where images of an untrained network differ
    assert export_model(model, tmp_path / "m.torchscript", images, kind="torchscript").deviation < 1e-4
    batch = torch.export.Dim("batch", min=1, max=64)  # the first half of an ONNX export, which takes long
    network = torch.export.export(Describe(model), (images[:2],), dynamic_shapes={"images": {0: batch}})
    with torch.no_grad():
        torch.testing.assert_close(network.module()(others)[0], reference(model)(others)[0], rtol=1e-3, atol=1e-4)


def test_masks_are_asked_for_where_and_only_where_they_are_needed(small, pictures, masks_of, tmp_path):
    needs, does_not = small("orgnn", mode="oan"), small("baseline")
    images = pictures(needs, 3)
    masks = masks_of(images)
    for model, given, words in (
        (needs, None, "describes pictures and masks"),
        (does_not, masks, "describes pictures alone"),
        (needs, masks[:2], "do not fit the pictures"),
        (needs, masks.float(), "do not fit the pictures"),
    ):
        with pytest.raises(UserError, match=words):
            export_model(model, tmp_path / "m", images, given, kind="torchscript")


def test_safetensors_are_weights_and_card_that_load_again(small, pictures, tmp_path):
    model = small("baseline")
    images, card = pictures(model, 3), {"sha256": "old", "calibration": {"weights_hash": "old"}, "masker": {}}
    parity = export_model(model, tmp_path / "sub/m.safetensors", images, kind="safetensors", card=card)
    assert parity.deviation == 0
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == ["m.json", "m.safetensors"]
    loaded = load_model(tmp_path / "sub/m.safetensors")
    with torch.no_grad():
        assert torch.equal(loaded.describe(images).features, model.describe(images).features)
    written = read_card(tmp_path / "sub/m.safetensors")
    assert written["sha256"] not in ("old", None) and not {"calibration", "masker"} & set(written)


def test_weights_alone_are_not_written_of_a_model_with_a_parser(small, pictures, tmp_path):
    model = small("orgnn")
    model.masker = lambda images: torch.zeros_like(images[:, 0])
    with pytest.raises(UserError, match="parser of this model goes into no one file"):
        export_model(model, tmp_path / "m.safetensors", pictures(model, 3), kind="safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::FutureWarning")  # TorchScript is old; that is what it is for
def test_torchscript_runs_without_occreid_and_carries_its_card(small, pictures, tmp_path):
    model = small("baseline")
    images = pictures(model, 4)
    export_model(model, tmp_path / "m.torchscript", images, kind="torchscript", card={"sha256": "abc"})
    extra = {"card.json": ""}
    network = torch.jit.load(str(tmp_path / "m.torchscript"), _extra_files=extra)
    card = json.loads(extra["card.json"])
    assert (card["method"], card["sha256"], card["parts"], card["metric"]) == ("baseline", "abc", 1, "cosine")
    with torch.no_grad():
        torch.testing.assert_close(network(images)[0], model.describe(images).features)


def test_an_export_that_deviates_is_not_written(small, pictures, tmp_path, monkeypatch):
    model = small("baseline")
    images = pictures(model, 4)
    (tmp_path / "m.torchscript").write_text("an older export")
    honest = files.reference

    def shifted(network):
        return lambda pictures: (honest(network)(pictures)[0] * 1.01, honest(network)(pictures)[1])

    monkeypatch.setattr(files, "reference", shifted)
    with pytest.raises(UserError, match=r"deviates from PyTorch by 0\.0099"):
        export_model(model, tmp_path / "m.torchscript", images, kind="torchscript")
    assert [path.name for path in tmp_path.iterdir()] == ["m.torchscript"]
    assert (tmp_path / "m.torchscript").read_text() == "an older export"


def test_a_batch_size_frozen_into_the_graph_is_found_out(small, pictures, tmp_path):
    model = small("baseline")
    describe = model.describe

    def frozen(images, masks=None):
        described = describe(images)
        described.features = described.features + torch.zeros(int(images.shape[0]), 1, 1)
        return described

    model.describe = lambda images, masks=None: frozen(images)
    with pytest.raises(UserError, match="batch size 1"):
        export_model(model, tmp_path / "m.torchscript", pictures(model, 4), kind="torchscript")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "onxx"}, "Did you mean 'onnx'?"),
        ({"opset": 12}, "ONNX opset 12 is not supported. Choose 18 to 23"),
        ({"opset": 99}, "ONNX opset 99 is not supported"),
    ],
)
def test_what_cannot_be_written_is_said(small, pictures, tmp_path, options, words):
    model = small("baseline")
    with pytest.raises(UserError) as caught:
        export_model(model, tmp_path / "m", pictures(model, 2), **options)
    assert words in str(caught.value)


@pytest.mark.parametrize("opset", [18, 23])
def test_the_oldest_and_newest_opset_are_written(opset, pictures, tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "models"))
    model = create_model("toy_module:Toy", 4).eval()
    export_model(model, tmp_path / "m.onnx", pictures(model, 3), opset=opset)
    assert [domain.version for domain in onnx.load(tmp_path / "m.onnx").opset_import if not domain.domain] == [opset]
    assert load_model(tmp_path / "m.onnx").card["opset"] == opset


def test_pictures_of_another_size_or_kind_are_refused(small, pictures, tmp_path):
    model = small("baseline")
    for images in (pictures(model, 2)[..., :16], pictures(model, 2).float()):
        with pytest.raises(UserError, match=r"Give uint8 pictures of shape \(N, 3, 64, 32\)"):
            export_model(model, tmp_path / "m", images)


def test_a_folder_that_cannot_be_written_is_named(small, pictures, tmp_path):
    model = small("baseline")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        export_model(model, tmp_path / "file/m.torchscript", pictures(model, 2), kind="torchscript")


def test_without_onnx_runtime_the_extra_is_named(small, pictures, tmp_path, monkeypatch):
    def missing(package, extra):
        raise UserError(f"this needs the package '{package}'", f"Run: pip install 'occreid[{extra}]'")

    monkeypatch.setattr(files, "require", missing)
    model = small("baseline")
    with pytest.raises(UserError, match=r"occreid\[export\]"):
        export_model(model, tmp_path / "m.onnx", pictures(model, 2))
