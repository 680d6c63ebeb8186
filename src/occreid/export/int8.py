"""An int8 network beside the exported one, and what it costs on benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from occreid.evaluation import measure
from occreid.export.files import reference
from occreid.export.parity import check_parity
from occreid.export.pictures import load_pictures, spread
from occreid.export.quantize import quantize
from occreid.models import load_model
from occreid.models.contract import Method
from occreid.models.exported import ExportedModel
from occreid.records import Split
from occreid.retrieval import Protocol, Ranking


@dataclass(frozen=True, slots=True)
class Quantized:
    """An int8 network.

    Attributes:
        file: where it is.
        way: how its ranges were found, ``"dynamic"`` or ``"static"``.
        cosine: the smallest to PyTorch's descriptors.
        scores: benchmark → rankings of the float network and of this one, under one protocol.
    """

    file: Path
    way: str
    cosine: float
    scores: dict[str, tuple[Ranking, Ranking]]

    def to_json(self) -> dict[str, Any]:
        """Its figures, ready for JSON."""
        return {
            "file": str(self.file),
            "bytes": self.file.stat().st_size,
            "way": self.way,
            "cosine": self.cosine,
            "benchmarks": [
                {"benchmark": name, "float32": before.scores(), "int8": after.scores()}
                for name, (before, after) in self.scores.items()
            ],
        }


def quantize_and_measure(
    model: Method,
    source: Path,
    way: str,
    splits: Sequence[Split],
    compared: tuple[Tensor, Tensor | None],
    *,
    calibration: int = 128,
    progress: bool = False,
) -> Quantized:
    """Write the int8 network beside its source, and score both on every benchmark.

    Args:
        model: what the source was exported from.
        source: the ONNX file.
        way: ``"dynamic"``, or ``"static"``: ranges are found on training pictures of the first benchmark.
        splits: the benchmarks.
        compared: pictures and masks to compare descriptors on, see `load_pictures`.
        calibration: training pictures for the ranges.
        progress: show a bar.

    Raises:
        UserError: what `quantize` and `occreid.evaluation.measure` raise.
    """
    target = source.with_name(f"{source.stem}-int8.onnx")
    ranges = load_pictures(spread(splits[0].train, calibration), model) if way == "static" else ()
    quantize(source, target, way, *ranges)
    small = load_model(target)
    assert isinstance(small, ExportedModel)
    parity = check_parity(small.run, reference(model), *compared, tolerance=None)
    scores = {}
    for split in splits:
        protocol = Protocol.of(model.card, split)
        before, after = (measure(each, split, protocol, device="cpu", progress=progress) for each in (model, small))
        scores[split.name] = (before, after)
    return Quantized(target, way, parity.cosine, scores)
