import sys

import pytest
import torch
from torch import nn

from occreid.errors import UserError
from occreid.models import list_methods, load_model, read_card
from occreid.models.exported import ExportedModel

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def write(tmp_path):
    """A file that describes a 4×2 picture by its mean colours, with this card."""
    import json

    def make(card=None, name="m.onnx"):
        helper, kinds = onnx.helper, onnx.TensorProto
        nodes = [
            helper.make_node("Cast", ["images"], ["pixels"], to=kinds.FLOAT),
            helper.make_node("ReduceMean", ["pixels", "axes"], ["means"], keepdims=0),
            helper.make_node("Unsqueeze", ["means", "one"], ["features"]),
            helper.make_node("ReduceMax", ["features", "two"], ["largest"], keepdims=0),
            helper.make_node("Greater", ["largest", "limit"], ["visibility"]),
        ]
        graph = helper.make_graph(
            nodes,
            "colours",
            [helper.make_tensor_value_info("images", kinds.UINT8, ["batch", 3, 4, 2])],
            [
                helper.make_tensor_value_info("features", kinds.FLOAT, ["batch", 1, 3]),
                helper.make_tensor_value_info("visibility", kinds.BOOL, ["batch", 1]),
            ],
            [
                helper.make_tensor("axes", kinds.INT64, [2], [2, 3]),
                helper.make_tensor("one", kinds.INT64, [1], [1]),
                helper.make_tensor("two", kinds.INT64, [1], [2]),
                helper.make_tensor("limit", kinds.FLOAT, [], [10.0]),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        if card is not False:
            facts = {"metric": "euclidean", "input_size": [4, 2], "parameters": 7, **(card or {})}
            onnx.helper.set_model_props(model, {"occreid": json.dumps(facts)})
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return make


def test_an_exported_file_is_no_method_of_the_package():
    assert "exported" not in list_methods()


def test_it_describes_as_a_method_does(write):
    model = load_model(write())
    assert isinstance(model, ExportedModel) and isinstance(model, nn.Module) and not model.training
    images = torch.randint(0, 256, (5, 3, 4, 2), dtype=torch.uint8)
    images[2] = 3
    described = model.describe(images)
    torch.testing.assert_close(described.features[:, 0], images.float().mean((2, 3)))
    assert described.visibility.tolist() == [[True], [True], [False], [True], [True]]
    assert (model.metric, model.input_size, model.parameters_in_file) == ("euclidean", (4, 2), 7)


def test_pictures_between_0_and_1_mean_the_same(write):
    model = load_model(write())
    images = torch.randint(0, 256, (5, 3, 4, 2), dtype=torch.uint8)
    assert torch.equal(model.describe(images).features, model.describe(images / 255).features)


def test_pictures_of_another_size_are_refused(write):
    with pytest.raises(UserError, match=r"takes images of shape \(B, 3, 4, 2\), not \(5, 3, 8, 2\)"):
        load_model(write()).describe(torch.zeros(5, 3, 8, 2, dtype=torch.uint8))


def test_the_card_tells_what_was_exported(write):
    file = write({"method": "baseline", "num_classes": 4, "options": {"margin": 0.5}, "sha256": "abc"})
    assert read_card(file)["sha256"] == "abc"
    assert load_model(file).spec.options == {"margin": 0.5}


def test_it_cannot_train_and_refines_only_where_nothing_is_to_refine(write):
    model = load_model(write())
    described = model.describe(torch.zeros(2, 3, 4, 2, dtype=torch.uint8))
    assert model.refine(described, described) is described
    with pytest.raises(UserError, match="cannot train"):
        model.losses(None)
    looking = load_model(write({"refines": True, "method": "orgnn", "num_classes": 4, "options": {}}, "r.onnx"))
    with pytest.raises(UserError, match="orgnn also looks at the gallery"):
        looking.refine(described, described)


def test_files_that_are_none_of_ours(write, tmp_path):
    (tmp_path / "text.onnx").write_text("no network")
    for path, words in (
        (tmp_path / "gone.onnx", "there is no model"),
        (tmp_path / "text.onnx", "as ONNX"),
        (write(False, "foreign.onnx"), "did not write"),
    ):
        for call in (load_model, read_card):
            with pytest.raises(UserError, match=words):
                call(path)


def test_without_onnx_runtime_the_extra_is_named(write, monkeypatch):
    file = write()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"pip install 'occreid\[export\]'"):
        load_model(file)
