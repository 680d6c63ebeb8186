"""Reconstruction: every image's parts from its neighbours' (Section 3.2), and the rows of Tables 1 and 4.

Letters: N images, G gallery images, R images of a block, P parts, D dimensions, n nodes of a graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.errors import UserError, did_you_mean
from occreid.methods.orgnn.neighbourhood import NOBODY, ROWS, neighbourhoods
from occreid.nn import OutlierRemovableGNN

Mode = Literal["base", "oan", "gnn", "oan+average", "oan+gnn", "oan+orgnn"]
"""The rows of Table 4, see `Reconstruction`."""

MODES: tuple[Mode, ...] = get_args(Mode)
MANY = 8
"""Pictures of a person in a gallery that are many, see `Reconstruction.following`."""


@dataclass(slots=True)
class Sizes:
    """How large the neighbourhoods of some images are; filled by `reconstruct`.

    Attributes:
        images: how many images.
        neighbours: of all of them together.
        empty: images without any, whose features stay as they are.
        k, theta: what was searched with.
    """

    images: int = 0
    neighbours: int = 0
    empty: int = 0
    k: int = 0
    theta: float = 0.0

    def add(self, found: Tensor) -> None:
        """Count a block's (R, m) neighbours."""
        count = (found != NOBODY).sum(1)
        self.images += len(found)
        self.neighbours += int(count.sum())
        self.empty += int((count == 0).sum())

    def facts(self) -> dict[str, float]:
        """For a result: K, θ, the mean size, and the share of empty ones in [0, 1]."""
        images = max(self.images, 1)
        mean, empty = self.neighbours / images, self.empty / images
        return {"k": self.k, "theta": self.theta, "mean_neighbours": mean, "empty_share": empty}


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How descriptors are made comparable; a row of Table 4.

    Attributes:
        mode: ``base``: FEN's six parts as they are. ``oan``: only the visible ones are compared. ``gnn``: neighbours
            by all parts, plain graph network (c ≡ 1). ``oan+average``: neighbours by the visible parts, their mean.
            ``oan+gnn``: likewise, plain graph network. ``oan+orgnn``: likewise, outliers removed; the method.
        k: K of Eq. 3; None: as the gallery is, see `following`.
        theta: θ of Eq. 3; None: likewise.
        search_parts: see `neighbourhoods`.
        own: whether an image's own feature joins its neighbourhood. The paper starts the target as the neighbours'
            mean alone, so that a hidden part of its own has no say; nor has a visible one.
    """

    mode: Mode = "oan+orgnn"
    k: int | None = None
    theta: float | None = None
    search_parts: tuple[int, ...] | None = None
    own: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UserError(f"there is no mode '{self.mode}'.", did_you_mean(self.mode, MODES))

    def following(self, gallery: Descriptors) -> Reconstruction:
        """With K and θ, where they are open, as the paper has them for such a gallery (Section 4.2).

        K = 10, θ = 0.7 where a person has many pictures (on Occluded-Duke 16, here: eight or more in the mean), else
        K = 4, θ = 0.8; so too where nothing is known of the gallery's persons.
        """
        pids = gallery.pids
        many = pids is not None and len(pids) >= MANY * len(pids.unique())
        k, theta = (10, 0.7) if many else (4, 0.8)
        return replace(self, k=self.k or k, theta=theta if self.theta is None else self.theta)

    @property
    def metric(self) -> Metric:
        """``oan`` compares what both images show, the others all parts concatenated."""
        return "visible_parts" if self.mode == "oan" else "cosine"

    @property
    def needs_visibility(self) -> bool:
        """Whether OAN, and so a mask, decides anything."""
        return self.mode.startswith("oan")


def reconstruct(
    descriptors: Descriptors,
    gallery: Descriptors,
    gnn: OutlierRemovableGNN,
    how: Reconstruction,
    *,
    oracle: bool = False,
    rows: int = ROWS,
    sizes: Sizes | None = None,
) -> Descriptors:
    """Give every image comparable parts; only a block of images is ever at work.

    An image without neighbours (nobody is similar enough in all its visible parts, or no part is visible) keeps its
    features as they are: there is nothing to reconstruct it from.

    Queries and gallery are reconstructed from the same, not reconstructed gallery: a new query needs nobody else's
    reconstruction, and a gallery's does not depend on the order.

    Args:
        descriptors: N images of P parts, with the visibility that OAN found.
        gallery: G images as FEN described them; ``descriptors`` itself to reconstruct a gallery.
        gnn: the trained network; it decides the device.
        how: which row of Table 4.
        oracle: drop neighbours of other persons by their true pids: the upper bound of Table 1, no result.
        rows: images at once.
        sizes: is told how large the neighbourhoods are.

    Returns:
        N descriptors with the pids, camids and paths of ``descriptors``, on their device. All parts are visible,
        except in mode ``oan``.

    Raises:
        UserError: what `neighbourhoods` raises, descriptors that are not of this network, or an oracle without
            pids or neighbours.
    """
    _check(descriptors, gallery, gnn, how, oracle)
    everything = torch.ones_like(descriptors.visibility)
    if how.mode in ("base", "oan"):
        return descriptors if how.mode == "oan" else replace(descriptors, visibility=everything)
    device, home = gnn.W.device, descriptors.features.device
    images, others = descriptors.to(device), gallery.to(device)
    if descriptors is gallery:
        images = others
    searched = images if how.needs_visibility else replace(images, visibility=everything.to(device))
    others = searched if descriptors is gallery else others
    how = how.following(gallery)
    assert how.k is not None and how.theta is not None  # that is what `following` is for
    sizes = Sizes() if sizes is None else sizes
    sizes.k, sizes.theta = how.k, how.theta
    result = torch.empty_like(descriptors.features)
    search = neighbourhoods(searched, others, how.k, how.theta, search_parts=how.search_parts, rows=rows)
    with torch.no_grad():
        for block, neighbours in search:
            if oracle:
                neighbours = _same_person(neighbours, images, others, block)
            sizes.add(neighbours)
            rebuilt = _from_neighbours(images.features[block], others.features, neighbours, gnn, how)
            result[block] = rebuilt.to(home)
    return replace(descriptors, features=result, visibility=everything)


def graphs(own: Tensor, gallery: Tensor, neighbours: Tensor, *, joins: bool = False) -> tuple[Tensor, Tensor]:
    """Complete graphs of an image and its neighbours, padded; the image starts as its neighbours' mean.

    Without neighbours the graph is the image alone, with its own feature.

    Args:
        own: (R, P, D) the images' features.
        gallery: (G, P, D).
        neighbours: (R, m) gallery indices, `NOBODY` fills the rows.
        joins: the image's own feature is a neighbour too, where it has others.

    Returns:
        Nodes (R, P, n, D) and their mask (R, n), n = m + 1 (with ``joins`` m + 2), node 0 the image.
    """
    present = neighbours != NOBODY  # (R, m)
    near = gallery[neighbours.clamp_min(0)]  # (R, m, P, D)
    if joins:
        near = torch.cat([near, own[:, None]], 1)
        present = torch.cat([present, present.any(1, keepdim=True)], 1)
    near = near.masked_fill(~present[:, :, None, None], 0)
    count = present.sum(1)[:, None, None]
    target = torch.where(count > 0, near.sum(1) / count.clamp_min(1), own)
    mask = torch.cat([present.new_ones(len(own), 1), present], 1)
    return torch.cat([target[:, None], near], 1).transpose(1, 2), mask


def _from_neighbours(
    own: Tensor, gallery: Tensor, neighbours: Tensor, gnn: OutlierRemovableGNN, how: Reconstruction
) -> Tensor:
    nodes, mask = graphs(own, gallery, neighbours, joins=how.own)
    if how.mode == "oan+average":
        return nodes[:, :, 0]
    rebuilt = gnn(nodes, mask, confidence=None if how.mode == "oan+orgnn" else False)
    alone = ~mask[:, 1:].any(1)  # two layers of ReLU(W ·) of itself would not be a reconstruction
    return torch.where(alone[:, None, None], own, rebuilt)


def _same_person(neighbours: Tensor, images: Descriptors, gallery: Descriptors, block: slice) -> Tensor:
    assert images.pids is not None and gallery.pids is not None  # _check has looked
    other = gallery.pids[neighbours.clamp_min(0)] != images.pids[block][:, None]
    return neighbours.masked_fill(other, NOBODY)


def _check(
    descriptors: Descriptors, gallery: Descriptors, gnn: OutlierRemovableGNN, how: Reconstruction, oracle: bool
) -> None:
    expected = tuple(gnn.V.shape[1:])
    for name, side in (("image", descriptors), ("gallery", gallery)):
        found = tuple(side.features.shape[1:])
        if found != expected:
            raise UserError(
                f"the {name} descriptors have {found[0]} parts of {found[1]} dimensions, "
                f"this model's {expected[0]} of {expected[1]}.",
                "Extract them with this very model.",
            )
    if oracle and how.mode in ("base", "oan"):
        raise UserError(f"mode '{how.mode}' has no neighbours an oracle could choose.", "Use it with oan+orgnn.")
    if oracle and (descriptors.pids is None or gallery.pids is None):
        raise UserError("the oracle needs true pids on both sides.", "Extract them from a benchmark.")
