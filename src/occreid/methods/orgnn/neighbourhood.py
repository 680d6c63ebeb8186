"""Neighbourhood search (Section 3.2, Eq. 3): who looks the same in every visible part?

Exact, by blocked products: memory grows neither with queries × gallery nor with the gallery beyond its features.

Letters: N images, G gallery images, R images of a block, P parts, D dimensions, K neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError

NOBODY = -1
ROWS, COLUMNS = 256, 4096
"""Images, and gallery images, that are compared at once: 6 parts take 25 MB of similarities."""


def neighbourhoods(
    descriptors: Descriptors,
    gallery: Descriptors,
    k: int,
    theta: float,
    *,
    search_parts: Sequence[int] | None = None,
    rows: int = ROWS,
    columns: int = COLUMNS,
) -> Iterator[tuple[slice, Tensor]]:
    """Eq. 3: the intersection, over an image's visible parts, of the K nearest gallery images by cosine, all ≥ θ.

    An image is never its own neighbour: where both sides carry paths, a gallery image of the same path is left
    out; without paths, an image at its own row where ``gallery`` is ``descriptors``. Whose parts are all
    invisible has no neighbours. Whether the gallery's parts are visible plays no role, as in the paper.

    Args:
        descriptors: N images.
        gallery: G images, on the same device; fewer than ``k`` is no mistake.
        k: K, at least 1.
        theta: θ in [−1, 1].
        search_parts: search by these parts alone where any of them is visible (the upper body, on sets without
            occlusion); None searches by all visible parts.
        rows: R.
        columns: gallery images compared at once.

    Yields:
        Which images, and the gallery indices of their neighbours (R, m) int64, m ≤ K; `NOBODY` fills the rows.

    Raises:
        UserError: k or θ out of range, an empty gallery, a part that does not exist, other parts or dimensions on
            the two sides, NaN or infinity.
    """
    _check(descriptors, gallery, k, theta, search_parts)
    wanted = searched_by(descriptors.visibility, search_parts)  # (N, P)
    names, gallery_names = _identities(descriptors, gallery)
    scales = 1 / _lengths(gallery).clamp_min(1e-12).T  # (P, G)
    for start in range(0, len(descriptors), rows):
        block = slice(start, min(start + rows, len(descriptors)))
        x = normalize(descriptors.features[block], dim=2).transpose(0, 1)  # (P, R, D)
        values, indices = _nearest(x, gallery.features, scales, names[block], gallery_names, k, columns)
        yield block, _intersection(indices.masked_fill(values < theta, NOBODY), wanted[block])


def searched_by(visibility: Tensor, search_parts: Sequence[int] | None) -> Tensor:
    """(N, P) bool, which parts an image is searched by: the visible ones, of ``search_parts`` if any of these is."""
    if search_parts is None:
        return visibility
    chosen = torch.zeros_like(visibility)
    chosen[:, list(search_parts)] = True
    upper = visibility & chosen
    return torch.where(upper.any(1, keepdim=True), upper, visibility)


def _nearest(
    x: Tensor, gallery: Tensor, scales: Tensor, names: Tensor, gallery_names: Tensor, k: int, columns: int
) -> tuple[Tensor, Tensor]:
    """The K most similar gallery images by each part: (P, R, ≤ K) similarities and indices, streamed."""
    values = x.new_full((*x.shape[:2], 0), -torch.inf)
    indices = torch.empty(values.shape, dtype=torch.int64, device=x.device)
    for left in range(0, len(gallery), columns):
        tile = slice(left, left + columns)
        similar = torch.bmm(x, gallery[tile].permute(1, 2, 0)) * scales[:, None, tile]  # (P, R, columns)
        similar.masked_fill_(names[:, None] == gallery_names[tile], -torch.inf)  # never itself
        best, where = similar.topk(min(k, similar.shape[2]), dim=2)
        values, indices = torch.cat([values, best], 2), torch.cat([indices, where + left], 2)
        values, where = values.topk(min(k, values.shape[2]), dim=2)
        indices = indices.gather(2, where)
    return values, indices


def _intersection(indices: Tensor, wanted: Tensor) -> Tensor:
    """Who stands in the list of every wanted part: (P, R, K) lists and (R, P) parts → (R, m), ascending."""
    first = wanted.float().argmax(1)  # a wanted part; the intersection is a subset of its list
    candidates = indices[first, torch.arange(len(first), device=first.device)]  # (R, K)
    listed = (indices[:, :, None, :] == candidates[None, :, :, None]).any(3)  # (P, R, K)
    common = (listed | ~wanted.T[:, :, None]).all(0) & (candidates != NOBODY) & wanted.any(1)[:, None]
    most = int(common.sum(1).max()) if len(common) else 0
    largest = torch.iinfo(torch.int64).max
    found = candidates.masked_fill(~common, largest).sort(1).values[:, :most]
    return found.masked_fill(found == largest, NOBODY)


def _identities(descriptors: Descriptors, gallery: Descriptors) -> tuple[Tensor, Tensor]:
    """Numbers (N,) and (G,) that are equal where two rows are one image."""
    device = gallery.features.device
    if descriptors.paths is not None and gallery.paths is not None:
        number: dict[str, int] = {}
        sides = [[number.setdefault(path, len(number)) for path in side.paths or ()] for side in (gallery, descriptors)]
        theirs, mine = (torch.tensor(side, dtype=torch.int64, device=device) for side in sides)
        return mine, theirs
    theirs = torch.arange(len(gallery), device=device)
    return (theirs if descriptors is gallery else torch.full((len(descriptors),), NOBODY, device=device)), theirs


def _check(
    descriptors: Descriptors, gallery: Descriptors, k: int, theta: float, search_parts: Sequence[int] | None
) -> None:
    if k < 1:
        raise UserError(f"a neighbourhood of {k} images is impossible.", "Give k of 1 or more.")
    if not -1 <= theta <= 1:
        raise UserError(f"a similarity of at least {theta} is no cosine.", "Give theta between -1 and 1.")
    if not len(gallery):
        raise UserError("the gallery is empty: nothing can be reconstructed from it.", "Give at least one image.")
    parts = descriptors.features.shape[1]
    wrong = [part for part in search_parts or () if not 0 <= part < parts]
    if wrong or (search_parts is not None and not search_parts):
        raise UserError(
            f"search_parts {list(search_parts or ())} are not among the {parts} parts.", f"Give some of 0…{parts - 1}."
        )
    if descriptors.features.shape[1:] != gallery.features.shape[1:]:
        raise UserError(
            f"the images have {tuple(descriptors.features.shape[1:])} (parts, dimensions), "
            f"the gallery {tuple(gallery.features.shape[1:])}.",
            "Extract both with the same model.",
        )
    _lengths(descriptors)


def _lengths(descriptors: Descriptors) -> Tensor:
    """(N, P) lengths of the part features; one number per part tells whether all of them are finite."""
    lengths = torch.linalg.vector_norm(descriptors.features, dim=2)
    if not lengths.isfinite().all():
        descriptors.require_finite()
        raise UserError("a feature is longer than float32 can square.", "Divide the features by a constant.")
    return lengths
