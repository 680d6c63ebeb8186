"""Ranking and scoring: exact, streamed, and always with the protocol's name on the result."""

from occreid.distances import METRICS, Metric, distance_rows, distances
from occreid.retrieval.bootstrap import Difference, compare, confidence_intervals
from occreid.retrieval.evaluate import evaluate, rank, rank_rows
from occreid.retrieval.expansion import expand_queries
from occreid.retrieval.matches import SameCamera
from occreid.retrieval.precision import APForm
from occreid.retrieval.protocol import RERANKINGS, Protocol
from occreid.retrieval.ranking import Ranking
from occreid.retrieval.rerank import rerank_k_reciprocal, rerank_rows
from occreid.retrieval.results import load_ranking, save_ranking
from occreid.retrieval.search import top_k
from occreid.retrieval.shorten import Projection, fit_projection
from occreid.retrieval.subsets import by_camera_pair, by_subset, query_labels
from occreid.retrieval.verdict import Verdict, verdict
from occreid.retrieval.verification import Verification, verify

__all__ = [
    "METRICS",
    "RERANKINGS",
    "APForm",
    "Difference",
    "Metric",
    "Projection",
    "Protocol",
    "Ranking",
    "SameCamera",
    "Verdict",
    "Verification",
    "by_camera_pair",
    "by_subset",
    "compare",
    "confidence_intervals",
    "distance_rows",
    "distances",
    "evaluate",
    "expand_queries",
    "fit_projection",
    "load_ranking",
    "query_labels",
    "rank",
    "rank_rows",
    "rerank_k_reciprocal",
    "rerank_rows",
    "save_ranking",
    "top_k",
    "verdict",
    "verify",
]
