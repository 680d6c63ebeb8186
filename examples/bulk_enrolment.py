"""Many pictures into a search engine: described on a Ray cluster, kept and searched in Milvus, both on this machine.

Example: python examples/bulk_enrolment.py runs/first --out bulk

For a real cluster set RAY_ADDRESS, and give --milvus http://host:19530/archive; the rest stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from occreid import UserError, load_model
from occreid.data import load_benchmark
from occreid.extraction import extract, extract_to_disk
from occreid.extraction.ray import ray_engine
from occreid.gallery import Filter, manifest_of, open_or_create
from occreid.models import read_card
from occreid.synth import generate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="what occreid.load_model takes: a run folder, a file, a name, hf:owner/name")
    parser.add_argument("--out", type=Path, default=Path("bulk"), help="a folder for pictures and descriptors")
    parser.add_argument("--milvus", help="a Milvus URI; left out, a file of milvus-lite in --out")
    parser.add_argument("--actors", type=int, default=2, help="models that describe at once")
    arguments = parser.parse_args()

    pictures = arguments.out / "people"
    split = load_benchmark("occsynth", pictures if pictures.exists() else generate(pictures, size="tiny", seed=0))
    model, card = load_model(arguments.model), read_card(arguments.model)

    # 1. describe on Ray: chunks go to models that stay loaded; each chunk is written whole, so this may be interrupted
    described = arguments.out / "descriptors"
    key = {"weights_sha256": card["sha256"]}
    descriptors, _ = extract_to_disk(
        model, split.gallery, described, key=key, chunk=8, engine=ray_engine(arguments.actors), progress=False
    )

    # 2. keep in Milvus: entries that are there already are left out
    gallery = open_or_create(arguments.milvus or str(arguments.out / "archive.db"), manifest_of(model, card))
    report = gallery.enrol_descriptors(descriptors)
    print(f"{report.added} added, {report.known} known already; the archive has {len(gallery)} entries")

    # 3. search: every query, in other cameras than its own
    query = extract(model, split.query, progress=False)
    answers = gallery.search(query, 3, filter=Filter(exclude_own=True))
    for record, hits in zip(split.query, answers, strict=True):
        print(record.path.name, *(f"{hit.pid}@c{hit.camid}:{hit.distance:.3f}" for hit in hits))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
