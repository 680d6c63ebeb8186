import json

import pytest
from typer.testing import CliRunner

from occreid.cli import app

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def network(tmp_path):
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["vector"], axes=[2, 3], keepdims=0)],
        "colours",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", 3, 8, 4])],
        [helper.make_tensor_value_info("vector", kinds.FLOAT, ["batch", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "net.onnx")
    return str(tmp_path / "net.onnx")


def test_a_network_is_taken_in_and_said_to_be(network, tmp_path):
    found = CliRunner().invoke(app, ["import", network, "--out", str(tmp_path / "net")])
    assert found.exit_code == 0, found.output
    assert "takes 8×4 pictures, any number at once, as float32 NCHW RGB; gives 1 × 3 numbers" in found.output
    assert "guessed: mean and std" in found.output
    told = ["--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5", "--metric", "euclidean", "--json"]
    card = json.loads(CliRunner().invoke(app, ["import", network, *told]).output)
    assert card["interface"]["mean"] == [0.5] * 3 and card["metric"] == "euclidean" and card["guessed"] == []


def test_what_the_trial_found_is_said(tmp_path):
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("ReduceMean", ["means"], ["of_all"], axes=[0], keepdims=1),
            helper.make_node("Add", ["means", "of_all"], ["vector"]),
        ],
        "colours",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", 3, 8, 4])],
        [helper.make_tensor_value_info("vector", kinds.FLOAT, ["batch", 3])],
    )
    source = tmp_path / "mix.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), source)
    found = CliRunner().invoke(app, ["import", str(source)])
    assert found.exit_code == 0 and "takes 8×4 pictures, 1 at once" in found.output
    assert "note: its answer for a picture depends on the others of the batch" in found.output


def test_mistakes_are_named(network):
    for words, problem in ((["--range", "7"], "--range cannot be 7"), (["--mean", "a"], "--mean a is not a list")):
        found = CliRunner().invoke(app, ["import", network, *words])
        assert problem in str(found.exception)


def test_an_imported_model_is_scored_like_any_other(network, tmp_path):
    from PIL import Image

    CliRunner().invoke(app, ["import", network])
    for side, camera in (("query", 1), ("bounding_box_test", 2), ("bounding_box_train", 1)):
        (tmp_path / "m" / side).mkdir(parents=True)
        for pid, colour in ((1, (200, 0, 0)), (2, (0, 0, 200))):
            Image.new("RGB", (8, 16), colour).save(tmp_path / "m" / side / f"{pid:04d}_c{camera}s1_000001_00.jpg")
    words = ["evaluate", network, "--on", f"market1501={tmp_path / 'm'}", "--option", "strict=false", "--json"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert '"mAP": 1.0' in found.output or '"mAP":1.0' in found.output
