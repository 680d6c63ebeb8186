"""Keypoints found by a network, kept as COCO's JSON: found once, corrected by hand, read by whoever needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from occreid.annotate.construction.keypoints import Keypoints
from occreid.data.images import Pixels, read_image
from occreid.errors import UserError, worded
from occreid.files import read_json, write_json

_SEEN, _HIDDEN = 2, 0  # COCO's visibilities; read_keypoints takes a file with a 2 for one without confidences


def detect_keypoints(
    paths: Sequence[Path],
    root: Path,
    file: Path,
    find: Callable[[Pixels], Keypoints | None],
    info: Mapping[str, Any],
    *,
    every: int = 50,
    advance: Callable[[int], None] = lambda images: None,
) -> int:
    """Find keypoints in the pictures that a file does not list yet, and add them to it.

    What is in the file stays as it is, corrected or not; one in which nobody is found is listed without keypoints.
    The file is written again and again, so that an interrupted call is gone on with by another.

    Args:
        paths: pictures below ``root``.
        root: the folder that names in the file are relative to.
        file: JSON that `occreid.annotate.construction.read_keypoints` reads; made where there is none.
        find: pixels of a picture → keypoints, or None where nobody is in it.
        info: what ``find`` is; a file holds the keypoints of one.
        every: pictures after which the file is written.
        advance: called with 1 after each picture.

    Returns:
        In how many pictures keypoints were looked for now.

    Raises:
        UserError: the file holds something else's keypoints, or cannot be read or written; an unreadable picture.
    """
    held = _open(file, info)
    listed = {image["file_name"]: image["id"] for image in held["images"]}
    number, looked = max(listed.values(), default=-1) + 1, 0
    try:
        for path in paths:
            name = path.relative_to(root).as_posix()
            if name not in listed:
                found = find(read_image(path))
                held["images"].append({"id": number, "file_name": name})
                if found is not None:
                    held["annotations"].append(_annotation(number, found))
                number, looked = number + 1, looked + 1
                if looked % every == 0:
                    write_json(file, held, indent=None)
            advance(1)
    finally:
        if looked:
            write_json(file, held, indent=None)
    return looked


def _annotation(image: int, found: Keypoints) -> dict[str, Any]:
    flat = [
        number
        for (x, y), seen in zip(found.points, found.seen, strict=True)
        for number in (round(x, 1), round(y, 1), _SEEN if seen else _HIDDEN)
    ]
    return {"id": image, "image_id": image, "category_id": 1, "keypoints": flat, "num_keypoints": sum(found.seen)}


def _open(file: Path, info: Mapping[str, Any]) -> dict[str, Any]:
    if not file.exists():
        return {"info": dict(info), "images": [], "annotations": []}
    held = read_json(file, hint="Delete or rename it.")
    with worded(f"cannot go on with {file}", "Delete or rename it."):
        other = held["info"] != dict(info)
        held["images"] = [
            {**image, "id": int(image["id"]), "file_name": str(image["file_name"])} for image in held["images"]
        ]
        held["annotations"] = list(held["annotations"])
    if other:
        raise UserError(
            f"{file} holds keypoints of another detector or of other weights.",
            f"Delete it, or use it as it is: --keypoints {file}",
        )
    return held
