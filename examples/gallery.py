"""Enrol a folder of crops in a gallery on disk, then find one person in it.

Example: python examples/gallery.py runs/first galleries/door crops person.jpg --camera 3

Run again, it describes only crops the gallery does not know yet.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from occreid import Record, UserError, load_model
from occreid.data.benchmarks import folder_records
from occreid.extraction import extract
from occreid.gallery import manifest_of, open_or_create
from occreid.models import read_card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a run folder of 'occreid train', or a .safetensors file")
    parser.add_argument("gallery", help="the gallery's folder, made if missing")
    parser.add_argument("crops", type=Path, help="a folder of crops to enrol")
    parser.add_argument("picture", type=Path, help="a crop of the person to find")
    parser.add_argument("--camera", help="the name of the camera of the crops")
    arguments = parser.parse_args()

    model = load_model(arguments.model)
    gallery = open_or_create(arguments.gallery, manifest_of(model, read_card(arguments.model)))
    report = gallery.enrol(folder_records(arguments.crops, camera=arguments.camera), model)
    print(f"added {report.added}, known already {report.known}")
    query = extract(model, [Record(arguments.picture, pid=-1, camid=-1)], progress=False)
    for rank, hit in enumerate(gallery.search(query, 5)[0], 1):
        print(f"{rank}  {hit.distance:.3f}  {hit.path}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
