"""Verification: is this the same person, at a threshold? ROC, EER and TAR at a given FAR, over all pairs.

Letters: Q queries, G gallery images, T thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.descriptors import Descriptors
from occreid.distances import Metric, distance_rows
from occreid.errors import UserError
from occreid.retrieval.evaluate import hide
from occreid.retrieval.matches import find_matches
from occreid.retrieval.precision import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """The ROC of all (query, gallery) pairs that the camera rule leaves; a pair is accepted at distance ≤ threshold.

    The thresholds are the distances of the genuine pairs: between two of them only the false accepts grow, so
    that no better operating point lies anywhere else.

    Attributes:
        thresholds: (T,) ascending, finite; a pair at +∞ is never accepted.
        true_accept_rate: (T,) share of genuine pairs accepted.
        false_accept_rate: (T,) share of impostor pairs accepted.
        num_genuine, num_impostor: pairs of the same person, and of two persons.
    """

    thresholds: Floats
    true_accept_rate: Floats
    false_accept_rate: Floats
    num_genuine: int
    num_impostor: int

    @property
    def equal_error_rate(self) -> float:
        """Where as many impostors are accepted as genuine pairs rejected, linear between thresholds; in [0, 1]."""
        accepted = np.concatenate([[0.0], self.false_accept_rate, [1.0]])
        rejected = np.concatenate([[1.0], 1 - self.true_accept_rate, [0.0]])
        above = int(np.argmax(accepted >= rejected))
        gap_before, gap = rejected[above - 1] - accepted[above - 1], accepted[above] - rejected[above]
        share = gap_before / (gap_before + gap)
        return float(accepted[above - 1] + share * (accepted[above] - accepted[above - 1]))

    def true_accepts_at(self, false_accept_rate: float) -> tuple[float, float]:
        """The best true accept rate at no more than this false accept rate, and its threshold (−∞: accept none).

        Raises:
            UserError: a rate outside [0, 1].
        """
        if not 0 <= false_accept_rate <= 1:
            raise UserError(f"a false accept rate of {false_accept_rate} is impossible.", "Give one between 0 and 1.")
        allowed = int(np.searchsorted(self.false_accept_rate, false_accept_rate, side="right"))
        if not allowed:
            return 0.0, -np.inf
        return float(self.true_accept_rate[allowed - 1]), float(self.thresholds[allowed - 1])


def verify(query: Descriptors, gallery: Descriptors, metric: Metric, same_camera: str = "junk") -> Verification:
    """The exact ROC in two passes over the distances, without keeping them.

    Args:
        query: Q descriptors with pids and camids.
        gallery: G descriptors likewise.
        metric: how to compare.
        same_camera: as in `occreid.retrieval.evaluate`; junk pairs are neither genuine nor impostor.

    Raises:
        UserError: as `occreid.retrieval.evaluate`, or there is no impostor pair.
    """
    matches = find_matches(query, gallery, same_camera)
    genuine_pieces = []
    for start, block in distance_rows(query, gallery, metric):
        genuine_pieces.append(block.cpu().numpy()[matches.hits(start, start + len(block))])
    genuine = np.concatenate(genuine_pieces)
    thresholds, counts = np.unique(genuine[np.isfinite(genuine)], return_counts=True)
    impostors = np.zeros(len(thresholds) + 1, np.int64)
    for start, block in distance_rows(query, gallery, metric):  # the same tiles, hence the same rounding
        hide(block, *matches.junk(start, start + len(block)))
        hide(block, *matches.hits(start, start + len(block)))
        values = block.cpu().numpy()
        place = np.searchsorted(thresholds, np.sort(values[~np.isnan(values)]), side="left")
        impostors += np.bincount(place, minlength=len(impostors))
    num_impostor = int(impostors.sum())
    if not num_impostor:
        raise UserError("there is no pair of two different persons.", "Give a gallery that holds more than one.")
    return Verification(
        thresholds.astype(np.float64),
        np.cumsum(counts) / len(genuine),
        np.cumsum(impostors[:-1]) / num_impostor,
        len(genuine),
        num_impostor,
    )
