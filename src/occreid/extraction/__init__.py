"""Model + records → `Descriptors`: in memory, on disk as it goes, or on a cluster (`occreid.extraction.ray`)."""

from occreid.extraction.devices import usable_device
from occreid.extraction.in_memory import Precision, extract
from occreid.extraction.on_disk import Engine, extract_to_disk
from occreid.extraction.progress import progress_bar

__all__ = ["Engine", "Precision", "extract", "extract_to_disk", "progress_bar", "usable_device"]
