"""How sure a number is: bootstrap over identities.

Queries of one person are alike, so persons are drawn, each with all of its queries; drawing queries would
make every interval too narrow. Letters: Q queries, I persons, B resamples, K scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from occreid.errors import UserError
from occreid.retrieval.precision import Floats
from occreid.retrieval.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of two rankings of the same queries.

    Attributes:
        first, second: the two values in [0, 1].
        low, high: interval of ``second − first``.
        p_value: two-sided; the share of resamples on the other side of zero, doubled.
    """

    first: float
    second: float
    low: float
    high: float
    p_value: float


def confidence_intervals(
    ranking: Ranking, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of mAP, every R-k and mINP.

    Args:
        ranking: with at least one valid query.
        resamples: B.
        level: share of resamples inside the interval, in (0, 1).
        seed: of the resamples.

    Returns:
        Score name → (low, high), in [0, 1].

    Raises:
        UserError: no valid query, or a level or number of resamples that makes no sense.
    """
    names, values = _per_query(ranking)
    found = _resample(values[ranking.valid], ranking.query_pids[ranking.valid], resamples, level, seed)
    low, high = _interval(found, level)
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


def compare(
    first: Ranking | Sequence[Ranking],
    second: Ranking | Sequence[Ranking],
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Difference]:
    """Paired bootstrap of two rankings of the same queries and gallery under the same protocol.

    Args:
        first: the reference; or several runs of it, such as those of other training seeds.
        second: what is compared with it; of several runs as many, and the means over runs are compared.
        resamples: B.
        level: of the interval.
        seed: of the resamples.

    Returns:
        Score name → `Difference` (second − first).

    Raises:
        UserError: protocols, queries, galleries or benchmarks differ (naming how), or other numbers of runs.
    """
    firsts, seconds = ([side] if isinstance(side, Ranking) else [*side] for side in (first, second))
    if len(firsts) != len(seconds) or not firsts:
        raise UserError(
            f"{len(firsts)} and {len(seconds)} runs cannot be paired.", "Give as many runs of one as of the other."
        )
    one = firsts[0]
    for other in (*firsts[1:], *seconds):
        require_comparable(one, other)
    names, _ = _per_query(one)
    mine, theirs = (np.mean([_per_query(run)[1] for run in side], axis=0) for side in (firsts, seconds))
    valid, pids = one.valid, one.query_pids[one.valid]
    change = (theirs - mine)[valid]
    found = _resample(change, pids, resamples, level, seed)
    low, high = _interval(found, level)
    beyond = np.minimum((found <= 0).sum(0), (found >= 0).sum(0))
    p_values = np.minimum(1, 2 * (beyond + 1) / (len(found) + 1))
    return {
        name: Difference(float(a), float(b), float(lo), float(hi), float(p))
        for name, a, b, lo, hi, p in zip(
            names, mine[valid].mean(0), theirs[valid].mean(0), low, high, p_values, strict=True
        )
    }


def require_comparable(first: Ranking, second: Ranking) -> None:
    """Raise a `UserError` unless two rankings were found under one protocol on the same images."""
    differences = first.protocol.differences(second.protocol)
    if first.ranks != second.ranks:
        differences.append(f"ranks: {first.ranks} / {second.ranks}")
    if differences:
        raise UserError(
            f"the two results follow different protocols ({'; '.join(differences)}).",
            "Evaluate both under one protocol.",
        )
    for what, mine, theirs in (
        ("benchmarks", first.facts.get("benchmark"), second.facts.get("benchmark")),
        ("galleries", first.gallery, second.gallery),
        ("queries", first.query_pids.tolist(), second.query_pids.tolist()),
        ("query cameras", _listed(first.query_camids), _listed(second.query_camids)),
        ("valid queries", first.valid.tolist(), second.valid.tolist()),
    ):
        if mine != theirs:
            shown = "" if isinstance(mine, list) or isinstance(theirs, list) else f" ({mine} / {theirs})"
            raise UserError(
                f"the two results are on different {what}{shown}.", "Evaluate both models on the same images."
            )


def _per_query(ranking: Ranking) -> tuple[list[str], Floats]:
    """Names of the scores and their values per query (Q, K); a ranking's score is the mean over valid queries."""
    columns: Mapping[str, Floats] = {
        "mAP": ranking.average_precision,
        **{f"R-{k}": ranking.hit_rate(k) for k in ranking.ranks},
        "mINP": ranking.inverse_negative_penalty,
    }
    return list(columns), np.stack(list(columns.values()), axis=1)


def _resample(values: Floats, pids: np.ndarray, resamples: int, level: float, seed: int) -> Floats:
    """Means (B, K) of per-query values under resampled persons."""
    if not len(values):
        raise UserError("there is no query with a valid match to resample.", "Choose a subset that holds some.")
    if resamples < 1 or not 0 < level < 1:
        raise UserError(
            f"a bootstrap of {resamples} resamples at level {level} is not defined.", "Give e.g. 2000 and 0.95."
        )
    _, person = np.unique(pids, return_inverse=True)
    num = int(person.max()) + 1
    sums = np.stack([np.bincount(person, column, num) for column in values.T], axis=1)  # (I, K)
    sizes = np.bincount(person, minlength=num)
    generator = np.random.default_rng(seed)
    result = np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, 256):  # the times each person was drawn: (256, I) at once
        piece = result[start : start + 256]
        times = generator.multinomial(num, np.full(num, 1 / num), size=len(piece))
        piece[:] = (times @ sums) / (times @ sizes)[:, None]
    return result


def _interval(found: Floats, level: float) -> Floats:
    return np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)


def _listed(values: np.ndarray | None) -> list[int] | None:
    return None if values is None else values.tolist()
