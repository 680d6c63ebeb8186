"""Find one person in a folder of crops: the nearest gallery images of one picture, with their distances.

Example: python examples/search.py runs/first person.jpg gallery-folder --top 5
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from occreid import Record, UserError, load_model
from occreid.extraction import extract
from occreid.retrieval import top_k

PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a run folder of 'occreid train', or a .safetensors file")
    parser.add_argument("picture", type=Path, help="a crop of the person to find")
    parser.add_argument("gallery", type=Path, help="a folder of crops, searched with its subfolders")
    parser.add_argument("--top", type=int, default=10, help="how many to show")
    arguments = parser.parse_args()

    files = sorted(p for p in arguments.gallery.rglob("*") if p.suffix.lower() in PICTURES)
    if not files:
        sys.exit(f"{arguments.gallery} holds no pictures.")
    model = load_model(arguments.model)
    query = extract(model, [Record(arguments.picture, pid=0, camid=0)], progress=False)
    gallery = extract(model, [Record(file, pid=0, camid=0) for file in files])
    rows, distances = top_k(query, gallery, model.metric, k=min(arguments.top, len(files)), same_camera="keep")
    for place, (row, distance) in enumerate(zip(rows[0].tolist(), distances[0].tolist(), strict=True), 1):
        print(f"{place:3d}  {distance:.3f}  {files[row]}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
