"""HAN's 21 heads: batched products over pooled stripes against 21 separate modules on 21 cut-out windows.

Both sides run in this process on the same input, interleaved in rounds; reported are the medians over the rounds and
the median of the rounds' ratios. Forward and backward hold the 21 ID and 6 triplet losses; the training step adds
the SGD of a training on a CPU; inference is the descriptor. Left to itself the input is the fused feature map,
so that the heads alone are timed; ``--whole`` starts from images. On a CPU that others use too, ``--clock cpu`` counts
this process's own time.

    OMP_NUM_THREADS=1 python benchmarks/han_heads.py
    OMP_NUM_THREADS=1 python benchmarks/han_heads.py --whole --rounds 3 --clock cpu
"""

import argparse
import os
import statistics
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from occreid.descriptors import Descriptors
from occreid.methods.han import HAN
from occreid.nn import window_spans
from occreid.records import Batch
from occreid.training.module import make_optimizer
from occreid.training.recipe import OptimizerSection


class SeparateHead(nn.Module):
    """One window's head, as one writes it first."""

    def __init__(self, channels, classes):
        super().__init__()
        self.maximum, self.mean = nn.AdaptiveMaxPool2d(1), nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Sequential(
            nn.Conv2d(2 * channels, 256, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.1, inplace=True)
        )
        self.linear, self.norm = nn.Linear(256, 512), nn.BatchNorm1d(512)
        self.classifier = nn.Linear(512, classes, bias=False)

    def forward(self, window):
        """(B, C, h, W) → (B, 512) before and after the last norm."""
        pooled = torch.cat([self.maximum(window), self.mean(window)], 1)
        feature = self.linear(self.reduce(pooled).flatten(1))
        return feature, self.norm(feature)


class Separate(HAN):
    """HAN with a list of heads, each cutting its window out of the map."""

    def __init__(self, num_classes, **options):
        super().__init__(num_classes, **options)
        channels = self.extractor.reduce.weight.shape[2] // 2
        del self.extractor, self.norm, self.classifier
        self.heads = nn.ModuleList(SeparateHead(channels, num_classes) for _ in window_spans(self.k))

    def features(self, images):
        """One pair of features a window."""
        fused = self.fused(images)
        h = fused.shape[2] // self.k
        windows = [fused[:, :, top * h : bottom * h] for top, bottom in window_spans(self.k)]
        return [head(window) for head, window in zip(self.heads, windows, strict=True)]

    def losses(self, batch):
        """Eq. 5, loss by loss."""
        found = self.features(batch.images)
        ids = [
            cross_entropy(head.classifier(after), batch.labels, label_smoothing=self.label_smoothing)
            for head, (_, after) in zip(self.heads, found, strict=True)
        ]
        triplets, first = [], 0
        for level in range(1, self.k + 1):
            features = torch.cat([before for before, _ in found[first : first + level]], 1)
            triplets.append(self.triplet(features, batch.labels))
            first += level
        return {"id": sum(ids) / len(ids), "triplet": sum(triplets) / len(triplets)}

    def describe(self, images, masks=None):
        """As HAN's."""
        return Descriptors(normalize(torch.cat([after for _, after in self.features(images)], 1), dim=1))


class GivenMap:
    """Takes the fused map instead of images: only the heads are left to time."""

    def fused(self, images):
        """What is given."""
        return images


class BatchedHeads(GivenMap, HAN):
    """Our heads alone."""


class SeparateHeads(GivenMap, Separate):
    """The separate heads alone."""


def make_input(options):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(options.batch) // 4
    if options.whole:
        shape = (options.batch, 3, options.height, options.width)
        given = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    else:
        shape = (options.batch, options.channels, options.height // 16, options.width // 16)
        given = torch.randn(shape, generator=generator).relu_().requires_grad_()  # as behind a backbone that learns
    return Batch(given, labels, torch.zeros_like(labels), torch.arange(options.batch))


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def train_step(model, optimizer, batch, clock):
    """Seconds of forward and backward, and of these with the optimiser."""
    optimizer.zero_grad()
    batch.images.grad = None  # a given map is no leaf behind a backbone: nothing is added up there
    start = clock()
    sum(model.losses(batch).values()).backward()
    between = clock()
    optimizer.step()
    return between - start, clock() - start


@torch.no_grad()
def infer(model, batch, clock):
    start = clock()
    model.describe(batch.images)
    return clock() - start


def measure(models, batch, options):
    """Seconds of each kind, (ours, separate) round by round; one round warms up."""
    section, clock = OptimizerSection(name="sgd", lr=0.01, nesterov=True), CLOCKS[options.clock]
    device = torch.device("cpu")
    optimizers = [make_optimizer(section, [{"params": list(model.parameters())}], device) for model in models]
    seconds = {"forward and backward": [], "training step": [], "inference": []}
    for _ in range(options.rounds + 1):
        steps = [train_step(m.train(), o, batch, clock) for m, o in zip(models, optimizers, strict=True)]
        for name, row in zip(seconds, zip(*steps, strict=True), strict=False):
            seconds[name].append(row)
        seconds["inference"].append([infer(m.eval(), batch, clock) for m in models])
    return {name: rows[1:] for name, rows in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="store_true", help="time the whole method, backbone included")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--classes", type=int, default=751)
    parser.add_argument("--clock", default="wall", choices=tuple(CLOCKS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "0")))
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    kinds = (HAN, Separate) if options.whole else (BatchedHeads, SeparateHeads)
    shape = {"height": options.height, "width": options.width}
    models = [kind(options.classes, backbone=options.backbone, pretrained="none", **shape) for kind in kinds]
    options.channels = models[0].extractor.reduce.weight.shape[2] // 2
    what = "whole method" if options.whole else "heads alone"
    print(
        f"{what}, {options.backbone}, {options.height}×{options.width}, batch {options.batch}, {options.classes} "
        f"identities, {torch.get_num_threads()} CPU thread(s), {options.rounds} rounds, {options.clock} time"
    )
    for name, rows in measure(models, make_input(options), options).items():
        ours, separate = (statistics.median(column) for column in zip(*rows, strict=True))
        ratios = [b / a for a, b in rows]
        print(
            f"{name:20} batched {1000 * ours:8.1f} ms, separate {1000 * separate:8.1f} ms, "
            f"ratio {statistics.median(ratios):5.1f} (range {min(ratios):.1f} to {max(ratios):.1f})"
        )


if __name__ == "__main__":
    main()
