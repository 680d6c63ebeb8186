"""IBN: instance normalisation in the first stages, which keeps a camera's colours out of the features.

Source: Pan et al. 2018, "Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net", Section 3.2.
IBN-a replaces the first normalisation of each residual block of stages 1 to 3 by half instance, half batch
normalisation. IBN-b puts an instance normalisation behind the sum of the last block of stages 1 and 2, and makes the
stem's normalisation one.

Letters: B images, C channels, h × w positions.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from occreid.errors import UserError

Ibn = Literal["none", "a", "b"]
_STAGES = {"a": (1, 2, 3), "b": (1, 2)}


class HalfInstanceNorm(nn.Module):
    """The first half of the channels normalised in each image, the second over the batch: (B, C, h, w) → the same.

    Args:
        norm: the batch normalisation whose place it takes. Scale and shift of all channels, and the statistics of the
            second half, are its.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        half = norm.num_features // 2
        self.IN = nn.InstanceNorm2d(half, eps=norm.eps, affine=True)
        self.BN = nn.BatchNorm2d(norm.num_features - half, norm.eps, norm.momentum)
        first, second = _parts(norm, half)
        self.IN.load_state_dict(first)
        self.BN.load_state_dict(second)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C, h, w)."""
        first, second = x.split([self.IN.num_features, self.BN.num_features], 1)
        return torch.cat([self.IN(first), self.BN(second)], 1)


def use_ibn(network: Any, kind: Ibn) -> list[str]:
    """Put instance normalisation into a timm ResNet or RegNet, in place.

    Args:
        network: with or without ImageNet weights; they stay as far as they fit.
        kind: ``"a"``, ``"b"`` or ``"none"``.

    Returns:
        What did not come from the weights, a sentence each.

    Raises:
        UserError: a network of another kind.
    """
    if kind == "none":
        return []
    from timm.models.regnet import RegNet  # seconds that networks without it need not wait
    from timm.models.resnet import ResNet

    if not isinstance(network, (ResNet, RegNet)):
        raise UserError(
            f"ibn '{kind}' is made for ResNets, not for a {type(network).__name__}.",
            "Set ibn to none, or choose a ResNet.",
        )
    prefix = "s" if isinstance(network, RegNet) else "layer"
    stages = [list(network.get_submodule(f"{prefix}{number}").children()) for number in _STAGES[kind]]
    if kind == "a":
        blocks = [block for stage in stages for block in stage]
        for block in blocks:
            _halve(block)
        return [f"IBN-a: statistics of half the channels of {len(blocks)} normalisations are each image's own."]
    for stage in stages:
        _normalise_sum(stage[-1])
    _normalise_stem(network, inside=isinstance(network, RegNet))
    return [
        "IBN-b: the stem's statistics are each image's own, "
        f"and {len(stages)} normalisations behind sums start as they are made."
    ]


def _halve(block: Any) -> None:
    """The first normalisation of a residual block; a RegNet's brings its activation."""
    if isinstance(block.conv1, nn.Conv2d):
        block.bn1 = HalfInstanceNorm(block.bn1)
    else:
        norm = block.conv1.bn
        block.conv1.bn = nn.Sequential(HalfInstanceNorm(norm), norm.act)


def _normalise_sum(block: Any) -> None:
    """The activation behind a block's sum, with an instance normalisation before it."""
    name = "act3" if hasattr(block, "act3") else "act2"
    last = block.bn3 if hasattr(block, "bn3") else block.conv3.bn if hasattr(block, "conv3") else block.bn2
    act = getattr(block, name)
    setattr(block, name, nn.Sequential(nn.InstanceNorm2d(last.num_features, affine=True), act))


def _normalise_stem(network: Any, *, inside: bool) -> None:
    norm = network.stem.bn if inside else network.bn1
    whole = nn.InstanceNorm2d(norm.num_features, eps=norm.eps, affine=True)
    whole.load_state_dict(_parts(norm, norm.num_features)[0])
    if inside:
        network.stem.bn = nn.Sequential(whole, norm.act)
    else:
        network.bn1 = whole


def _parts(norm: nn.BatchNorm2d, half: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Scale and shift of the first channels, and the whole state of the others."""
    state = norm.state_dict()
    first = {name: state[name][:half].clone() for name in ("weight", "bias")}
    second = {name: tensor[half:].clone() if tensor.ndim else tensor.clone() for name, tensor in state.items()}
    return first, second
