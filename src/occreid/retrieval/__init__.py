"""Ranking and scoring: exact, streamed, and always with the protocol's name on the result."""

from occreid.distances import METRICS, Metric, distance_rows, distances
from occreid.retrieval.evaluate import evaluate, rank_rows
from occreid.retrieval.matches import SameCamera
from occreid.retrieval.precision import APForm
from occreid.retrieval.ranking import Protocol, Ranking
from occreid.retrieval.search import top_k

__all__ = [
    "METRICS",
    "APForm",
    "Metric",
    "Protocol",
    "Ranking",
    "SameCamera",
    "distance_rows",
    "distances",
    "evaluate",
    "rank_rows",
    "top_k",
]
