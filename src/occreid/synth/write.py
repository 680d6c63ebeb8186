"""Files of the benchmark: images, masks, the sidecar, and a folder that appears only when all is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from occreid.files import new_folder
from occreid.records import PART_NAMES
from occreid.synth.protocol import Shot
from occreid.synth.render.compose import Picture

FOLDERS = ("bounding_box_train", "bounding_box_test", "query", "masks")
SIDECAR = "occsynth.parquet"
EDITION_KEY = "occsynth_edition"
"""Of the table's metadata."""


@contextmanager
def whole_or_nothing(out: Path) -> Iterator[Path]:
    """`new_folder` with the benchmark's own folders in it.

    Raises:
        UserError: ``out`` holds something already, is a file, or cannot be written.
    """
    with new_folder(out) as part:
        for folder in FOLDERS:
            (part / folder).mkdir()
        yield part


def write_picture(root: Path, shot: Shot, picture: Picture) -> dict[str, Any]:
    """Write an image and its mask; returns the sidecar's row."""
    file, mask = f"{shot.folder}/{shot.name}.jpg", f"masks/{shot.name}.png"
    bgr = np.ascontiguousarray(picture.image[..., ::-1])
    (root / file).write_bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    (root / mask).write_bytes(cv2.imencode(".png", picture.mask)[1].tobytes())
    visible = {f"visible_{name}": value for name, value in zip(PART_NAMES, picture.visible, strict=True)}
    thing = picture.occluder
    return {
        "file": file,
        "split": shot.split,
        "pid": shot.pid,
        "camid": shot.camid,
        "occluded": shot.occluded,
        "occluder_kind": thing.kind if thing else None,
        "occluder_id": thing.ident if thing else None,
        **visible,
        "keypoints": picture.keypoints,
        "mask": mask,
        "time": shot.time,
    }


def write_sidecar(root: Path, rows: list[dict[str, Any]], edition: str | None = None) -> None:
    """Write the Parquet table of all rows, ordered by file; its metadata name the edition (the first's have none)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("file", pa.string()),
            ("split", pa.string()),
            ("pid", pa.int64()),
            ("camid", pa.int64()),
            ("occluded", pa.bool_()),
        ]
        + [("occluder_kind", pa.string()), ("occluder_id", pa.string())]
        + [(f"visible_{name}", pa.float32()) for name in PART_NAMES]
        + [("keypoints", pa.list_(pa.float32())), ("mask", pa.string()), ("time", pa.float64())]
    )
    if edition is not None:
        schema = schema.with_metadata({EDITION_KEY: edition})
    pq.write_table(pa.Table.from_pylist(sorted(rows, key=lambda r: r["file"]), schema=schema), root / SIDECAR)
