"""Images a second of HPNet, of HPNet with one Conv5 for all parts, and of its global baseline.

All describe the same batch in one process, interleaved in rounds; reported are medians over the rounds and the medians
of the rounds' ratios to the baseline. ``--clock cpu`` counts processor time, for a machine that others use too.

    python benchmarks/hpnet_speed.py                                          # ResNet-18, 128×64, on the CPU
    python benchmarks/hpnet_speed.py --backbone resnet50 --height 384 --width 128 --batch 4
"""

import argparse
import statistics
import time

import torch

from occreid.models import create_model

ROWS = {
    "baseline (one branch, no parsing)": {"parsing": False},
    "hpnet, share_conv5": {"share_conv5": True},
    "hpnet": {},
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    return parser.parse_args()


@torch.no_grad()
def seconds(model, images, options):
    """Time of one call of `describe`."""
    if options.device == "cuda":
        torch.cuda.synchronize()
    start = CLOCKS[options.clock]()
    model.describe(images)
    if options.device == "cuda":
        torch.cuda.synchronize()
    return CLOCKS[options.clock]() - start


def main():
    options = parse_arguments()
    models = {
        name: create_model("hpnet", 100, backbone=options.backbone, pretrained="none", **switches)
        .eval()
        .to(options.device)
        for name, switches in ROWS.items()
    }
    shape = (options.batch, 3, options.height, options.width)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = images.to(options.device)
    times = {name: [] for name in models}
    for turn in range(options.rounds + 1):
        for name, model in models.items():
            passed = seconds(model, images, options)
            if turn:  # the first round warms up
                times[name].append(passed)
    base = times[next(iter(ROWS))]
    print(f"{options.backbone}, {options.height}×{options.width}, batch {options.batch}, {options.clock} time")
    for name, taken in times.items():
        ratio = statistics.median(one / other for one, other in zip(taken, base, strict=True))
        parameters = sum(p.numel() for p in models[name].parameters()) / 1e6
        rate = options.batch / statistics.median(taken)
        print(f"{name:36} {rate:8.1f} images/s  time × {ratio:.2f}  {parameters:.1f} M parameters")


if __name__ == "__main__":
    main()
