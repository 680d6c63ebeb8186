"""Dropping tokens for real: the tensor gets shorter, and everything after it cheaper.

Letters: B images, N patch tokens, M kept of them, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from occreid.nn.token_predictor import TokenPredictor

Layer = Callable[[Tensor], Tensor]


def top_tokens(scores: Tensor, count: int) -> Tensor:
    """Positions of the ``count`` best tokens of each image, in their own order.

    Args:
        scores: (B, N).
        count: M, at most N.

    Returns:
        (B, M) int64, rising along each row.

    >>> top_tokens(torch.tensor([[0.1, 0.9, 0.3, 0.8]]), 2)
    tensor([[1, 3]])
    """
    return scores.topk(count, dim=1, sorted=False).indices.sort(dim=1).values


def gather_tokens(x: Tensor, chosen: Tensor, prefix: int = 0) -> Tensor:
    """Keep the chosen patch tokens, and the prefix tokens always.

    Args:
        x: (B, prefix + N, C) tokens.
        chosen: (B, M) positions among the N patch tokens.
        prefix: number of leading tokens that are not patches.

    Returns:
        (B, prefix + M, C).
    """
    patches = x[:, prefix:].gather(1, chosen[:, :, None].expand(-1, -1, x.shape[2]))
    return torch.cat([x[:, :prefix], patches], dim=1) if prefix else patches


def gathered_forward(
    blocks: Iterable[Layer], predictors: Mapping[int, TokenPredictor], x: Tensor, counts: Sequence[int], prefix: int
) -> tuple[Tensor, list[Tensor]]:
    """Run transformer blocks, dropping tokens before some of them; every image keeps equally many.

    Args:
        blocks: transformer blocks, (B, n, C) → (B, n, C); the last may give the prefix tokens alone.
        predictors: number of a block, counted from 1 → what decides before it.
        x: (B, prefix + N, C) tokens.
        counts: tokens that remain after each decision.
        prefix: number of leading tokens that are never dropped.

    Returns:
        The tokens after the last block, and the positions kept after each decision, (B, M) rising int64 each.
    """
    kept: list[Tensor] = []
    for number, block in enumerate(blocks, start=1):
        if number in predictors:
            chosen = top_tokens(predictors[number].scores(x[:, prefix:]), counts[len(kept)])
            x = gather_tokens(x, chosen, prefix)
            kept.append(kept[-1].gather(1, chosen) if kept else chosen)
        x = block(x)
    return x, kept


class _Group(NamedTuple):
    """Images of a batch that keep equally many tokens: rows (G,), tokens (G, prefix + M, C), positions (G, M)."""

    rows: Tensor
    x: Tensor
    positions: Tensor


def bucketed_forward(
    blocks: Iterable[Layer],
    predictors: Mapping[int, TokenPredictor],
    x: Tensor,
    thresholds: Tensor,
    bucket: int,
    prefix: int,
) -> tuple[Tensor, list[Tensor]]:
    """Like `gathered_forward`, but every image keeps as many tokens as it needs; images are computed in groups.

    A token is needed where its score is above its stage's entry of ``thresholds`` (S,). The number is rounded up to a
    multiple of ``bucket``, so that an image's result does not depend on the others', and there are few groups.

    Returns:
        The prefix tokens after the last block, (B, prefix, C), and what was kept after each decision, (B, N) float32
        of 0 and 1 each.
    """
    total = x.shape[1] - prefix
    rows = torch.arange(len(x), device=x.device)
    groups = [_Group(rows, x, torch.arange(total, device=x.device).expand(len(x), -1))]
    kept: list[Tensor] = []
    for number, block in enumerate(blocks, start=1):
        if number in predictors:
            groups = _regrouped(groups, predictors[number], thresholds[len(kept)], bucket, prefix)
            decisions = torch.zeros(len(x), total, device=x.device)
            for group in groups:
                decisions[group.rows[:, None], group.positions] = 1
            kept.append(decisions)
        groups = [group._replace(x=block(group.x)) for group in groups]
    order = torch.cat([group.rows for group in groups]).argsort()
    return torch.cat([group.x[:, :prefix] for group in groups])[order], kept


def _regrouped(
    groups: list[_Group], predictor: TokenPredictor, threshold: Tensor, bucket: int, prefix: int
) -> list[_Group]:
    """Decide anew, and put together what keeps equally many."""
    found: dict[int, list[_Group]] = {}
    for rows, x, positions in groups:
        scores = predictor.scores(x[:, prefix:])
        sizes = bucket_sizes(scores - threshold, bucket)
        for size in sizes.unique().tolist():
            mine = sizes == size
            chosen = top_tokens(scores[mine], size)
            part = _Group(rows[mine], gather_tokens(x[mine], chosen, prefix), positions[mine].gather(1, chosen))
            found.setdefault(size, []).append(part)
    return [_Group(*(torch.cat(field) for field in zip(*parts, strict=True))) for _, parts in sorted(found.items())]


def bucket_sizes(scores: Tensor, bucket: int) -> Tensor:
    """How many tokens each image needs, rounded up so that images can be computed together.

    Args:
        scores: (B, N); a token is needed where its score is above 0.
        bucket: sizes are multiples of it, or N; at least 1.

    Returns:
        (B,) int64 in 1…N.
    """
    needed = (scores > 0).sum(1).clamp_min(1)
    return ((needed + bucket - 1) // bucket * bucket).clamp_max(scores.shape[1])


def kept_of_bucket(scores: Tensor, keep: Tensor, bucket: int) -> Tensor:
    """The tokens that `bucketed_forward` keeps, as a mask over all of them.

    Of equal scores at the edge all are kept here, some there.

    Args:
        scores: (B, N); a token is needed where its score is above 0.
        keep: (B, N) decisions so far, 0 or 1: what was dropped stays dropped.
        bucket: kept numbers are multiples of it, or all that were left.

    Returns:
        (B, N) of ``keep``'s type, 0 or 1.

    >>> kept_of_bucket(torch.tensor([[0.5, 3.0, -1.0, -2.0]]), torch.tensor([[1, 0, 1, 1]]), 2)
    tensor([[1, 0, 1, 0]])
    """
    scores = scores.masked_fill(keep == 0, -torch.inf)
    sizes = bucket_sizes(scores, bucket).minimum(keep.sum(1))
    rank = (scores[:, None] > scores[:, :, None]).sum(2)  # how many are better; a sort is no part of every runtime
    return (rank < sizes[:, None]).to(keep.dtype) * keep


def kept_map(chosen: Tensor, grid: tuple[int, int]) -> Tensor:
    """(B, M) kept positions → (B, h, w) float32 on the grid of patches: 1 kept, 0 dropped.

    >>> kept_map(torch.tensor([[0, 3]]), (2, 2)).tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    flat = torch.zeros(len(chosen), grid[0] * grid[1], device=chosen.device)
    return flat.scatter_(1, chosen, 1.0).unflatten(1, grid)
