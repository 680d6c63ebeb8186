"""Part masks that another parser made: renumbered by a mapping file into masks of the four parts.

Letters: H × W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from occreid.data.images import read_image
from occreid.data.masks.files import check_aspect, read_mask, write_mask
from occreid.data.masks.folders import fingerprint, is_current, mask_path, mask_paths
from occreid.errors import UserError, did_you_mean
from occreid.records import PART_NAMES, Record
from occreid.yaml_files import read_yaml

_UNKNOWN = 255
_KEYS = ("background", *PART_NAMES)
_FILE = "{folder}/{stem}.png"


@dataclass(frozen=True, slots=True)
class PartMapping:
    """How foreign masks become ours.

    Attributes:
        table: (256,) uint8, foreign value → part number, 255 where the file does not say.
        file: where the mask of an image lies in the foreign folder; may hold ``{folder}`` (of the image, relative to
            the benchmark), ``{stem}`` and ``{name}`` (file name without and with its ending).
        source: the mapping file, for messages.
    """

    table: NDArray[np.uint8]
    file: str
    source: Path


def read_mapping(path: Path) -> PartMapping:
    """Read a mapping file: YAML with a list of foreign values for each of the four parts and the background.

    The key ``file`` is optional. Any value that occurs in a mask must be listed::

        file: "{folder}/{stem}.png"
        background: [0]
        head: [1, 2, 4, 13]
        torso_arms: [3, 5, 6, 7, 10, 11, 14, 15]
        upper_legs: [9, 12]
        lower_legs_feet: [8, 16, 17, 18, 19]

    Raises:
        UserError: no such file, no YAML, an unknown key, a value outside 0…255 or one that is given to two parts.
    """
    content: Any = read_yaml(path, what="the mapping", hint="Give a YAML file.")
    if not isinstance(content, dict):
        raise UserError(f"the mapping {path} has no keys.", f"Known: file, {', '.join(_KEYS)}.")
    table = np.full(256, _UNKNOWN, np.uint8)
    file = content.pop("file", _FILE)
    try:
        str(file).format(folder="", stem="", name="")
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise UserError(f"'{file}' in {path} is no name pattern.", "Use {folder}, {stem} and {name}.") from error
    for key, values in content.items():
        if key not in _KEYS:
            raise UserError(f"the mapping {path} has the key '{key}'.", did_you_mean(str(key), (*_KEYS, "file")))
        for value in values if isinstance(values, list) else [values]:
            if type(value) is not int or not 0 <= value <= 255:
                raise UserError(f"'{key}' in {path} lists {value!r}.", "Give whole numbers from 0 to 255.")
            if table[value] != _UNKNOWN:
                raise UserError(
                    f"{path} gives the value {value} to '{_KEYS[table[value]]}' and '{key}'.", "List it once."
                )
            table[value] = _KEYS.index(key)
    return PartMapping(table, str(file), path)


def import_masks(
    records: Sequence[Record], root: str | Path, source: str | Path, mapping: PartMapping, folder: str | Path
) -> Iterator[tuple[Path, bool]]:
    """Write our mask of each image from the foreign one; masks that are there already and were made of the
    same files by the same mapping are left alone.

    Args:
        records: images of a benchmark read from ``root``.
        root: see `occreid.data.masks.folders.mask_path`.
        source: folder of the foreign masks: 8-bit grey or palette pictures, of any scale but the image's shape.
        mapping: what their values mean.
        folder: gets our masks.

    Yields:
        Each mask's path, and whether it was written now.

    Raises:
        UserError: foreign masks are missing (counted, the first ones named) before anything is written; or one is of
            another shape than its image, has colours, or holds a value that the mapping does not list.
    """
    targets = mask_paths(records, root, folder)
    pairs = [(record, _foreign(record, root, source, mapping), targets[record.path]) for record in records]
    missing = [there for _, there, _ in pairs if not there.is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(records)} masks are missing in {source}: {', '.join(map(str, missing[:3]))}"
            f"{', …' if len(missing) > 3 else ''}.",
            f"Set 'file' in {mapping.source} to how they are named; it is '{mapping.file}'.",
        )
    for record, there, target in pairs:
        made_of = fingerprint(record.path, there, also=mapping.table.tobytes())
        new = not is_current(target, made_of, record.path, there)
        if new:
            write_mask(target, _translated(record, there, mapping), made_of=made_of)
        yield target, new


def _foreign(record: Record, root: str | Path, source: str | Path, mapping: PartMapping) -> Path:
    relative = mask_path(record.path, root, ".").parent
    return Path(source) / mapping.file.format(folder=relative.as_posix(), stem=record.path.stem, name=record.path.name)


def _translated(record: Record, there: Path, mapping: PartMapping) -> NDArray[np.uint8]:
    foreign = read_mask(there, parts=255)
    check_aspect(foreign, read_image(record.path), there)
    mask = mapping.table[foreign]
    if (mask == _UNKNOWN).any():
        value = int(foreign[mask == _UNKNOWN].min())
        raise UserError(
            f"the mask {there} holds the value {value}, which {mapping.source} does not mention.",
            "List it under one of the parts, or under background.",
        )
    return mask
