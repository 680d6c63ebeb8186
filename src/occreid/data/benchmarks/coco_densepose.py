"""COCO-DensePose (Güler et al., CVPR 2018): persons with part masks, the parsing supervision of HPNet.

COCO's pictures show many persons, a `Record` one. So persons are cut out once, by `write_crops`, each with its
mask of the four parts; the loader reads these crops. Nobody is identified: each person is an id of its own.

Whatever is not the annotated person is 0 in a mask: what stands before it, and other people beside it (each has its
own crop). What the picture's edge cuts off is not in the crop. Annotations of whole crowds are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.walk import existing_folder, images_under
from occreid.errors import UserError
from occreid.files import read_json, write_file
from occreid.records import Record, Split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTS = Facts(
    layout="train2014, annotations/densepose_coco_2014_train.json, then: occreid data crops",
    note="part masks for training only; no identities",
)
CROPS = {"train": "densepose_crops", "val": "densepose_crops_val"}
_FILES = {"train": ("train",), "val": ("minival", "valminusminival")}
_NAMES = ("densepose_coco_2014_{}.json", "densepose_{}2014.json")
"""Both names under which the authors' files are about."""
_PARTS = {14: 1, **dict.fromkeys((1, 2, 3, 10, 11, 12, 13), 2), 6: 3, 7: 3, **dict.fromkeys((4, 5, 8, 9), 4)}
"""DensePose's coarse part → HPNet's: 14 head; 1 torso, 2–3 hands, 10–13 arms; 6–7 upper, 8–9 lower legs, 4–5 feet."""


@dataclass(frozen=True, slots=True)
class Person:
    """One annotated person.

    Attributes:
        image: the COCO picture.
        annotation: COCO's id of the annotation.
        box: left, top, width, height in pixels of the picture.
        masks: DensePose part (1…14) → (runs, height, width) of its mask, which is stretched over the box.
    """

    image: Path
    annotation: int
    box: tuple[float, float, float, float]
    masks: dict[int, tuple[str, int, int]]


def coco_densepose(root: Path, *, crops: Path | None = None, strict: bool = True) -> Split:
    """Read the crops that `write_crops` made: a training part with masks, and if there are any, validation persons.

    The validation persons are the query part: a parsing network is tested on them. There is no gallery.

    Args:
        root: the folder that holds COCO's ``train2014`` and ``annotations``.
        crops: where the training crops are; left out, ``densepose_crops`` in ``root``. Validation crops are in a folder
            of the same name with ``_val`` at its end.
        strict: refuse a crop without a mask; False skips it and says so.

    Raises:
        UserError: no crops yet, or one without its mask.
    """
    folder = crops or existing_folder(root) / CROPS["train"]
    if not folder.is_dir():
        raise UserError(
            f"COCO-DensePose's persons are not cut out yet: there is no folder {folder}.",
            f"Run: occreid data crops {root}",
        )
    skipped: list[Path] = []
    train = _read_crops(folder, skipped)
    validation = folder.with_name(f"{folder.name}_val")
    query = _read_crops(validation, skipped) if validation.is_dir() else ()
    split = Split("coco_densepose", train, query, (), notes={"ids": "one per person shown, not an identity"})
    return finish(split, {}, skipped, "000000123.jpg with masks/000000123.png", strict)


def _read_crops(folder: Path, skipped: list[Path]) -> tuple[Record, ...]:
    records: list[Record] = []
    for image in images_under(existing_folder(folder / "images")):
        mask = folder / "masks" / f"{image.stem}.png"
        if image.stem.isdecimal() and mask.is_file():
            records.append(Record(image, int(image.stem), 0, mask=mask, camera=""))
        else:
            skipped.append(image)
    return tuple(records)


def read_persons(root: Path, part: Literal["train", "val"] = "train", min_height: int = 0) -> list[Person]:
    """The persons with part masks, sorted by annotation.

    Args:
        root: the folder that holds COCO's pictures and ``annotations``.
        part: which annotation files.
        min_height: leave out persons whose box is lower, in pixels: there is little to see of them.

    Raises:
        UserError: no annotation file, one that is damaged, or pictures that are missing.
    """
    existing_folder(root)
    choices = [
        [root / sub / name.format(word) for name in _NAMES for sub in ("annotations", ".")] for word in _FILES[part]
    ]
    found = [file for file in (next((p for p in places if p.is_file()), None) for places in choices) if file]
    if not found:
        looked = ", ".join(str(place) for places in choices for place in places)
        raise UserError(f"there are no DensePose annotations of {part} in {root}.", f"Looked for {looked}.")
    persons = [person for file in found for person in _read_file(root, file) if person.box[3] >= min_height]
    missing = sorted({str(person.image) for person in persons if not person.image.is_file()})
    if missing:
        raise UserError(
            f"{len(missing)} annotated pictures are missing: {', '.join(missing[:5])}.", f"Unpack COCO 2014 in {root}."
        )
    return sorted(persons, key=lambda person: person.annotation)


def _read_file(root: Path, file: Path) -> Iterator[Person]:
    content = read_json(file, hint="Download it again.")
    try:
        names = {image["id"]: image["file_name"] for image in content["images"]}
        for annotation in content["annotations"]:
            if annotation.get("iscrowd"):
                continue  # one mask over many people
            masks: dict[int, tuple[str, int, int]] = {}
            for number, mask in enumerate(annotation.get("dp_masks") or [], start=1):
                if mask:
                    height, width = mask["size"]
                    masks[number] = (mask["counts"], int(height), int(width))
            if masks:
                x, y, w, h = annotation["bbox"]
                picture = _picture(root, names[annotation["image_id"]])
                yield Person(picture, annotation["id"], (x, y, w, h), masks)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{file} is no COCO annotation file ({type(error).__name__}: {error}).", "Download it again."
        ) from error


def _picture(root: Path, name: str) -> Path:
    """COCO_train2014_000000000009.jpg lies in train2014, or in images/train2014."""
    folder = name.split("_")[1] if name.count("_") > 1 else "train2014"
    nested = root / "images" / folder / name
    return nested if nested.is_file() else root / folder / name


def write_crops(persons: list[Person], out: Path, *, margin: float = 0.0) -> Iterator[Record]:
    """Cut persons out of their pictures, with masks of the four parts; yields each as it is written.

    Args:
        persons: what `read_persons` gave.
        out: gets ``images`` and ``masks``.
        margin: of the box's sides, added on each side; must be 0 or more.

    Raises:
        UserError: a damaged picture or mask, or a box outside its picture.
    """
    import cv2

    from occreid.data.images import read_image
    from occreid.data.masks.files import write_mask

    for person in persons:
        image = read_image(person.image)
        frame = _frame(person, image.shape[:2], margin)
        left, top, right, bottom = frame
        mask_path = out / "masks" / f"{person.annotation:012d}.png"
        write_mask(mask_path, part_mask(person, frame))
        path = out / "images" / f"{person.annotation:012d}.jpg"
        _, encoded = cv2.imencode(".jpg", image[top:bottom, left:right, ::-1], (cv2.IMWRITE_JPEG_QUALITY, 95))
        write_file(path, encoded.tobytes(), flush=False)
        yield Record(path, person.annotation, 0, mask=mask_path, camera="")


def part_mask(person: Person, frame: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The mask of the four parts, (H, W) uint8, in a frame (left, top, right, bottom) of the picture.

    Raises:
        UserError: a mask that is damaged or of an unknown part.
    """
    import numpy as np

    from occreid.data.masks.rle import decode_rle

    left, top, right, bottom = frame
    x, y, w, h = person.box
    mask = np.zeros((bottom - top, right - left), dtype=np.uint8)
    # The centre of each pixel, as a fraction of the box: the masks are stretched over it.
    columns = (np.arange(left, right) + 0.5 - x) / w
    rows = (np.arange(top, bottom) + 0.5 - y) / h
    inside = ((rows >= 0) & (rows < 1))[:, None] & ((columns >= 0) & (columns < 1))[None]
    for number, (counts, height, width) in sorted(person.masks.items()):
        try:
            part, shape = _PARTS[number], decode_rle(counts, height, width)
        except (KeyError, ValueError) as error:
            raise UserError(
                f"annotation {person.annotation} has a damaged mask: {error}.", "Download again."
            ) from error
        i = np.clip((rows * height).astype(int), 0, height - 1)
        j = np.clip((columns * width).astype(int), 0, width - 1)
        mask[shape[i[:, None], j[None]] & inside] = part
    return mask


def _frame(person: Person, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    x, y, w, h = person.box
    left, top = max(0, int(x - margin * w)), max(0, int(y - margin * h))
    right, bottom = min(size[1], round(x + w + margin * w)), min(size[0], round(y + h + margin * h))
    if right <= left or bottom <= top:
        raise UserError(f"annotation {person.annotation}'s box lies outside {person.image}.", "Download COCO again.")
    return left, top, right, bottom
