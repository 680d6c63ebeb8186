"""`Descriptors`: what a model says of N images, and the only thing retrieval ever sees.

Letters: N images, P parts (1 for a global method), D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.display import html_table
from occreid.errors import UserError
from occreid.tensor_files import write_tensors

_LONGEST = 9.2e18  # of a feature: twice that, squared, is the end of float32
_LISTS = ("paths", "persons", "cameras")  # one text for each image
_FEATURES, _TABLE = "descriptors.safetensors", "descriptors.parquet"


@dataclass(slots=True, repr=False)
class Descriptors:
    """Feature vectors of N images, with what is needed to rank and to explain them.

    Attributes:
        features: (N, P, D), kept as float32; (N, D) is accepted and becomes (N, 1, D).
        visibility: (N, P) bool, True where the part was seen; left out, all parts are visible.
        pids: (N,) int64 person ids, or None.
        camids: (N,) int64 camera ids, or None.
        paths: N file names, or None.
        persons: N names of persons, as `Record.person_name`, or None: the numbers are the names.
        cameras: N names of cameras likewise.

    Raises:
        UserError: shapes that do not belong together.

    >>> d = Descriptors(torch.zeros(2, 3), pids=torch.tensor([7, 7]))
    >>> d.features.shape, d.visibility.tolist(), len(d)
    (torch.Size([2, 1, 3]), [[True], [True]], 2)
    >>> d
    Descriptors(2 × 1 × 3 on cpu, with pids)
    """

    features: Tensor
    visibility: Tensor = None  # type: ignore[assignment]  # a tensor once __post_init__ has run
    pids: Tensor | None = None
    camids: Tensor | None = None
    paths: Sequence[str] | None = None
    persons: Sequence[str | None] | None = None
    cameras: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        if self.features.ndim == 2:
            self.features = self.features.unsqueeze(1)
        if self.features.ndim != 3:
            raise UserError(
                f"features of shape {tuple(self.features.shape)} are not descriptors.",
                "Give (N, P, D), or (N, D) for one global part.",
            )
        self.features = self.features.float()
        n, p, _ = self.features.shape
        if self.visibility is None:
            self.visibility = torch.ones(n, p, dtype=torch.bool, device=self.features.device)
        if tuple(self.visibility.shape) != (n, p):
            raise UserError(
                f"visibility of shape {tuple(self.visibility.shape)} does not fit {n} images of {p} parts.",
                f"Give a bool tensor of shape ({n}, {p}).",
            )
        self.visibility = self.visibility.to(device=self.features.device, dtype=torch.bool)
        for name in ("pids", "camids", *_LISTS):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise UserError(f"{len(value)} {name} do not fit {n} images.", f"Give one of {name} per image.")

    def __len__(self) -> int:
        return self.features.shape[0]

    def __repr__(self) -> str:
        known = [name for name in ("pids", "camids", "paths") if getattr(self, name) is not None]
        shape = " × ".join(map(str, self.features.shape))
        return f"Descriptors({shape} on {self.features.device}{', with ' if known else ''}{', '.join(known)})"

    def _repr_html_(self) -> str:
        n, p, d = self.features.shape
        seen = f"{float(self.visibility.float().mean()):.0%}" if n else "–"
        head = ("pictures", "parts", "dimensions", "parts seen", "persons", "cameras")
        counts = ["–" if ids is None else len(ids.unique()) for ids in (self.pids, self.camids)]
        return html_table(head, [(n, p, d, seen, *counts)], "Descriptors")

    def __getitem__(self, index: slice | Tensor) -> Descriptors:
        """The images at ``index``: a slice, a tensor of places from 0 or a bool mask of length N."""
        texts = {name: _chosen(values, index) for name in _LISTS if (values := getattr(self, name)) is not None}
        if isinstance(index, Tensor) and index.dtype != torch.bool:
            features = self.features.index_select(0, index)  # four times as fast
        else:
            features = self.features[index]
        return Descriptors(
            features,
            self.visibility[index],
            None if self.pids is None else self.pids[index],
            None if self.camids is None else self.camids[index],
            **texts,
        )

    def to(self, device: torch.device | str) -> Descriptors:
        """The same descriptors on another device."""
        return Descriptors(
            self.features.to(device),
            self.visibility.to(device),
            None if self.pids is None else self.pids.to(device),
            None if self.camids is None else self.camids.to(device),
            **{name: getattr(self, name) for name in _LISTS},
        )

    def finite(self) -> Tensor:
        """Which images can be compared, (N,) bool: the square of their length and of a difference are numbers."""
        return self.features.flatten(1).norm(dim=1) < _LONGEST  # NaN is not less

    def require_finite(self) -> Descriptors:
        """Return self, or name the first image whose feature holds NaN or ∞, or is so long that its distances would.

        Raises:
            UserError: naming the image (its path, else its row).
        """
        bad = ~self.finite()
        if bad.any():
            row = int(bad.nonzero()[0])
            name = self.paths[row] if self.paths is not None else f"row {row}"
            raise UserError(
                f"the descriptor of {name} holds NaN or infinity, or is too long ({int(bad.sum())} of {len(self)} do).",
                "Extract it again with finite weights and in float32.",
            )
        return self

    @staticmethod
    def cat(pieces: Sequence[Descriptors]) -> Descriptors:
        """Join descriptors of the same P and D along the images; a field missing in one is missing in all.

        Raises:
            UserError: there is nothing to join.
        """
        if not pieces:
            raise UserError("there are no descriptors to join.", "Give at least one image.")

        def joined(name: str) -> Tensor | None:
            parts = [getattr(piece, name) for piece in pieces]
            return None if any(p is None for p in parts) else torch.cat(parts)

        def listed(name: str) -> list[Any] | None:
            parts = [getattr(piece, name) for piece in pieces]
            return None if any(p is None for p in parts) else [text for part in parts for text in part]

        return Descriptors(
            torch.cat([p.features for p in pieces]),
            torch.cat([p.visibility for p in pieces]),
            joined("pids"),
            joined("camids"),
            **{name: listed(name) for name in _LISTS},
        )

    def save(self, folder: str | Path) -> None:
        """Write ``descriptors.safetensors`` (features, visibility) and ``descriptors.parquet``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        columns: dict[str, Any] = {}
        if self.pids is not None:
            columns["pid"] = self.pids.tolist()
        if self.camids is not None:
            columns["camid"] = self.camids.tolist()
        if self.paths is not None:
            columns["path"] = [str(p) for p in self.paths]
        for name, values in (("person", self.persons), ("camera", self.cameras)):
            if values is not None:
                columns[name] = pa.array(values, pa.string()).dictionary_encode()
        columns["row"] = list(range(len(self)))
        pq.write_table(pa.table(columns), folder / _TABLE)
        write_tensors(
            {"features": self.features.cpu().contiguous(), "visibility": self.visibility.cpu().contiguous()},
            folder / _FEATURES,
        )

    @staticmethod
    def load(folder: str | Path) -> Descriptors:
        """Read what `save` wrote.

        Raises:
            UserError: the folder or one of its two files is missing or damaged.
        """
        import pyarrow.parquet as pq
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        for name in (_FEATURES, _TABLE):
            if not (folder / name).is_file():
                raise UserError(f"no file {folder / name}.", "Write descriptors with: occreid extract")
        try:
            tensors = load_file(folder / _FEATURES)
            features, visibility = tensors["features"], tensors["visibility"]
            table = pq.read_table(folder / _TABLE).to_pydict()
        except (OSError, KeyError, ValueError, SafetensorError) as error:  # pyarrow's is a ValueError
            raise UserError(
                f"cannot read the descriptors in {folder} ({error}).",
                "Delete that folder, and write it again with: occreid extract",
            ) from error
        return Descriptors(
            features,
            visibility,
            torch.tensor(table["pid"], dtype=torch.int64) if "pid" in table else None,
            torch.tensor(table["camid"], dtype=torch.int64) if "camid" in table else None,
            table.get("path"),
            table.get("person"),
            table.get("camera"),
        )


def _chosen(texts: Sequence[Any], index: slice | Tensor) -> list[Any]:
    """The texts at an index of `Descriptors.__getitem__`."""
    if isinstance(index, slice):
        return [*texts[index]]
    rows: list[int] = (index.nonzero().flatten() if index.dtype == torch.bool else index).tolist()
    return [texts[row] for row in rows]
