"""Many heads of one form, each with its own weights, as one batched product instead of a loop over modules.

Letters: P heads, B images, I and O input and output dimensions, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BatchedLinear(nn.Module):
    """P linear maps, head p seeing only its own input; the same as P `nn.Linear`, in distribution at the start too.

    Args:
        heads: P.
        inputs: I.
        outputs: O.
        bias: whether each map has a bias.
    """

    def __init__(self, heads: int, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(heads, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(heads, outputs, 1).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(P, B, I) → (P, B, O)."""
        x = x.transpose(1, 2)  # the weight stands left: its large gradient is then written row by row
        y = torch.bmm(self.weight, x) if self.bias is None else torch.baddbmm(self.bias, self.weight, x)
        return y.transpose(1, 2)

    def extra_repr(self) -> str:
        """The sizes, for printing."""
        heads, outputs, inputs = self.weight.shape
        return f"heads={heads}, inputs={inputs}, outputs={outputs}, bias={self.bias is not None}"


class BatchedNorm(nn.Module):
    """P batch normalisations: the same as P `nn.BatchNorm1d`, because a norm of P·D features treats each alone.

    Args:
        heads: P.
        dim: D.
    """

    def __init__(self, heads: int, dim: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(heads * dim)  # held, not inherited: synchronised training replaces it

    def forward(self, x: Tensor) -> Tensor:
        """(P, B, D) → (P, B, D), normalised over the images."""
        heads, _, dim = x.shape
        return self.bn(x.transpose(0, 1).flatten(1)).unflatten(1, (heads, dim)).transpose(0, 1)
