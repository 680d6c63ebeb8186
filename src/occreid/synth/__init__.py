"""occsynth: a generated benchmark of occluded pedestrians with exact labels."""

from occreid.synth.editions import EDITIONS
from occreid.synth.generate import generate
from occreid.synth.protocol import SIZES, own_size

__all__ = ["EDITIONS", "SIZES", "generate", "own_size"]
