"""Model × benchmark × protocol → ranking; how it falls under stress, and whether it follows occluders."""

from occreid.evaluation.clever_hans import CleverHans, Trial, clever_hans, draw_trials
from occreid.evaluation.describe import Described, Describer, Settings
from occreid.evaluation.measure import measure, rank
from occreid.evaluation.natural import NaturalHans, Occluders, natural_clever_hans

__all__ = [
    "CleverHans",
    "Described",
    "Describer",
    "NaturalHans",
    "Occluders",
    "Settings",
    "Trial",
    "clever_hans",
    "draw_trials",
    "measure",
    "natural_clever_hans",
    "rank",
]
