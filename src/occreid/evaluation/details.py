"""What a result says beside its headline numbers, ready for JSON: intervals, subsets, verification, Clever Hans."""

from __future__ import annotations

from typing import Any

from occreid.errors import UserError
from occreid.evaluation.describe import Described
from occreid.evaluation.natural import natural_clever_hans
from occreid.retrieval import Ranking, by_camera_pair, by_subset, confidence_intervals, verify

FALSE_ACCEPT_RATES = (1e-4, 1e-3, 1e-2)


def intervals(ranking: Ranking, seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % intervals of every score, by bootstrap over persons."""
    return confidence_intervals(ranking, seed=seed)


def subsets(described: Described, ranking: Ranking) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by kind of query, and by pair of cameras where the whole gallery is ranked by plain distances.

    Returns:
        Division → label → number of queries and scores.
    """
    protocol: Any = ranking.protocol
    divisions = {name: by_subset(ranking, labels) for name, labels in described.labels.items()}
    if protocol.shots == "multi" and protocol.rerank is None and described.query.camids is not None:
        pairs = by_camera_pair(
            *(described.query, described.gallery, protocol.metric, protocol.same_camera),
            ap=protocol.ap,
            ranks=ranking.ranks,
        )
        divisions["cameras"] = {f"{one} → {other}": found for (one, other), found in pairs.items()}
    return {
        name: {
            label: {"queries": part.num_valid_queries, **part.scores()}
            for label, part in parts.items()
            if part.num_valid_queries
        }
        for name, parts in divisions.items()
    }


def verification(described: Described) -> dict[str, Any]:
    """Equal error rate, and the true accept rate and threshold at each of `FALSE_ACCEPT_RATES`."""
    protocol: Any = described.protocol
    roc = verify(described.query, described.gallery, protocol.metric, protocol.same_camera)
    rates = {f"{rate:g}": roc.true_accepts_at(rate) for rate in FALSE_ACCEPT_RATES}
    return {
        "equal_error_rate": roc.equal_error_rate,
        "genuine_pairs": roc.num_genuine,
        "impostor_pairs": roc.num_impostor,
        # no threshold where even the nearest genuine pair admits too many impostors
        "tar_at_far": {far: {"tar": tar, "threshold": at if tar else None} for far, (tar, at) in rates.items()},
    }


def natural_row(described: Described, by: Any, seed: int = 0) -> dict[str, Any]:
    """Whether the ranking follows what hides people, see `occreid.evaluation.natural`.

    Args:
        described: both sides.
        by: what sharing an occluder means, ``"kind"`` or ``"id"``.
        seed: of the interval.

    Raises:
        UserError: nobody kept what hides each person, or what `natural_clever_hans` raises.
    """
    if described.occluders is None:
        raise UserError(
            "the descriptors come without what hides each person.", "Write them again with: occreid extract"
        )
    protocol: Any = described.protocol
    found = natural_clever_hans(
        *(described.query, described.gallery, *described.occluders, protocol.metric, protocol.same_camera, by)
    )
    rest = {"queries_in_all": len(described.query), "oracle": protocol.oracle, "seed": seed}
    return {"benchmark": described.name, **found.summary(seed), **rest}
