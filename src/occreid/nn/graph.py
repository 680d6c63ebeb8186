"""Graph network that trusts a node as far as it resembles the others (OR-GNN, Section 3.2, Eqs. 4–6).

Letters: B graphs, P parts, n nodes of the largest graph (node 0 is the target), D dimensions, T layers. i is the
node that is updated, j another node; x, c, a, W, V and b are the paper's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class OutlierRemovableGNN(nn.Module):
    """T layers over complete graphs, all parts and graphs at once; each part has its own weights.

    The paper leaves three things open, settled here: a negative confidence counts as 0; a node no other node of
    which carries any weight (an image without neighbours, or with none that is trusted) keeps its own feature
    before W; W starts as the identity and V, b at 0, so that an untrained network of one layer is the neighbours'
    average.

    Args:
        parts: P.
        dim: D.
        layers: T.
        confidence: False sets c ≡ 1, a plain graph network.
    """

    def __init__(self, parts: int, dim: int, layers: int = 2, *, confidence: bool = True) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.eye(dim).repeat(layers, parts, 1, 1))  # (T, P, D, D)
        self.V = nn.Parameter(torch.zeros(layers, parts, dim))
        self.b = nn.Parameter(torch.zeros(layers, parts))
        self.confidence = confidence

    def forward(self, nodes: Tensor, mask: Tensor, confidence: bool | None = None) -> Tensor:
        """Reconstruct the targets.

        Args:
            nodes: (B, P, n, D) part features, node 0 the target.
            mask: (B, n) bool, False where a graph has fewer nodes; what stands there is never looked at.
            confidence: overrides the constructor's.

        Returns:
            (B, P, D) float32, the target's feature after T layers.
        """
        trusting = self.confidence if confidence is None else confidence
        with torch.autocast(nodes.device.type, enabled=False):
            x = nodes.float().masked_fill(~mask[:, None, :, None], 0)
            last = len(self.W) - 1
            for layer in range(len(self.W)):
                c = confidences(x, mask) if trusting else mask[:, None].expand(x.shape[:3]).float()
                updated = 1 if layer == last else x.shape[2]  # of the last layer only the target is asked for
                x = self._transform(layer, x, c, mask, updated)
        return x[:, :, 0]

    def _transform(self, layer: int, x: Tensor, c: Tensor, mask: Tensor, updated: int) -> Tensor:
        """Eq. 5 for the first ``updated`` nodes: (B, P, n, D) → (B, P, updated, D)."""
        a = affinities(x, self.V[layer], self.b[layer], updated)  # (B, P, u, n)
        weights = c[:, :, None] * a * _others(mask, updated)[:, None]
        total = weights.sum(3, keepdim=True)
        alone = total <= 0
        mean = torch.where(alone, x[:, :, :updated], (weights / total.masked_fill(alone, 1)) @ x)
        return (mean @ self.W[layer].mT).relu()


def confidences(x: Tensor, mask: Tensor) -> Tensor:
    """Eq. 4: cosine of each node with the mean of the other nodes, negative ones as 0.

    Args:
        x: (B, P, n, D), zero where ``mask`` is False.
        mask: (B, n) bool.

    Returns:
        (B, P, n) in [0, 1], up to rounding; 0 where there is no node, and for a node without others.

    >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])[None, None]
    >>> confidences(x, torch.tensor([[True, True, True]]))
    tensor([[[0.7071, 0.7071, 0.0000]]])
    """
    others = _others(mask, x.shape[2]).to(x.dtype)[:, None] @ x  # their sum: a cosine does not see its length
    return (normalize(x, dim=3) * normalize(others, dim=3)).sum(3).clamp_min(0)


def affinities(x: Tensor, v: Tensor, b: Tensor, updated: int) -> Tensor:
    """Eq. 6: a = σ(V (d ∘ d) + b), d = x_i − x_j, as products: V (d ∘ d) = V x_i² + V x_j² − 2 (V ∘ x_i) x_j.

    Args:
        x: (B, P, n, D).
        v: (P, D), V.
        b: (P,).
        updated: the first so many nodes i are asked for, u.

    Returns:
        (B, P, u, n) in (0, 1).
    """
    squares = ((x * x) @ v[:, :, None])[..., 0]  # (B, P, n)
    products = (x[:, :, :updated] * v[:, None]) @ x.mT  # (B, P, u, n)
    difference = squares[:, :, :updated, None] + squares[:, :, None] - 2 * products
    return (difference + b[:, None, None]).sigmoid()


def _others(mask: Tensor, updated: int) -> Tensor:
    """(B, n) → (B, u, n) bool: node j is there and is not i. (Not sum − x: rounding would point somewhere.)"""
    itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)[:updated]
    return mask[:, None, :] & ~itself
