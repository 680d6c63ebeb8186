"""Model + records → `Descriptors`: in memory, on disk as it goes, or on a cluster (`occreid.extraction.ray`)."""

from occreid.extraction.devices import usable_device
from occreid.extraction.fastest import ASKED, AskedPrecision, computing_in, way_for
from occreid.extraction.in_memory import extract
from occreid.extraction.on_disk import Engine, extract_to_disk
from occreid.nn.computing import Precision

__all__ = [
    "ASKED",
    "AskedPrecision",
    "Engine",
    "Precision",
    "computing_in",
    "extract",
    "extract_to_disk",
    "usable_device",
    "way_for",
]
