"""Ablation: a ladder or grid of overrides × seeds, each a run folder of its own, ending in one table."""

from occreid.training.ablation.jobs import run_plan
from occreid.training.ablation.ladder import Plan, find_ladder, list_ladders, load_plan
from occreid.training.ablation.results import collect
from occreid.training.ablation.table import write_tables

__all__ = ["Plan", "collect", "find_ladder", "list_ladders", "load_plan", "run_plan", "write_tables"]
