"""Networks that come as a file and run somewhere: what exported and foreign models share.

Letters: B images, H × W pixels, P parts, D dimensions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.errors import UserError, require
from occreid.models.contract import Method
from occreid.records import Batch


class FileModel(Method):
    """A network in a file: it describes and cannot train.

    Args:
        path: the file.
        card: what is known of it: ``metric``, ``input_size``, and where it counts ``parameters``.
    """

    def __init__(self, path: Path, card: dict[str, Any]) -> None:
        super().__init__()
        self.path, self.card = path, card
        self.metric = card["metric"]  # type: ignore[misc]  # of the network in the file
        self.input_size, self.fixed_size = tuple(card["input_size"]), True
        self.parameters_in_file = int(card.get("parameters", 0))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """A network in a file cannot train.

        Raises:
            UserError: always.
        """
        raise UserError(
            f"{self.path} is a network in a file, which can only describe and cannot train.",
            "Train the one it was made from.",
        )


def open_onnx(path: Path, threads: int | None = None) -> Any:
    """An ONNX Runtime session.

    Args:
        path: the file.
        threads: CPU threads; 0: as many as ONNX Runtime likes; None: as many as torch uses.

    Raises:
        UserError: no such file, or no ONNX.
    """
    runtime = require("onnxruntime", "export")
    if not path.is_file():
        raise UserError(f"there is no model '{path}'.", "Write one with: occreid export RUN --format onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads() if threads is None else threads
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(str(path), options, providers=runtime.get_available_providers())
    except onnx_failures() as error:
        raise UserError(
            f"cannot read {path} as ONNX ({str(error).splitlines()[0]}).", "Export it again, undamaged."
        ) from error


def onnx_failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a file or an input that it cannot take."""
    state = require("onnxruntime", "export").capi.onnxruntime_pybind11_state
    names = ("InvalidProtobuf", "InvalidGraph", "Fail", "NotImplemented", "InvalidArgument", "RuntimeException")
    return tuple(getattr(state, name) for name in names)
