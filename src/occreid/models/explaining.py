"""What a model looked at: its own maps, or Grad-CAM where it has none.

Letters: B images, H × W pixels, C channels, h × w places of a map, D dimensions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from occreid.models import mirror
from occreid.models.contract import Method

GRAD_CAM = "Grad-CAM"


def explanations(model: Method, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
    """The model's own maps, else Grad-CAM, else nothing: name → (B, h, w) in [0, 1].

    Args:
        model: in any mode; put into eval mode meanwhile.
        images: (B, 3, H, W) uint8.
        masks: (B, H, W) part masks, for methods that use them.
    """
    training = {module: module.training for module in model.modules()}
    model.eval()
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        moved = images.to(device)
        with torch.no_grad():
            own = model.explain(moved, None if masks is None else masks.to(device))
        if own:
            return {name: shown.float().clamp(0, 1) for name, shown in own.items()}
        cam = grad_cam(model, moved)
        return {} if cam is None else {GRAD_CAM: cam}
    finally:
        for module, mode in training.items():
            module.training = mode


def grad_cam(model: Method, images: Tensor, targets: Tensor | None = None) -> Tensor | None:
    """Which places carry a descriptor: Grad-CAM (Selvaraju et al., ICCV 2017, Eqs. 1 and 2) of a likeness.

    The score is the product f(x)·t with a descriptor t, in place of a class's logit. The map is
    ReLU(Σ_c α_c A_c), α_c the mean over the places of ∂score/∂A_c, divided by its maximum. A are the last feature
    maps that the score depends on; in a plain vision transformer the tokens that enter the last block's attention,
    since behind it only the class token counts.

    Args:
        model: in eval mode.
        images: (B, 3, H, W) uint8 on the model's device.
        targets: (B, P, D) descriptors t; left out, the pictures' own.

    Returns:
        (B, h, w) in [0, 1], or None where the model has no such maps.
    """
    kept: list[Any] = []

    def keep(layer: nn.Module, given: Any, out: Any) -> None:
        kept.append(out)

    hooks = [layer.register_forward_hook(keep) for layer in _layers(model)]
    try:
        with torch.enable_grad():
            features = mirror.describe(model, images).features  # (B, P, D)
            if not features.requires_grad:
                return None
            score = (features * (features.detach() if targets is None else targets)).sum()
            maps = [a for a in kept if isinstance(a, Tensor) and a.requires_grad and _is_map(a, model)]
            gradients = torch.autograd.grad(score, maps, allow_unused=True) if maps else ()
    finally:
        for hook in hooks:
            hook.remove()
    for a, gradient in zip(reversed(maps), reversed(gradients), strict=True):
        if gradient is not None and bool(gradient.abs().sum() > 0):
            return _weighted(*(_as_map(t.detach().float(), model) for t in (a, gradient)))
    return None


def _layers(model: Method) -> list[nn.Module]:
    blocks = getattr(_backbone(model), "blocks", None)
    if _grid(model) is not None and isinstance(blocks, nn.Sequential | nn.ModuleList):
        return [blocks[-1].norm1]  # type: ignore[list-item]
    return list(_backbone(model).modules())


def _backbone(model: Method) -> nn.Module:
    backbone = getattr(model, "backbone", None)
    return backbone if isinstance(backbone, nn.Module) else model


def _grid(model: Method) -> tuple[int, int] | None:
    """Rows and columns of a vision transformer's tokens, None for other networks."""
    grid = getattr(getattr(_backbone(model), "patch_embed", None), "grid_size", None)
    return None if grid is None else (int(grid[0]), int(grid[1]))


def _is_map(a: Tensor, model: Method) -> bool:
    if _grid(model) is not None:
        return a.ndim == 3
    return a.ndim == 4 and a.shape[2] * a.shape[3] > 1


def _as_map(a: Tensor, model: Method) -> Tensor:
    """(B, C, h, w) as it is; tokens (B, prefix + h·w, C) without class token become that."""
    grid = _grid(model)
    return a if grid is None else a[:, -grid[0] * grid[1] :].transpose(1, 2).unflatten(2, grid)


def _weighted(a: Tensor, gradient: Tensor) -> Tensor:
    alpha = gradient.mean((2, 3), keepdim=True)  # (B, C, 1, 1), Eq. 1
    cam = (alpha * a).sum(1).relu()  # (B, h, w), Eq. 2
    return cam / cam.amax((1, 2), keepdim=True).clamp_min(1e-12)
