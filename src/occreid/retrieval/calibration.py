"""From a distance to a probability: "two pictures at this distance show the same person with probability p".

Platt 1999, "Probabilistic outputs for support vector machines": p = σ(a − b·d), fitted by maximum likelihood with
his smoothed targets, on pairs of pictures of known persons. Two things make the number honest or not, so the file
states both: the share of same-person pairs it presumes (the prior), and how well it holds on persons it was not
fitted on.

Letters: d distance, a intercept, b slope ≥ 0, π prior.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from occreid.descriptors import Descriptors
from occreid.distances import Metric, paired_distances
from occreid.errors import UserError
from occreid.files import read_text, write_json

Floats = NDArray[np.float64]
_BINS = 10
_MAKE = "Make one with: occreid serve calibrate"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted curve and what it is worth.

    Attributes:
        intercept, slope: a and b of p = σ(a − b·d).
        metric: of the distances.
        weights_hash: SHA-256 of the weights whose descriptors it was fitted on.
        prior: π, the share of same-person pairs presumed, in (0, 1).
        fitted_on: words for where the pairs came from.
        pairs: genuine and impostor pairs fitted on.
        held_out: Brier score, expected calibration error and pairs, on persons left out of the fit.
    """

    intercept: float
    slope: float
    metric: Metric
    weights_hash: str
    prior: float
    fitted_on: str
    pairs: dict[str, int]
    held_out: dict[str, Any]

    def probability(self, distance: float) -> float | None:
        """Probability in [0, 1] that two pictures at this distance show one person; None for ∞ (no part in common)."""
        if not math.isfinite(distance):
            return None
        return float(_sigmoid(np.array([self.intercept - self.slope * distance]))[0])

    def save(self, path: str | Path) -> None:
        """Write the file.

        Raises:
            UserError: it cannot be written.
        """
        write_json(path, {"format": 1, **asdict(self)}, private=True)

    @staticmethod
    def load(path: str | Path, *, weights_hash: str, metric: str) -> Calibration:
        """Read a file for a model.

        Raises:
            UserError: missing, damaged, or fitted on another model's distances.
        """
        what = f"the calibration {path}"
        try:
            held = json.loads(read_text(path, what="the calibration", hint=_MAKE))
            held.pop("format")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(f"{what} is damaged ({error}).", _MAKE) from error
        return _checked(held, what, weights_hash, metric)

    @staticmethod
    def of_card(card: Mapping[str, Any], *, weights_hash: str, metric: str) -> Calibration:
        """The curve that a model's card holds under ``calibration``.

        Raises:
            UserError: damaged, or fitted on another model's distances.
        """
        return _checked(card["calibration"], "the calibration of the model's card", weights_hash, metric)


def _checked(held: Any, what: str, weights_hash: str, metric: str) -> Calibration:
    """A calibration from what a file or a card holds."""
    try:
        found = Calibration(**held)
        whole = 0 < found.prior < 1 and found.slope >= 0 and math.isfinite(found.intercept)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{what} is damaged ({error}).", _MAKE) from error
    if not whole:
        raise UserError(f"{what} holds an impossible curve.", _MAKE)
    if (found.weights_hash, found.metric) != (weights_hash, metric):
        raise UserError(f"{what} was fitted on another model's distances.", _MAKE)
    return found


def calibrate(
    descriptors: Descriptors,
    metric: Metric,
    *,
    weights_hash: str,
    fitted_on: str,
    prior: float = 0.5,
    max_pairs: int = 200_000,
    seed: int = 0,
) -> Calibration:
    """Fit on half of the persons, measure on the other half.

    Pairs seen by one camera are left out where the cameras are known: they are too easy.

    Args:
        descriptors: N images with pids; of persons the model was not trained on, if the number is to be believed.
        metric: the model's.
        weights_hash: SHA-256 of the model's weights.
        fitted_on: words for the file.
        prior: π in (0, 1).
        max_pairs: of each kind, drawn at random where there are more.
        seed: of the halves and the draw.

    Raises:
        UserError: no pids, fewer than four persons that have a pair, an impossible prior.
    """
    if not 0 < prior < 1:
        raise UserError(f"a prior of {prior} is impossible.", "Give the share of same-person pairs, between 0 and 1.")
    if descriptors.pids is None:
        raise UserError("these descriptors have no person ids.", "Extract them from a benchmark: occreid extract")
    generator = np.random.default_rng(seed)
    persons = generator.permutation(np.unique(descriptors.pids.numpy()))
    halves = []
    for chosen in (persons[: len(persons) // 2], persons[len(persons) // 2 :]):
        rows = np.flatnonzero(np.isin(descriptors.pids.numpy(), chosen))
        halves.append(_pair_distances(descriptors, metric, rows, max_pairs, generator))
    (genuine, impostor), (left_genuine, left_impostor) = halves
    intercept, slope = fit_platt(genuine, impostor, prior)
    return Calibration(
        intercept,
        slope,
        metric,
        weights_hash,
        prior,
        fitted_on,
        {"genuine": len(genuine), "impostor": len(impostor)},
        reliability(intercept, slope, left_genuine, left_impostor, prior),
    )


def check(
    calibration: Calibration, descriptors: Descriptors, *, max_pairs: int = 200_000, seed: int = 0
) -> dict[str, Any]:
    """How well a curve holds on other descriptors of the same model: `reliability` over all their pairs.

    Raises:
        UserError: no pids, or too few pairs.
    """
    if descriptors.pids is None:
        raise UserError("these descriptors have no person ids.", "Extract them from a benchmark: occreid extract")
    rows = np.arange(len(descriptors))
    pairs = _pair_distances(descriptors, calibration.metric, rows, max_pairs, np.random.default_rng(seed))
    return reliability(calibration.intercept, calibration.slope, *pairs, calibration.prior)


def fit_platt(genuine: Floats, impostor: Floats, prior: float) -> tuple[float, float]:
    """Intercept a and slope b ≥ 0 of p = σ(a − b·d) by Newton's method on the weighted log-likelihood.

    Args:
        genuine: distances of same-person pairs.
        impostor: distances of pairs of two persons.
        prior: π: the genuine pairs weigh π together, the impostors 1 − π.

    Returns:
        (a, b) in float64; b is 0 where smaller distances do not speak for the same person.
    """
    d = np.concatenate([genuine, impostor]).astype(np.float64)
    centre, scale = d.mean(), d.std() or 1.0
    x = np.stack([np.ones_like(d), -(d - centre) / scale], 1)  # (n, 2)
    n, m = len(genuine), len(impostor)
    target = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])  # Platt's smoothed targets
    weight = np.concatenate([np.full(n, prior / n), np.full(m, (1 - prior) / m)])
    theta = np.array([math.log(prior / (1 - prior)), 0.0])
    loss = _log_loss(x @ theta, target, weight)
    for _ in range(100):
        p = _sigmoid(x @ theta)
        gradient = x.T @ (weight * (p - target))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        for _ in range(40):  # halve the step until it helps
            after = _log_loss(x @ (theta - step), target, weight)
            if after <= loss:
                break
            step = step / 2
        theta, gained, loss = theta - step, loss - after, after
        if abs(gained) < 1e-14:
            break
    if theta[1] <= 0:
        return math.log(prior / (1 - prior)), 0.0
    slope = theta[1] / scale
    return float(theta[0] + slope * centre), float(slope)


def reliability(a: float, b: float, genuine: Floats, impostor: Floats, prior: float) -> dict[str, Any]:
    """How well p = σ(a − b·d) holds on pairs it was not fitted on, at the presumed prior.

    Returns:
        ``brier`` in [0, 1]; ``ece``, the expected calibration error over ten equal bins, in [0, 1]; ``bins``: for
        each bin that holds pairs, its mean probability, the share that is genuine, and its weight; pair counts.
    """
    p = _sigmoid(a - b * np.concatenate([genuine, impostor]))
    same = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    weight = np.concatenate(
        [np.full(len(genuine), prior / len(genuine)), np.full(len(impostor), (1 - prior) / len(impostor))]
    )
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    bins, error = [], 0.0
    for number in range(_BINS):
        held = place == number
        total = float(weight[held].sum())
        if total:
            predicted, true = (float((weight * v)[held].sum() / total) for v in (p, same))
            bins.append({"said": round(predicted, 4), "true": round(true, 4), "weight": round(total, 4)})
            error += total * abs(predicted - true)
    return {
        "brier": float((weight * (p - same) ** 2).sum()),
        "ece": error,
        "bins": bins,
        "genuine": len(genuine),
        "impostor": len(impostor),
    }


def _pair_distances(
    descriptors: Descriptors, metric: Metric, rows: NDArray[np.int64], most: int, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Finite distances of same-person and of two-person pairs among the rows, at most ``most`` of each."""
    assert descriptors.pids is not None  # calibrate has looked
    pids = descriptors.pids.numpy()[rows]
    camids = None if descriptors.camids is None else descriptors.camids.numpy()[rows]
    found = []
    for genuine in (True, False):
        i, j = _genuine_pairs(pids) if genuine else _impostor_pairs(pids, most, generator)
        if camids is not None:
            different = camids[i] != camids[j]
            i, j = i[different], j[different]
        if len(i) > most:
            kept = np.sort(generator.choice(len(i), most, replace=False))
            i, j = i[kept], j[kept]
        left, right = (torch.from_numpy(rows[side]) for side in (i, j))
        d = paired_distances(descriptors, descriptors, metric, left, right).double().numpy()
        found.append(d[np.isfinite(d)])
    if len(found[0]) < 2 or len(found[1]) < 2:
        raise UserError(
            f"half of the persons make {len(found[0])} pairs of one person and {len(found[1])} of two.",
            "Give more persons, each seen by two cameras.",
        )
    return found[0], found[1]


def _genuine_pairs(pids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    left, right = [], []
    for pid in np.unique(pids):
        held = np.flatnonzero(pids == pid)
        i, j = np.triu_indices(len(held), 1)
        left.append(held[i])
        right.append(held[j])
    empty = np.zeros(0, np.int64)
    return np.concatenate([empty, *left]), np.concatenate([empty, *right])


def _impostor_pairs(
    pids: NDArray[np.int64], most: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    i, j = generator.integers(0, max(len(pids), 1), (2, 4 * most if len(pids) ** 2 > 4 * most else len(pids) ** 2))
    different = pids[i] != pids[j]
    return i[different], j[different]


def _sigmoid(x: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -x))  # neither end overflows


def _log_loss(logit: Floats, target: Floats, weight: Floats) -> float:
    return float((weight * (target * np.logaddexp(0, -logit) + (1 - target) * np.logaddexp(0, logit))).sum())
