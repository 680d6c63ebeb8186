"""A benchmark's queries with an occluder over each, as pictures on disk: the same ones wherever they are made.

What is pasted are the drawn things of stress tests, which no training set shows, at places that the file's name
decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from occreid.data.benchmarks.market1501_mini import PASTED
from occreid.data.images import read_image
from occreid.data.occlusion.stress import Stress, Stressor
from occreid.errors import UserError
from occreid.files import claim_folder, write_file
from occreid.records import Record

KEY = "occlusion.json"
"""In a folder of such pictures: what was done to them."""
_DEFAULT = Stress.parse(PASTED)


def write_pasted(records: Sequence[Record], folder: str | Path, stress: Stress = _DEFAULT) -> Iterator[Path]:
    """Write ``folder/NAME.png`` for each picture; one that is there already is left alone.

    Args:
        records: pictures with names of their own.
        folder: where to.
        stress: what to do; the paste decides by ``stress.seed`` and the picture's name alone.

    Yields:
        Each file.

    Raises:
        UserError: two pictures of one name, a folder that holds others, or a picture that cannot be read.
    """
    names = [record.path.stem for record in records]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"two pictures are called {twice[0]}.", "Rename one of them.")
    target = Path(folder)
    claim_folder(target, KEY, {"stress": str(stress), "seed": stress.seed}, "pictures with other occluders")
    paste = Stressor(stress)
    for record in records:
        file = target / f"{record.path.stem}.png"
        if not file.is_file():
            hidden, _ = paste(read_image(record.path), None, record)
            write_file(file, cv2.imencode(".png", hidden[..., ::-1])[1].tobytes())
        yield file
