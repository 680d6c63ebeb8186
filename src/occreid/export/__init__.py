"""Models as files that run elsewhere: ONNX, TorchScript, safetensors; written only if they say what PyTorch says."""

from occreid.export.files import FORMATS, export_model, reference
from occreid.export.graph import Describe, card_for
from occreid.export.parity import BATCHES, Parity, check_parity
from occreid.export.quantize import WAYS, quantize

__all__ = [
    "BATCHES",
    "FORMATS",
    "WAYS",
    "Describe",
    "Parity",
    "card_for",
    "check_parity",
    "export_model",
    "quantize",
    "reference",
]
