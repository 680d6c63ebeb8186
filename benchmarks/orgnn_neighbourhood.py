"""How OR-GNN's gain depends on K and θ, and on the gallery images of a person. Nothing is trained.

    python benchmarks/orgnn_neighbourhood.py sweep RUN --on occsynth=data/occsynth-demo --masks data/occsynth-demo-masks
    python benchmarks/orgnn_neighbourhood.py images RUN --on occsynth=data/occsynth-2 --masks data/occsynth-2-masks

``images`` uses the training part of a generated benchmark whose persons the run has never seen (another seed): its
persons have up to 20 images. Occluded images are queries; of the others, m images of each person are the gallery.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from dataclasses import replace

import torch

from occreid.data import load_benchmark
from occreid.data.masks.folders import attach_masks
from occreid.descriptors import Descriptors
from occreid.extraction import extract
from occreid.methods.orgnn import Mode, OrGnn, Reconstruction, reconstruct
from occreid.models import load_model
from occreid.records import Record
from occreid.retrieval import evaluate

ROWS: tuple[Mode, ...] = ("base", "oan", "oan+average", "oan+gnn", "oan+orgnn")


def describe(model: OrGnn, records: list[Record], root: str, masks: str) -> Descriptors:
    """With masks of a folder, or the benchmark's own where it is called "exact" (an oracle)."""
    given = records if masks == "exact" else list(attach_masks(records, root, masks))
    return extract(model, given, masks=True, progress=False)


def scores(model: OrGnn, query: Descriptors, gallery: Descriptors, how: Reconstruction) -> tuple[float, float, float]:
    """MAP and R-1 in per cent, and neighbours of a query."""
    found = (reconstruct(side, gallery, model.gnn, how) for side in (query, gallery))
    ranking = evaluate(*found, how.metric)
    model.reconstruction = how
    near = (model.neighbours(query, gallery)[0] >= 0).sum(1).float().mean().item()
    return 100 * ranking.mean_ap, 100 * ranking.cmc[1], near


def sweep(model: OrGnn, root: str, name: str, masks: str) -> None:
    split = load_benchmark(name, root)
    query, gallery = (describe(model, list(part), root, masks) for part in (split.query, split.gallery))
    for mode in ("base", "oan"):
        mean_ap, first, _ = scores(model, query, gallery, replace(model.reconstruction, mode=mode))
        print(f"{mode}: mAP {mean_ap:.1f}, R-1 {first:.1f}")
    for mode in ("oan+average", "oan+orgnn"):
        print(f"\n{mode}: mAP / R-1 (neighbours of a query)\n")
        thetas = (0.5, 0.6, 0.7, 0.8, 0.9)
        print(f"| K | {' | '.join(f'θ = {theta}' for theta in thetas)} |\n|---|{'---|' * len(thetas)}")
        for k in (2, 4, 10, 20):
            cells = []
            for theta in thetas:
                how = replace(model.reconstruction, mode=mode, k=k, theta=theta)
                cells.append("{:.1f} / {:.1f} ({:.1f})".format(*scores(model, query, gallery, how)))
            print(f"| {k} | {' | '.join(cells)} |", flush=True)


def images(model: OrGnn, root: str, name: str, masks: str, draws: int) -> None:
    records = load_benchmark(name, root).train
    everyone = describe(model, list(records), root, masks)
    hidden = torch.tensor([bool(record.occluded) for record in records])
    whole = defaultdict(list)
    for index, record in enumerate(records):
        if not record.occluded:
            whole[record.pid].append(index)
    how = model.reconstruction
    print(f"K = {how.k}, θ = {how.theta}; mean of {draws} galleries\n\n| images of a person | {' | '.join(ROWS)} |")
    print(f"|---|{'---|' * len(ROWS)}")
    for number in (1, 2, 4, 8):
        found = {mode: torch.zeros(2) for mode in ROWS}
        for draw in range(draws):
            rng = random.Random(draw)
            chosen = [i for pid in sorted(whole) for i in rng.sample(whole[pid], min(number, len(whole[pid])))]
            gallery, query = everyone[torch.tensor(sorted(chosen))], everyone[hidden]
            for mode in ROWS:
                found[mode] += torch.tensor(scores(model, query, gallery, replace(how, mode=mode))[:2]) / draws
        cells = [f"{mean_ap:.1f} / {first:.1f}" for mean_ap, first in (found[mode].tolist() for mode in ROWS)]
        print(f"| {number} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("sweep", "images"))
    parser.add_argument("run")
    parser.add_argument("--on", required=True, metavar="NAME=ROOT")
    parser.add_argument("--masks", required=True, help="a folder of masks, or exact: an oracle")
    parser.add_argument("--k", type=int)
    parser.add_argument("--theta", type=float)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    model = load_model(given.run)
    assert isinstance(model, OrGnn)
    changes = {"k": given.k, "theta": given.theta}
    model.reconstruction = replace(model.reconstruction, **{k: v for k, v in changes.items() if v is not None})
    name, root = given.on.split("=", 1)
    if given.masks == "exact":
        print("ORACLE: exact masks of the test images\n")
    if given.what == "sweep":
        sweep(model, root, name, given.masks)
    else:
        images(model, root, name, given.masks, given.draws)


if __name__ == "__main__":
    main()
