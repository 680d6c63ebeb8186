"""What of a backbone stays as it starts (stages, statistics), and a lower rate for it than for what is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from occreid.errors import UserError
from occreid.models import Trainable


def freeze_first(model: Trainable, stages: int | None) -> list[nn.Module]:
    """Let the stem and so many stages of the backbone stay as they are.

    Args:
        model: its parameters there no longer require gradients.
        stages: 0 is the stem alone; None freezes nothing.

    Returns:
        The frozen layers, to be kept in eval mode: statistics of batch normalisation stay too.

    Raises:
        UserError: a method without backbone, or one whose stages are not known.
    """
    if stages is None:
        return []
    frozen = model.backbone_layers(stages)
    for layer in frozen:
        layer.requires_grad_(False)
    return frozen


def with_statistics(model: Trainable) -> list[nn.Module]:
    """The batch-norm layers of the backbone, to be kept in eval mode: they normalise by what they start with.

    A batch of persons is unlike ImageNet, and its own statistics take away most of what the weights can tell at first;
    scale and shift of the layers are trained all the same.

    Raises:
        UserError: as `freeze_first`, or a backbone that has none.
    """
    parts = (part for layer in model.backbone_layers() for part in layer.modules())
    found: list[nn.Module] = [part for part in parts if isinstance(part, _BatchNorm)]
    if not found:
        raise UserError("the backbone has no batch normalisation.", "Set training.keep_statistics to false.")
    return found


def scaled_groups(model: Trainable, groups: Sequence[dict[str, Any]], factor: float, lr: float) -> list[dict[str, Any]]:
    """Optimiser groups in which the backbone has a rate of its own.

    Args:
        model: whose groups they are.
        groups: of `Trainable.parameter_groups`.
        factor: rate of the layers that start from the backbone's weights, as a share of their group's.
        lr: rate of a group that names none.

    Returns:
        The groups; each that holds both kinds of layers became two. With factor 1 they are the caller's.

    Raises:
        UserError: as `freeze_first`.
    """
    if factor == 1:
        return list(groups)
    old = {parameter for layer in model.backbone_layers() for parameter in layer.parameters()}
    found = []
    for group in groups:
        rate = group.get("lr", lr)
        for inside, own in ((True, rate * factor), (False, rate)):
            chosen = [p for p in group["params"] if (p in old) == inside]
            if chosen:
                found.append({**group, "params": chosen, "lr": own})
    return found
