"""Whether two descriptions of the same pictures agree, at batch sizes that catch what a fixed batch hides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from occreid.errors import UserError

BATCHES = (1, 2, 7, 32)
"""Batch sizes at which an export must agree: one, even, odd, and larger than what it was traced with."""
TOLERANCE = 1e-3
"""Largest allowed deviation of a part's descriptor, relative to its length: far below what changes a ranking."""

Describing = Callable[..., tuple[Tensor, Tensor]]
"""Images, and masks where the method needs them → features and visibility."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How well an export agrees.

    Attributes:
        deviation: the largest ‖a − b‖ / ‖b‖ over all images and visible parts.
        cosine: the smallest cosine of an image's two descriptors.
        images: pictures compared.
        batches: the batch sizes.
    """

    deviation: float
    cosine: float
    images: int
    batches: tuple[int, ...]


def check_parity(
    exported: Describing,
    reference: Describing,
    images: Tensor,
    masks: Tensor | None = None,
    *,
    batches: Sequence[int] = BATCHES,
    tolerance: float | None = TOLERANCE,
) -> Parity:
    """Compare an export with PyTorch on real pictures.

    Args:
        exported: (B, 3, H, W) uint8 (and masks) → features (B, P, D) and visibility (B, P).
        reference: likewise; is asked once for each batch.
        images: (N, 3, H, W) uint8; where N is less than the largest batch, pictures occur again.
        masks: (N, H, W) uint8 of these pictures, where both take masks, too.
        batches: batch sizes to try.
        tolerance: of ``deviation``; None: measure only (an int8 network deviates by design).

    Raises:
        UserError: the export fails at a batch size, gives other shapes or another visibility, or deviates too much.
    """
    deviation, cosine, seen = 0.0, 1.0, 0
    for size in batches:
        rows = torch.arange(seen, seen + size) % len(images)
        seen += size
        chosen = [images[rows]] if masks is None else [images[rows], masks[rows]]
        wanted, visible = reference(*chosen)
        try:
            found, shown = exported(*chosen)
        except RuntimeError as error:  # ONNX Runtime's errors are RuntimeErrors too
            raise UserError(
                f"the exported network fails at batch size {size} ({str(error).splitlines()[0]}).",
                "It is not written. Report this with the method and its options.",
            ) from error
        if found.shape != wanted.shape or shown.shape != visible.shape:
            raise UserError(
                f"the exported network gives {tuple(found.shape)} at batch size {size}, PyTorch {tuple(wanted.shape)}.",
                "It is not written. Report this with the method and its options.",
            )
        if tolerance is not None and not torch.equal(shown, visible):
            raise UserError(
                f"the exported network sees other parts than PyTorch at batch size {size}.",
                "It is not written. Report this with the method and its options.",
            )
        here = _deviation(found, wanted, visible & shown)
        if tolerance is not None and not here <= tolerance:
            raise UserError(
                f"the exported network deviates from PyTorch by {here:.2g} of a descriptor's length at batch size "
                f"{size}; {tolerance:g} is allowed.",
                "It is not written. Report this with the method and its options.",
            )
        deviation = max(deviation, here)
        flat = torch.nn.functional.cosine_similarity(found.flatten(1).double(), wanted.flatten(1).double())
        cosine = min(cosine, float(flat.min()))
    return Parity(deviation, cosine, min(len(images), sum(batches)), tuple(batches))


def _deviation(found: Tensor, wanted: Tensor, visible: Tensor) -> float:
    """Largest, over images and visible parts of ‖a − b‖ / ‖b‖; a NaN counts as infinite."""
    gap = (found - wanted).double().norm(dim=2)  # (B, P)
    length = wanted.double().norm(dim=2).clamp_min(1e-12)
    ratios = (gap / length)[visible].nan_to_num(torch.inf)
    return float(ratios.max()) if len(ratios) else 0.0
