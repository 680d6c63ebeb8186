"""What SSGR's components cost: a training step, and a description, with each as a ratio to the network without any.

All variants take turns in this process; each round times one turn of every variant. Reported are the medians over
the rounds and the median of the rounds' ratios. On a CPU that others use too, `--clock cpu` counts the processor
time of this process instead of the time that passes.

    python benchmarks/ssgr_cost.py                               # CPU
    python benchmarks/ssgr_cost.py --device cuda --backbone resnet50 --height 384 --width 128 --p 16 --steps 10
"""

import argparse
import os
import statistics
import time

import torch

from occreid.models import create_model
from occreid.records import Batch

NONE = {"cbe": False, "bed": False, "dnl": False, "rp": False, "me": False, "non_local": False}
VARIANTS = {
    "none": NONE,
    "plain non-local": {**NONE, "non_local": True},
    "DNL": {**NONE, "dnl": True},
    "DNL, reduction 2": {**NONE, "dnl": True, "dnl_reduction": 2},
    "RP": {**NONE, "rp": True},
    "BED": {**NONE, "bed": True},
    "CBE": {**NONE, "cbe": True},
    "all": {},
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def make_batch(options):
    generator = torch.Generator().manual_seed(0)
    images = options.p * options.k
    shape = (images, 3, options.height, options.width)
    return Batch(
        images=torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        labels=torch.arange(options.p).repeat_interleave(options.k),
        camids=torch.zeros(images, dtype=torch.int64),
        indices=torch.arange(images),
    ).to(options.device)


class Variant:
    """A model with its optimiser, able to take training steps and to describe."""

    def __init__(self, options, chosen):
        torch.manual_seed(0)
        self.device, self.clock = options.device, CLOCKS[options.clock]
        self.model = create_model("ssgr", options.p, backbone=options.backbone, pretrained="none", **chosen)
        self.model.to(options.device)
        self.optimizer = torch.optim.Adam([p for p in self.model.parameters() if p.requires_grad])
        self.generator = torch.Generator().manual_seed(1)

    def step(self, batch):
        """One training step, compound erasing included."""
        self.model.train()
        self.optimizer.zero_grad()
        sum(self.model.losses(self.model.augment(batch, self.generator)).values()).backward()
        self.optimizer.step()

    @torch.no_grad()
    def describe(self, batch):
        """Descriptors of the batch."""
        self.model.eval().describe(batch.images)

    def seconds(self, work, batch, times):
        """Seconds that one of ``times`` calls took on average."""
        self.wait()
        start = self.clock()
        for _ in range(times):
            work(self, batch)
        self.wait()
        return (self.clock() - start) / times

    def wait(self):
        """Until the device has finished."""
        if self.device == "cuda":
            torch.cuda.synchronize()


def measure(variants, work, batch, options):
    """Variant → seconds of each round; a first round, not kept, warms all up."""
    rounds = [
        {name: variant.seconds(work, batch, options.steps) for name, variant in variants.items()}
        for _ in range(options.rounds + 1)
    ][1:]
    return {name: [seconds[name] for seconds in rounds] for name in variants}


def table(title, seconds):
    print(f"{title:24}{'ms':>9}{'ratio':>8}   range of the ratios")
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(times, seconds["none"], strict=True)]
        middle, shown = 1000 * statistics.median(times), f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:24}{middle:9.1f}{statistics.median(ratios):8.2f}   {shown}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--p", type=int, default=4)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--clock", default="wall", choices=tuple(CLOCKS))
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "0")))
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    batch = make_batch(options)
    variants = {name: Variant(options, chosen) for name, chosen in VARIANTS.items()}
    name = torch.cuda.get_device_name() if options.device == "cuda" else f"{torch.get_num_threads()} CPU thread(s)"
    print(
        f"ssgr {options.backbone} {options.height}×{options.width}, batch {len(batch)}, stride 1, float32, {name}; "
        f"{options.rounds} rounds of {options.steps} step(s), {options.clock} time"
    )
    table("training step with", measure(variants, Variant.step, batch, options))
    chosen = {name: variants[name] for name in ("none", "plain non-local", "DNL", "DNL, reduction 2", "all")}
    table("description with", measure(chosen, Variant.describe, batch, options))


if __name__ == "__main__":
    main()
