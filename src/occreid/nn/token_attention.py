"""Transformer blocks in which dropped tokens are masked, and the class token's attention.

Training keeps every token in the tensor, so that gradients reach the decisions; a dropped one attends to itself alone
and nobody attends to it. Dropping it for real, as inference does, gives the others exactly the same values.
Source: SUReID, Section III-A, Eqs. 4 to 8.

Letters: B images, h heads, N tokens of which the first are prefix tokens (class), M patch tokens, C channels.
"""

from __future__ import annotations

from typing import cast

import torch
from timm.layers.attention import Attention
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

_FAR = 30.0  # e³⁰ is the largest weight a dropped token can have against the kept ones, so that no gradient overflows


def is_plain(vit: VisionTransformer) -> bool:
    """Whether patches are embedded by a convolution, and all blocks are timm's plain ones, called part by part here."""
    blocks = all(type(b) is Block and type(b.attn) is Attention and b.attn.gate is None for b in vit.blocks)
    return blocks and type(vit.patch_embed) is PatchEmbed


def plain_blocks(vit: VisionTransformer) -> list[Block]:
    """The blocks of a ViT that `is_plain`."""
    return [cast(Block, block) for block in vit.blocks]


def masked_weights(scores: Tensor, keep: Tensor) -> Tensor:
    """Attention weights where dropped tokens are seen by nobody but themselves; gradients reach ``keep``.

    Args:
        scores: (B, h, N, N) scaled products A of queries and keys.
        keep: (B, N) decisions D̂, 0 or 1.

    Returns:
        (B, h, N, N) float32 weights, rows summing to 1.
    """
    scores, seen = scores.float(), keep.float()[:, None, None, :]
    self_seen = torch.eye(scores.shape[-1], device=scores.device)
    allowed = self_seen + (1 - self_seen) * seen  # Eq. 5: G, (B, 1, N, N)
    largest = scores.detach().masked_fill(allowed == 0, -torch.inf).amax(-1, keepdim=True)
    weights = torch.exp((scores - largest).clamp_max(_FAR)) * allowed  # Eq. 6, the denominator over G_ik
    return weights / weights.sum(-1, keepdim=True)


def masked_attention(attention: Attention, x: Tensor, keep: Tensor) -> Tensor:
    """A timm self-attention in which dropped tokens are masked: (B, N, C), (B, N) → (B, N, C)."""
    q, k, v = _heads(attention, x)
    with torch.autocast(x.device.type, enabled=False):
        scores = q.float() @ k.float().transpose(-2, -1) * attention.scale  # Eq. 4, (B, h, N, N)
        mixed = masked_weights(scores, keep) @ v.float()
    mixed = mixed.to(v.dtype).transpose(1, 2).flatten(2)
    return attention.proj_drop(attention.proj(attention.norm(mixed)))


def masked_block(block: Block, x: Tensor, keep: Tensor, strength: Tensor | None = None, prefix: int = 1) -> Tensor:
    """A timm transformer block in which dropped tokens are masked: (B, N, C), (B, N) → (B, N, C).

    Args:
        block: the block.
        x: (B, N, C) tokens, the class token first.
        keep: (B, N) decisions, 0 or 1.
        strength: λ of Eq. 8, to strengthen attended tokens; None leaves them as they are.
        prefix: leading tokens that are never strengthened.
    """
    attention, normed = cast(Attention, block.attn), block.norm1(x)
    if strength is not None:  # behind the normalisation: before it, it would be undone
        normed = reweight(normed, class_attention(attention, normed, keep), strength, prefix)
    x = x + block.drop_path1(block.ls1(masked_attention(attention, normed, keep)))
    return x + block.drop_path2(block.ls2(block.mlp(block.norm2(x))))


def prefix_block(block: Block, x: Tensor, prefix: int = 1) -> Tensor:
    """A timm transformer block of which only the prefix tokens are wanted: (B, N, C) → (B, prefix, C), in eval mode.

    Exactly what the whole block gives them, without the queries and the perceptron of all the others: for the last
    block of a network that reads its class token alone.
    """
    attention, normed = cast(Attention, block.attn), block.norm1(x)
    width, weight, bias = attention.attn_dim, attention.qkv.weight, attention.qkv.bias
    q = linear(normed[:, :prefix], weight[:width], None if bias is None else bias[:width])
    k, v = linear(normed, weight[width:], None if bias is None else bias[width:]).chunk(2, dim=-1)
    q, k, v = (t.unflatten(-1, (attention.num_heads, attention.head_dim)).transpose(1, 2) for t in (q, k, v))
    mixed = scaled_dot_product_attention(attention.q_norm(q), attention.k_norm(k), v, scale=attention.scale)
    x = x[:, :prefix] + block.ls1(attention.proj(attention.norm(mixed.transpose(1, 2).flatten(2))))
    return x + block.ls2(block.mlp(block.norm2(x)))


def class_attention(attention: Attention, x: Tensor, keep: Tensor) -> Tensor:
    """How much the class token attends to each token, averaged over heads: Eq. 7.

    Args:
        attention: whose queries and keys are used.
        x: (B, N, C) tokens entering it, the class token first.
        keep: (B, N) decisions; a dropped token gets 0.

    Returns:
        (B, N) float32; the sum over all tokens, the class token's own share included, is 1.
    """
    q, k, _ = _heads(attention, x)
    with torch.autocast(x.device.type, enabled=False):
        scores = q[:, :, :1].float() @ k.float().transpose(-2, -1) * attention.scale  # (B, h, 1, N)
        return scores.masked_fill(keep[:, None, None, :] == 0, -torch.inf).softmax(-1).mean(1)[:, 0]


def reweight(x: Tensor, attention: Tensor, strength: Tensor, prefix: int = 1) -> Tensor:
    """Strengthen patch tokens by the class token's attention to them: x + λ · [0; Attn ⊙ x_image], Eq. 8.

    Read so that the class token itself is left alone: scaling it would make training and inference disagree. The
    tokens are those behind a block's layer normalisation, which is blind to the length of what comes before it.

    Args:
        x: (B, N, C) tokens.
        attention: (B, N) of `class_attention`.
        strength: λ, a scalar.
        prefix: leading tokens that are left alone.
    """
    images = attention[:, prefix:, None].to(x.dtype) * x[:, prefix:]  # (B, M, C)
    return torch.cat([x[:, :prefix], x[:, prefix:] + strength * images], dim=1)


def _heads(attention: Attention, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, (B, h, N, C/h) each."""
    qkv = attention.qkv(x).unflatten(-1, (3, attention.num_heads, attention.head_dim))
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    return attention.q_norm(q), attention.k_norm(k), v
