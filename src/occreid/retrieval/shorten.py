"""Shorter descriptors: principal components learned on training images, whitened as far as one likes.

Source: Jégou and Chum 2012, "Negative evidences and co-occurrences in image retrieval: the benefit of PCA and
whitening". Descriptors are prepared as the metric compares them (L2-normalised for ``cosine``), centred on the
training images' mean, and projected onto the directions in which training images differ most.

Letters: N images, P parts, D dimensions, G groups that are projected each alone (1: the whole descriptor; P: every
part, for ``visible_parts``), I input and O output dimensions of a group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.distances import METRICS, Metric
from occreid.errors import UserError, did_you_mean
from occreid.tensor_files import write_tensors


@dataclass(frozen=True, slots=True)
class Projection:
    """A learned affine map from descriptors to shorter ones, compared by the same metric.

    Attributes:
        mean: (G, I) float32, of the training images.
        components: (G, I, O) float32.
        metric: how the descriptors are compared, before and after.
        whiten: 0 keeps the variances, 1 makes all equal.
        kept: share of the training images' variance that is kept, in [0, 1].
        images: training images it was learned on.
    """

    mean: Tensor
    components: Tensor
    metric: Metric
    whiten: float
    kept: float
    images: int

    def apply(self, descriptors: Descriptors) -> Descriptors:
        """N descriptors (N, P, D) → (N, G, O), with their visibility (all visible where G is 1), ids and paths.

        Raises:
            UserError: descriptors of another size than the projection was learned on.
        """
        rows = _prepared(descriptors, self.metric)  # (G, N, I)
        if (rows.shape[0], rows.shape[2]) != tuple(self.mean.shape):
            wanted = f"{self.mean.shape[0]} × {self.mean.shape[1]}"
            raise UserError(
                f"descriptors of {rows.shape[0]} × {rows.shape[2]} numbers do not fit a projection of {wanted}.",
                "Use the projection learned on descriptors of the same model.",
            )
        short = torch.baddbmm(-self.mean[:, None] @ self.components, rows, self.components).transpose(0, 1)
        visibility = descriptors.visibility if self.metric == "visible_parts" else None
        return replace(descriptors, features=short.contiguous(), visibility=visibility)  # None: all visible

    def save(self, file: str | Path) -> None:
        """Write the projection as one safetensors file."""
        about = {name: str(getattr(self, name)) for name in ("metric", "whiten", "kept", "images")}
        write_tensors({"mean": self.mean.contiguous(), "components": self.components.contiguous()}, file, about)

    @staticmethod
    def load(file: str | Path) -> Projection:
        """Read what `save` wrote.

        Raises:
            UserError: there is no such file, or it holds no projection.
        """
        from safetensors import SafetensorError, safe_open

        hint = "Give a projection.safetensors of: occreid shorten"
        try:
            with safe_open(file, "pt") as opened:
                about = opened.metadata() or {}
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # no mapping
        except (OSError, SafetensorError) as error:
            raise UserError(f"cannot read the projection {file} ({error}).", hint) from error
        if not {"mean", "components"} <= tensors.keys() or about.get("metric") not in METRICS:
            raise UserError(f"{file} holds no projection.", hint)
        return Projection(
            tensors["mean"],
            tensors["components"],
            about["metric"],  # type: ignore[arg-type]  # one of METRICS, see above
            float(about["whiten"]),
            float(about["kept"]),
            int(about["images"]),
        )


@torch.no_grad()
def fit_projection(train: Descriptors, metric: Metric, dim: int, whiten: float = 0.0) -> Projection:
    """Learn a projection from the descriptors of training images; their ids are not looked at.

    Computed in float64 from the smaller of the N × N and the I × I product, so memory and time grow with
    min(N, I)³: about 10,000 images of 10,000 dimensions are minutes on a CPU.

    Args:
        train: descriptors of training images, never of those that are searched.
        metric: how they are compared.
        dim: O, for ``visible_parts`` of each part.
        whiten: in [0, 1]: each component is divided by its standard deviation to this power.

    Raises:
        UserError: too few images or dimensions for ``dim``, NaN or infinity in a feature, an unknown metric.
    """
    if metric not in METRICS:
        raise UserError(f"there is no metric '{metric}'.", did_you_mean(metric, METRICS))
    if not 0 <= whiten <= 1:
        raise UserError(f"whiten is {whiten}.", "Give a number from 0 (not at all) to 1 (fully).")
    rows = _prepared(train.require_finite(), metric)
    shown = train.visibility.T if metric == "visible_parts" else None
    means, components, total, kept = [], [], 0.0, 0.0
    for group, x in enumerate(rows):
        x = x if shown is None else x[shown[group]]
        most = min(len(x) - 1, x.shape[1])
        if not 1 <= dim <= most:
            raise UserError(
                f"{len(x)} training images of {x.shape[1]} dimensions cannot give {dim} components.",
                f"Choose 1 to {max(most, 1)}, or learn on more images.",
            )
        mean = x.double().mean(0)
        centred = x.double() - mean
        directions, variances = _principal(centred, dim)
        total += float(centred.square().sum()) / (len(x) - 1)
        kept += float(variances.sum())
        scale = variances.clamp_min(variances[0] * 1e-12).pow(-whiten / 2)
        means.append(mean)
        components.append(directions * scale)
    share = kept / total if total else 1.0
    return Projection(
        torch.stack(means).float(), torch.stack(components).float(), metric, whiten, min(share, 1.0), len(train)
    )


def _principal(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The first directions (I, O) of centred rows (N, I), and the variances (O,) along them, falling."""
    n, inputs = x.shape
    if n < inputs:
        values, vectors = torch.linalg.eigh(x @ x.T)
        directions = x.T @ vectors.flip(1)[:, :dim]
        directions = normalize(directions, dim=0)
    else:
        values, vectors = torch.linalg.eigh(x.T @ x)
        directions = vectors.flip(1)[:, :dim]
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    variances = values.flip(0)[:dim].clamp_min(0) / (n - 1)
    return directions * largest.sign(), variances  # the sign of an eigenvector is the library's whim


def _prepared(descriptors: Descriptors, metric: Metric) -> Tensor:
    """Features as the metric compares them, (G, N, I)."""
    if metric == "visible_parts":
        return normalize(descriptors.features, dim=2).transpose(0, 1)
    whole = descriptors.features.flatten(1)
    return (normalize(whole, dim=1) if metric == "cosine" else whole)[None]
