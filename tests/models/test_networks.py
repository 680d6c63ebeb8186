from pathlib import Path

import pytest
import torch

from occreid.errors import UserError
from occreid.models.networks import FileModel, onnx_failures, open_onnx


def test_a_network_in_a_file_is_what_its_card_says_and_cannot_train():
    model = FileModel(Path("a.onnx"), {"metric": "cosine", "input_size": [64, 32], "parameters": 7})
    assert (model.metric, model.input_size, model.fixed_size, model.parameters_in_file) == ("cosine", (64, 32), True, 7)
    with pytest.raises(UserError, match=r"a\.onnx is a network in a file"):
        model.losses(None)


def test_a_session_answers_as_the_network_does(write_onnx, tmp_path):
    write_onnx(tmp_path / "m.onnx")
    session = open_onnx(tmp_path / "m.onnx", threads=1)
    assert session.get_session_options().intra_op_num_threads == 1
    assert open_onnx(tmp_path / "m.onnx").get_session_options().intra_op_num_threads == torch.get_num_threads()


def test_a_file_that_is_missing_or_no_onnx_is_named(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(UserError, match="no model"):
        open_onnx(tmp_path / "m.onnx")
    (tmp_path / "m.onnx").write_text("not a network")
    with pytest.raises(UserError, match=r"cannot read .* as ONNX"):
        open_onnx(tmp_path / "m.onnx")


def test_failures_are_exceptions_of_the_runtime():
    pytest.importorskip("onnxruntime")
    assert all(issubclass(kind, Exception) and "onnxruntime" in kind.__module__ for kind in onnx_failures())
