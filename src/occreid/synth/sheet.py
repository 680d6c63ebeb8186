"""`contact_sheet`: look at a generated benchmark."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from occreid.errors import UserError
from occreid.synth.write import SIDECAR

_COLOURS = np.array([[0, 0, 0], [230, 80, 60], [60, 160, 230], [90, 200, 90], [240, 200, 60]], np.float32)


def _read(path: Path, flag: int) -> np.ndarray:
    data = cv2.imread(str(path), flag)
    if data is None:
        raise UserError(f"cannot read the image {path}.", "Generate the benchmark again.")
    return data


def contact_sheet(root: str | Path, out_png: str | Path, rows: int = 4, cols: int = 12, seed: int = 0) -> Path:
    """Write a sheet of random pictures of a generated benchmark; the last row shows part masks laid over.

    Args:
        root: folder that `generate` made.
        out_png: the file to write.
        rows: of pictures; the mask row comes below.
        cols: of pictures.
        seed: which pictures.

    Raises:
        UserError: there is no sidecar in ``root``, or the sheet cannot be written.
    """
    import pyarrow.parquet as pq

    root, out_png = Path(root), Path(out_png)
    if not (root / SIDECAR).is_file():
        raise UserError(f"no file {root / SIDECAR}.", "Give a folder made by: occreid data synth")
    table = pq.read_table(root / SIDECAR, columns=["file", "mask"]).to_pylist()
    chosen = np.random.default_rng(seed).permutation(len(table))[: rows * cols]
    pictures = [_read(root / table[i]["file"], cv2.IMREAD_COLOR) for i in chosen]
    overlaid = list(zip(chosen[-cols:], pictures[-cols:], strict=True))  # before blanks fill the sheet up
    blank = np.zeros((256, 128, 3), np.uint8)
    pictures += [blank] * (rows * cols - len(pictures))
    lines = [np.hstack(pictures[r * cols : (r + 1) * cols]) for r in range(rows)]
    overlays = []
    for i, picture in overlaid:
        mask = _read(root / table[i]["mask"], cv2.IMREAD_GRAYSCALE)
        tinted = 0.45 * picture + 0.55 * _COLOURS[mask][..., ::-1]
        overlays.append(np.where(mask[..., None] > 0, tinted, picture * 0.6).astype(np.uint8))
    lines.append(np.hstack(overlays + [blank] * (cols - len(overlays))))
    if not cv2.imwrite(str(out_png), np.vstack(lines)):
        raise UserError(f"cannot write {out_png}.", "Name a .png file in a folder you may write to.")
    return out_png
