"""Enrol a folder of crops in a gallery on disk, then find one person in it.

Example: python examples/gallery.py runs/first galleries/door crops person.jpg --camera 3

Run again, it describes only crops the gallery does not know yet.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from occreid import Record, UserError, load_model
from occreid.extraction import extract
from occreid.gallery import Gallery, entries, picture_id
from occreid.models import read_card

PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a run folder of 'occreid train', or a .safetensors file")
    parser.add_argument("gallery", type=Path, help="the gallery's folder, made if missing")
    parser.add_argument("crops", type=Path, help="a folder of crops to enrol")
    parser.add_argument("picture", type=Path, help="a crop of the person to find")
    parser.add_argument("--camera", type=int, default=-1, help="the camera of the crops")
    arguments = parser.parse_args()

    model, weights = load_model(arguments.model), read_card(arguments.model)["sha256"]
    query = extract(model, [Record(arguments.picture, pid=-1, camid=-1)], progress=False)
    if (arguments.gallery / "gallery.json").is_file():
        gallery = Gallery.open(str(arguments.gallery), weights_hash=weights)
    else:
        _, parts, dim = query.features.shape
        gallery = Gallery.create(
            str(arguments.gallery), dim=dim, parts=parts, metric=model.metric, weights_hash=weights
        )
    ids = {
        picture_id(file.read_bytes()): file
        for file in sorted(arguments.crops.rglob("*"))
        if file.suffix.lower() in PICTURES
    }
    new = sorted(ids.keys() - gallery.known([*ids]))
    if new:
        described = extract(model, [Record(ids[name], pid=-1, camid=arguments.camera) for name in new])
        print(gallery.add([*entries(described, ids=new)]))
    for place, hit in enumerate(gallery.search(query, 5)[0], 1):
        print(f"{place}  {hit.distance:.3f}  {hit.path}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
