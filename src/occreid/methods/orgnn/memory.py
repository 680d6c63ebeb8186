"""What training the graph network needs of the training set: every image's features and its neighbours.

Letters: N training images, B images of a batch, P parts, D dimensions, n nodes, m neighbours at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from occreid.descriptors import Descriptors
from occreid.methods.orgnn.neighbourhood import NOBODY, neighbourhoods
from occreid.methods.orgnn.reconstruction import graphs


@dataclass(frozen=True, slots=True)
class TrainingGraphs:
    """Descriptors of the training images, FEN being frozen, and each one's neighbourhood among them.

    Attributes:
        features: (N, P, D).
        neighbours: (N, m) indices, `NOBODY` fills the rows.
        joins: see `graphs`.
    """

    features: Tensor
    neighbours: Tensor
    joins: bool = False

    @staticmethod
    def build(
        descriptors: Descriptors,
        k: int,
        theta: float,
        search_parts: tuple[int, ...] | None = None,
        joins: bool = False,
    ) -> TrainingGraphs:
        """Search the neighbours of all, Eq. 3.

        Args:
            descriptors: the training images, in the order of `Batch.indices`.
            k: K of training.
            theta: θ of training.
            search_parts: see `neighbourhoods`.
            joins: see `graphs`.

        Raises:
            UserError: what `neighbourhoods` raises.
        """
        found = [rows for _, rows in neighbourhoods(descriptors, descriptors, k, theta, search_parts=search_parts)]
        most = max(rows.shape[1] for rows in found)
        neighbours = torch.cat([pad(rows, (0, most - rows.shape[1]), value=NOBODY) for rows in found])
        return TrainingGraphs(descriptors.features, neighbours, joins)

    def of(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Graphs of a batch: (B,) positions among the training images → nodes (B, P, n, D) and mask (B, n)."""
        indices = indices.to(self.features.device)
        return graphs(self.features[indices], self.features, self.neighbours[indices], joins=self.joins)
