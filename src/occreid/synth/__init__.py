"""occsynth: a generated benchmark of occluded pedestrians with exact labels."""

from occreid.synth.generate import generate
from occreid.synth.protocol import SIZES
from occreid.synth.sheet import contact_sheet

__all__ = ["SIZES", "contact_sheet", "generate"]
