"""Models as files that run elsewhere: ONNX, TorchScript, safetensors; written only if they say what PyTorch says."""

from occreid.export.files import FORMATS, export_model, reference
from occreid.export.graph import Describe, card_for
from occreid.export.int8 import Quantized, quantize_and_measure
from occreid.export.parity import BATCHES, Parity, check_parity
from occreid.export.pictures import COMPARED, folder_records, load_pictures, spread
from occreid.export.quantize import WAYS, quantize
from occreid.export.run import Exported, export_run

__all__ = [
    "BATCHES",
    "COMPARED",
    "FORMATS",
    "WAYS",
    "Describe",
    "Exported",
    "Parity",
    "Quantized",
    "card_for",
    "check_parity",
    "export_model",
    "export_run",
    "folder_records",
    "load_pictures",
    "quantize",
    "quantize_and_measure",
    "reference",
    "spread",
]
