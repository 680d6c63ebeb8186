"""A classifier of several normalised heads. Letters: B images, D dimensions, H heads, C classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from occreid.errors import UserError


class NormalisedHeads(nn.Module):
    """The feature cut into H chunks, each with its own cosine-like classifier (Tang et al., NeurIPS 2020, Eq. 8).

    A head's logits are ``τ · x̂ᵀŵ`` with x̂ = x / ‖x‖ and ŵ = w / (‖w‖ + γ).

    Args:
        dim: feature dimension D, a multiple of ``heads``.
        num_classes: classes C.
        heads: H.
        scale: τ.
        gamma: γ ≥ 0; classes with short weights keep smaller logits.
        std: deviation of the weights at the start, > 0; None: uniform within ±(D/H)^−½. An optimiser's steps turn short
            weights sooner; those as short as γ start with smaller logits, too.

    Raises:
        UserError: ``dim`` cannot be cut into ``heads`` equal chunks, or ``std`` is not above 0.
    """

    def __init__(
        self,
        dim: int,
        num_classes: int,
        *,
        heads: int = 2,
        scale: float = 16.0,
        gamma: float = 1 / 32,
        std: float | None = None,
    ) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise UserError(
                f"a feature of {dim} dimensions cannot be cut into {heads} equal heads.",
                f"Choose a number of heads that divides {dim}.",
            )
        self.scale, self.gamma = scale, gamma
        self.weight = nn.Parameter(torch.empty(heads, num_classes, dim // heads))
        if std is None:
            bound = (dim // heads) ** -0.5
            nn.init.uniform_(self.weight, -bound, bound)
        elif std > 0:
            nn.init.normal_(self.weight, std=std)
        else:
            raise UserError(f"weights of deviation {std:g} are no start.", "Give one above 0, or leave it out.")

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) → (B, H, C) logits in float32, each in [−τ, τ]."""
        with torch.autocast(x.device.type, enabled=False):
            chunks = normalize(x.float().unflatten(1, (len(self.weight), -1)), dim=2)  # x̂ (B, H, D/H)
            weight = self.weight.float()
            weight = weight / (weight.norm(dim=2, keepdim=True) + self.gamma)  # ŵ (H, C, D/H)
            return self.scale * torch.einsum("bhd,hcd->bhc", chunks, weight)
