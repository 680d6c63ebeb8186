import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the stand-in of the hub


@pytest.fixture
def toy(monkeypatch):
    """Make ``toy_module`` importable, as a user's own module would be."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delitem(sys.modules, "toy_module", raising=False)
    return "toy_module:Toy"


@pytest.fixture
def write_onnx():
    """`_write_onnx`."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return _write_onnx


def _write_onnx(path, shape=("batch", 3, 4, 2), kind="FLOAT", axes=(2, 3), metadata=None, inner=None, mix=False):
    """An ONNX file; ``inner`` reshapes to a number of pictures whatever it promises, ``mix`` adds the batch's mean."""
    import onnx

    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["x"], ["pixels"], to=kinds.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["means"], keepdims=0),
    ]
    constants = [helper.make_tensor("axes", kinds.INT64, [len(axes)], list(axes))]
    if inner:
        nodes.append(helper.make_node("Reshape", ["means", "shape"], ["vector"]))
        constants.append(helper.make_tensor("shape", kinds.INT64, [2], [inner, 3]))
    elif mix:
        nodes.append(helper.make_node("ReduceMean", ["means", "first"], ["of_all"], keepdims=1))
        nodes.append(helper.make_node("Add", ["means", "of_all"], ["vector"]))
        constants.append(helper.make_tensor("first", kinds.INT64, [1], [0]))
    else:
        nodes.append(helper.make_node("Identity", ["means"], ["vector"]))
    nodes.append(helper.make_node("Mul", ["pixels", "pixels"], ["squares"]))
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("x", getattr(kinds, kind), list(shape))],
        [helper.make_tensor_value_info(name, kinds.FLOAT, None) for name in ("vector", "squares")],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
