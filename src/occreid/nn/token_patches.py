"""Overlapping patches: the same patch embedding at a smaller step.

Source: He et al. 2021, "TransReID", Section 3.1 (overlapping patches); SUReID's "sliding-window setting".
"""

from __future__ import annotations

from timm.layers.pos_embed import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from occreid.errors import UserError


def patch_grid(height: int, width: int, patch: int, step: int) -> tuple[int, int]:
    """Rows and columns of patches whose top-left corners are ``step`` pixels apart.

    >>> patch_grid(256, 128, patch=16, step=16), patch_grid(256, 128, patch=16, step=12)
    ((16, 8), (21, 10))
    """
    return (height - patch) // step + 1, (width - patch) // step + 1


def set_patch_step(vit: VisionTransformer, step: int) -> tuple[int, int]:
    """Let the patches of a timm ViT begin every ``step`` pixels; position embeddings are interpolated to the new grid.

    Args:
        vit: a timm ViT with a convolution as patch embedding; changed in place.
        step: pixels from one patch to the next, 1 to the patch's own size.

    Returns:
        The grid of patches: rows, columns.

    Raises:
        UserError: a step outside that range, or an image side that is smaller than a patch.
    """
    embed = vit.patch_embed
    (patch, _), (height, width) = embed.patch_size, embed.img_size
    if not 1 <= step <= patch:
        raise UserError(f"a patch step of {step} is impossible.", f"Give 1 to {patch}, the size of a patch.")
    old, new = embed.grid_size, patch_grid(height, width, patch, step)
    if min(new) < 1:
        raise UserError(f"{height}×{width} pixels are less than one patch of {patch}×{patch}.", "Use larger images.")
    embed.proj.stride = (step, step)
    if new == old:
        return old
    embed.grid_size, embed.num_patches = new, new[0] * new[1]
    prefix = 0 if vit.no_embed_class else vit.num_prefix_tokens
    assert vit.pos_embed is not None  # a ViT without one is refused before
    resampled = resample_abs_pos_embed(vit.pos_embed.detach(), list(new), list(old), prefix)
    vit.pos_embed = nn.Parameter(resampled.clone())
    return new
