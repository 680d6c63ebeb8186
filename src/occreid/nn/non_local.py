"""Non-local blocks: a position's activation as a weighted sum over all positions.

Letters: B images, c channels, c' reduced channels, N = h × w positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, softmax

from occreid.errors import UserError


class DisentangledNonLocal(nn.Module):
    """Disentangled non-local block: a whitened pairwise term and a salience term (Yin et al., ECCV 2020; SSGR, Eq. 1).

    ``w(i, j) = softmax_j((W_q f_i − µ_q)ᵀ (W_k f_j − µ_k) / t) + softmax_j(W_m f_j)`` and
    ``out_i = f_i + BN(Σ_j w(i, j) W_v f_j)``; µ_q and µ_k are an image's means over positions. The batch
    normalisation, which Eq. 1 does not have, starts at zero, so that a pretrained network is unchanged at step 0.

    Args:
        dim: channels c.
        reduction: queries and keys have c' = c / reduction channels; values always have c.
        temperature: t > 0; Eq. 1 has 1, the block's own paper 0.05 and a further 1/√c'.

    Raises:
        UserError: ``reduction`` leaves no channel, or ``temperature`` is not above 0.
    """

    def __init__(self, dim: int, *, reduction: int = 1, temperature: float = 1.0) -> None:
        super().__init__()
        if not 1 <= reduction <= dim:
            raise UserError(f"a reduction of {reduction} leaves none of {dim} channels.", f"Choose 1 to {dim}.")
        if not temperature > 0:
            raise UserError(f"the temperature of a non-local block is {temperature:g}.", "Choose one above 0.")
        self.temperature = temperature
        # no biases: the whitening, the softmax and the batch normalisation would cancel every one of them
        self.query = nn.Conv2d(dim, dim // reduction, 1, bias=False)
        self.key = nn.Conv2d(dim, dim // reduction, 1, bias=False)
        self.mask = nn.Conv2d(dim, 1, 1, bias=False)
        self.value = nn.Conv2d(dim, dim, 1, bias=False)
        self.norm = _zero_norm(dim)
        for layer in (self.query, self.key, self.mask):
            nn.init.normal_(layer.weight, std=0.01)  # larger logits would make the first softmax choose one position

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) → (B, c, h, w)."""
        query, key, value = self._whitened(self.query, x), self._whitened(self.key, x), _rows(self.value(x))
        # attention keeps its logits and sums in float32 and never stores the N × N weights
        pairwise = scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=self._scale)[:, 0]
        salient = self._salience(x).to(value.dtype)[:, None] @ value  # (B, 1, c), the same for every position i
        out = (pairwise + salient).transpose(1, 2).reshape(x.shape)  # Eq. 1 (B, c, h, w)
        return x + self.norm(out)

    def attention(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Where the block looks at: both terms of Eq. 1 for (B, c, h, w) input.

        Returns:
            ``pairwise`` (B, h, w), the mean weight that a position j gets from all positions i, and ``salient``
            (B, h, w), the weight softmax_j(W_m f_j). Both are float32, at least 0, and sum to 1 over an image.
        """
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            logits = self._whitened(self.query, x) @ self._whitened(self.key, x).transpose(1, 2)  # (B, N, N)
            pairwise = softmax(logits * self._scale, dim=2).mean(1)
            grid = (len(x), *x.shape[2:])
            return pairwise.view(grid), self._salience(x).view(grid)

    @property
    def _scale(self) -> float:
        return 1 / self.temperature

    def _salience(self, x: Tensor) -> Tensor:
        """(B, c, h, w) → (B, N) float32, summing to 1."""
        return softmax(self.mask(x).flatten(1).float(), dim=1)

    @staticmethod
    def _whitened(layer: nn.Module, x: Tensor) -> Tensor:
        """(B, c, h, w) → (B, N, c') with mean 0 over the positions."""
        rows = _rows(layer(x))
        return rows - rows.mean(1, keepdim=True)


class NonLocal(nn.Module):
    """Plain non-local block with dot products (Wang et al., CVPR 2018, Eq. 4 and 6).

    ``out_i = f_i + BN(W_z (1/N) Σ_j (θ f_i)ᵀ(φ f_j) g f_j)``, the batch normalisation starting at zero. It is
    the block of the strong baseline that SSGR starts from, which the disentangled one replaces.

    Args:
        dim: channels c.
        reduction: θ, φ and g have c / reduction channels.
    """

    def __init__(self, dim: int, *, reduction: int = 2) -> None:
        super().__init__()
        self.theta = nn.Conv2d(dim, dim // reduction, 1)
        self.phi = nn.Conv2d(dim, dim // reduction, 1)
        self.g = nn.Conv2d(dim, dim // reduction, 1)
        self.project = nn.Conv2d(dim // reduction, dim, 1, bias=False)
        self.norm = _zero_norm(dim)
        for layer in (self.theta, self.phi, self.g):
            nn.init.normal_(layer.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) → (B, c, h, w)."""
        theta, phi, g = _rows(self.theta(x)), _rows(self.phi(x)), _rows(self.g(x))  # (B, N, c')
        with torch.autocast(x.device.type, enabled=False):  # a product of three leaves half precision's range
            # associative, so the N × N matrix is never made: θ (φᵀ g) / N
            out = theta.float() @ (phi.float().transpose(1, 2) @ g.float() / g.shape[1])
            out = out.transpose(1, 2).reshape(len(x), -1, *x.shape[2:])
            return x + self.norm(self.project(out))


def _rows(x: Tensor) -> Tensor:
    """(B, c, h, w) → (B, N, c)."""
    return x.flatten(2).transpose(1, 2)


def _zero_norm(dim: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(dim)
    nn.init.zeros_(norm.weight)
    return norm
