"""The occlusion laboratory: what hides a person, and whether a model falls for it."""

from occreid.evaluation.clever_hans import CleverHans, Trial, clever_hans, draw_trials
from occreid.evaluation.natural import NaturalHans, Occluders, natural_clever_hans

__all__ = [
    "CleverHans",
    "NaturalHans",
    "Occluders",
    "Trial",
    "clever_hans",
    "draw_trials",
    "natural_clever_hans",
]
