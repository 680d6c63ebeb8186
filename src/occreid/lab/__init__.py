"""The occlusion laboratory: what hides a person, and whether a model falls for it."""

from occreid.lab.clever_hans import CleverHans, Trial, clever_hans, draw_trials

__all__ = ["CleverHans", "Trial", "clever_hans", "draw_trials"]
