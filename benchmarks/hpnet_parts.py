"""How well a run of hpnet or parser finds body parts on occsynth, by how much of each part is really visible.

For every test image and part the truth is the exact mask and the exact visible fraction (visible pixels over the pixels
the part would have without occluders). Reported for each bin of the fraction: how many parts, the share that is called
visible, and the mean intersection over union of the part's mask. Above it, the same over all pixels of each part.

    python benchmarks/hpnet_parts.py runs/hpnet data/occsynth-demo
"""

import argparse
from pathlib import Path

import torch

from occreid.data import load_benchmark
from occreid.data.loading.loaders import eval_loader
from occreid.data.masks.visibility import part_areas
from occreid.models.contract import Method
from occreid.models.masker import part_labels
from occreid.models.weights import load_trained
from occreid.records import PART_NAMES

BINS = ((0.0, 0.0), (0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--batch", type=int, default=64)
    return parser.parse_args()


@torch.no_grad()
def measure(model, records, batch_size):
    """(N, 4) each: visible fraction, called visible, pixels in both masks, in either, whether the true one has any."""
    height, width = model.input_size
    rows = []
    for batch in eval_loader(records, height=height, width=width, batch_size=batch_size):
        labels = part_labels(model.parse(batch.images), height, width)
        drawn = part_areas(labels, len(PART_NAMES)) > 0  # a parser calls a part visible where it draws any of it
        called = model.describe(batch.images).visibility if isinstance(model, Method) else drawn
        both, either, there = [], [], []
        for part in range(1, len(PART_NAMES) + 1):
            truth, found = batch.masks == part, labels == part
            both.append((truth & found).flatten(1).sum(1))
            either.append((truth | found).flatten(1).sum(1))
            there.append(truth.flatten(1).any(1))
        rows.append((batch.visibility, called, *(torch.stack(column, 1) for column in (both, either, there))))
    return tuple(torch.cat(column) for column in zip(*rows, strict=True))


def in_bin(fraction, there, low, high):
    if high == 0:
        return ~there
    inside = (fraction > low) & (fraction <= high) if low else fraction <= high
    return inside & there


def main():
    options = parse_arguments()
    model, split = load_trained(options.run), load_benchmark("occsynth", options.root)
    fraction, called, both, either, there = measure(model, (*split.query, *split.gallery), options.batch)
    right, iou = called == there, both / either.clamp_min(1)
    whole = both.sum(0) / either.sum(0)
    print(f"mean IoU of the parts {100 * whole.mean():.1f} %:")
    print("  " + ", ".join(f"{n} {100 * r:.1f} %" for n, r in zip(PART_NAMES, whole, strict=True)))
    print(f"{len(fraction)} images; visibility right: {100 * right.float().mean():.1f} % of parts, by part:")
    print("  " + ", ".join(f"{n} {100 * r:.1f} %" for n, r in zip(PART_NAMES, right.float().mean(0), strict=True)))
    print(f"{'visible fraction':>20} {'parts':>6} {'called visible':>15} {'visibility right':>17} {'mean IoU':>9}")
    for low, high in BINS:
        chosen = in_bin(fraction, there, low, high)
        count = int(chosen.sum())
        name = "hidden" if high == 0 else f"{low:.2f} – {high:.2f}"
        if not count:
            print(f"{name:>20} {count:>6}")
            continue
        shares = f"{100 * called[chosen].float().mean():14.1f}% {100 * right[chosen].float().mean():16.1f}%"
        overlap = "" if high == 0 else f"{100 * iou[chosen].mean():8.1f}%"
        print(f"{name:>20} {count:>6} {shares} {overlap}")


if __name__ == "__main__":
    main()
