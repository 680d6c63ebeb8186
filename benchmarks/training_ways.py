"""What precision and memory format are worth in training, as ratios to float32 contiguous in one run.

    python benchmarks/training_ways.py --backbone resnet50 --height 256 --width 128 --threads 1
    python benchmarks/training_ways.py --curves 200 --data data/market1501-mini

The first times forward, backward and optimiser step of each way, interleaved in rounds; each figure is the quickest
round. The second trains each way from the same weights on the same batches, float32 contiguous also from other weights,
and prints the mean loss of every quarter: ways differ less than seeds do, or something is wrong.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from occreid.data import load_benchmark
from occreid.data.loading.loaders import train_loader
from occreid.data.loading.transforms import TrainTransform
from occreid.methods import Method
from occreid.models import create_model
from occreid.nn.computing import MEMORY_FORMATS, PLAIN, Computing, ways
from occreid.records import Batch, class_indices


def random_batch(options: argparse.Namespace) -> Batch:
    """P × K random pictures."""
    generator, size = torch.Generator().manual_seed(0), options.p * options.k
    return Batch(
        images=torch.randint(0, 256, (size, 3, options.height, options.width), dtype=torch.uint8, generator=generator),
        labels=torch.arange(options.p).repeat_interleave(options.k),
        camids=torch.zeros(size, dtype=torch.int64),
        indices=torch.arange(size),
    )


def build(options: argparse.Namespace, classes: int, seed: int = 0) -> Method:
    """The baseline from random weights."""
    torch.manual_seed(seed)
    return create_model(options.method, classes, backbone=options.backbone, pretrained="none")


def stepper(model: Method, way: Computing, device: torch.device) -> Callable[[Batch], float]:
    """One training step in a way; gives the loss."""
    memory_format = MEMORY_FORMATS[way.memory_format]
    model = model.to(device).to(memory_format=memory_format).train()
    optimizer = torch.optim.Adam(model.parameters(), 3.5e-4, fused=True)

    def step(batch: Batch) -> float:
        with torch.autocast(device.type, getattr(torch, way.precision), enabled=way.precision != "float32"):
            loss = torch.stack([value.float() for value in model.losses(batch).values()]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def said(way: Computing) -> str:
    """A way in words."""
    return f"{way.precision}, {way.memory_format.replace('_', ' ')}"


def all_ways(device: torch.device) -> list[Computing]:
    """What the device computes, float32 contiguous first."""
    return ways(device, ["contiguous", "channels_last"], ["float32", "bfloat16", "float16"])


def speeds(options: argparse.Namespace, device: torch.device) -> None:
    """Ratios of time."""
    plain = random_batch(options).to(device)
    steps, batches = {}, {}
    for way in all_ways(device):
        steps[way] = stepper(build(options, options.p), way, device)
        formatted = plain.images.contiguous(memory_format=MEMORY_FORMATS[way.memory_format])
        batches[way] = Batch(formatted, plain.labels, plain.camids, plain.indices)
        steps[way](batches[way])
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(options.rounds):
        for way, step in steps.items():
            start = time.process_time() if options.clock == "cpu" else time.perf_counter()
            step(batches[way])
            stop = time.process_time() if options.clock == "cpu" else time.perf_counter()
            best[way] = min(best[way], stop - start)
    print(
        f"{options.method} {options.backbone} {options.height}×{options.width}, batch {len(plain)}, {device}, "
        f"{torch.get_num_threads()} thread(s), {options.clock} time, quickest of {options.rounds} rounds\n"
    )
    print("| | images/s | × float32 contiguous |\n|---|---|---|")
    for way, seconds in best.items():
        print(f"| {said(way)} | {len(plain) / seconds:.1f} | {best[PLAIN] / seconds:.2f} |", flush=True)


def batches_of(options: argparse.Namespace, *, channels_last: bool) -> Iterator[Batch]:
    """The same batches for every way, as the loader makes them."""
    records = load_benchmark("market1501", options.data, strict=False).train
    loader = train_loader(
        records,
        p=options.p,
        k=options.k,
        seed=0,
        transform=TrainTransform(options.height, options.width),
        channels_last=channels_last,
        steps=options.curves,
    )
    return iter(loader)


def curves(options: argparse.Namespace, device: torch.device) -> None:
    """Mean loss of each quarter of the steps."""
    classes = len(class_indices(load_benchmark("market1501", options.data, strict=False).train))
    runs = [(said(way), way, 0) for way in all_ways(device)]
    runs += [(f"{said(PLAIN)}, other weights {seed}", PLAIN, seed) for seed in (1, 2)]
    print(
        f"{options.method} {options.backbone} {options.height}×{options.width}, batch {options.p * options.k}, "
        f"{device}, {options.curves} steps of Adam\n"
    )
    print("| mean loss of steps | " + " | ".join(["1st quarter", "2nd", "3rd", "4th"]) + " |\n|---|---|---|---|---|")
    for name, way, seed in runs:
        step = stepper(build(options, classes, seed), way, device)
        loader = batches_of(options, channels_last=way.memory_format == "channels_last")
        losses = []
        for number, batch in enumerate(itertools.islice(loader, options.curves)):
            torch.manual_seed(number)
            losses.append(step(batch.to(device)))
        means = " | ".join(f"{part.mean():.3f}" for part in np.array_split(np.array(losses), 4))
        print(f"| {name} | {means} |", flush=True)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="baseline")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--p", type=int, default=8)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--curves", type=int, default=0, metavar="STEPS", help="compare losses instead of speeds")
    parser.add_argument("--data", help="a folder in Market-1501's layout, for --curves")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    if options.curves:
        curves(options, device)
    else:
        speeds(options, device)


if __name__ == "__main__":
    main()
