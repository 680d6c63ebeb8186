"""occsynth: a generated benchmark of occluded pedestrians with exact labels."""

from occreid.synth.editions import EDITIONS
from occreid.synth.generate import generate
from occreid.synth.protocol import SIZES, own_size
from occreid.synth.sheet import contact_sheet

__all__ = ["EDITIONS", "SIZES", "contact_sheet", "generate", "own_size"]
