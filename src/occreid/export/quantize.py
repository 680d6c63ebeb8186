"""int8 networks from an exported ONNX file. They deviate by design: measure what it costs before use.

``dynamic`` rounds weights only in advance and finds the range of activations in every batch, so that an image's
descriptor depends a little on the others of its batch. ``static`` fixes the ranges beforehand on pictures of the
training set and has no such dependence.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np
from torch import Tensor

from occreid.errors import UserError, did_you_mean, require
from occreid.files import replacing, sha256_of
from occreid.models.exported import CARD_ENTRY
from occreid.models.weights import OF_WEIGHTS

Way = Literal["dynamic", "static"]
WAYS: tuple[str, ...] = get_args(Way)
_OPERATORS = ["Conv", "MatMul", "Gemm"]


def quantize(
    source: str | Path, path: str | Path, way: str, calibration: Tensor | None = None, masks: Tensor | None = None
) -> Path:
    """Write an int8 version of an exported network.

    Its card has a hash of its own and no calibration: both are of the weights before they were rounded.

    Args:
        source: a ``.onnx`` file of `export_model`.
        path: the file to write.
        way: ``"dynamic"`` or ``"static"``.
        calibration: (N, 3, H, W) uint8 training pictures for the ranges of ``"static"``; a hundred or so.
        masks: (N, H, W) uint8 masks of these, where the network takes masks.

    Raises:
        UserError: an unknown way, no calibration pictures for ``"static"``, or a path that cannot be written.
    """
    if way not in WAYS:
        raise UserError(f"there is no quantisation '{way}'.", did_you_mean(way, WAYS))
    if way == "static" and (calibration is None or len(calibration) == 0):
        raise UserError("static quantisation needs pictures for the ranges.", "Give calibration pictures, or dynamic.")
    onnx = require("onnx", "export")
    tools = require("onnxruntime.quantization", "export")
    path = Path(path)
    with replacing(path, hint="Choose another --out.") as part, _quiet(), TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        tools.quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        if way == "dynamic":
            tools.quantize_dynamic(
                str(ready), str(part), op_types_to_quantize=_OPERATORS, weight_type=tools.QuantType.QInt8
            )
        else:
            assert calibration is not None
            tools.quantize_static(
                str(ready),
                str(part),
                _reader(tools, calibration, masks),
                op_types_to_quantize=_OPERATORS,
                per_channel=True,
                activation_type=tools.QuantType.QUInt8,
                weight_type=tools.QuantType.QInt8,
            )
        _write_card(onnx, part, way)
    return path


def _write_card(onnx: Any, file: Path, way: str) -> None:
    """Take out of the card what is true of the weights before rounding only."""
    graph, hash_ = onnx.load(str(file)), sha256_of(file)
    for entry in graph.metadata_props:
        if entry.key == CARD_ENTRY:
            card = {key: value for key, value in json.loads(entry.value).items() if key not in OF_WEIGHTS}
            entry.value = json.dumps({**card, "sha256": hash_, "int8": way}, ensure_ascii=False)
    onnx.save(graph, str(file))


def _reader(tools: Any, images: Tensor, masks: Tensor | None, batch: int = 16) -> Any:
    """Calibration pictures in the form the quantiser asks for: batches of pictures and, where given, their masks."""
    inputs = {"images": images} if masks is None else {"images": images, "masks": masks}

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            starts = range(0, len(images), batch)
            self.batches = iter(
                [{name: np.asarray(each[start : start + batch]) for name, each in inputs.items()} for start in starts]
            )

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.batches, None)

    return Reader()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantiser's advice on its root logger."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
