"""What denormal numbers cost a training step, as a ratio in one run.

    python benchmarks/denormals.py
    python benchmarks/denormals.py --checkpoint runs/long/checkpoints/last.ckpt

Forward and backward of the baseline on EfficientNet-Lite0, denormal numbers kept and taken for 0, in turns; each figure
is the quickest round. Without a checkpoint a share of the units of the last two stages is given weights as a long
weight decay leaves them: so small that their products are denormal.
"""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext

import torch

from occreid.methods import Method
from occreid.models import create_model
from occreid.nn.denormals import flushing_denormals
from occreid.records import Batch


def network(options: argparse.Namespace) -> Method:
    """The baseline, with a checkpoint's weights or some that have decayed."""
    torch.manual_seed(0)
    weights = {}
    if options.checkpoint:
        weights = torch.load(options.checkpoint, map_location="cpu", weights_only=True)["model"]
    classes = len(weights["neck.classifier.weight"]) if weights else 16
    model = create_model(
        "baseline", classes, backbone=options.backbone, pretrained="none", pooling="gem", metric_loss="contrastive"
    )
    if weights:
        model.load_state_dict(weights)
    else:
        for name, weight in model.named_parameters():
            if weight.dim() == 4 and name.startswith(("backbone.blocks.5", "backbone.blocks.6")):
                decayed = torch.rand(len(weight)) < options.decayed
                weight.data[decayed] *= 1e-38
    return model.train().to(memory_format=torch.channels_last)


def main() -> None:
    """Parse, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--checkpoint", help="checkpoints/last.ckpt of a baseline's run on that network")
    parser.add_argument("--decayed", type=float, default=0.05, help="share of units, without a checkpoint")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = network(options)
    weights = torch.cat([p.detach().abs().flatten() for p in model.parameters()])
    small = ((weights > 0) & (weights < torch.finfo(torch.float32).tiny)).sum().item()
    images = torch.randint(0, 256, (64, 3, 128, 64), dtype=torch.uint8).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(16).repeat_interleave(4)
    batch = Batch(images, labels, torch.zeros(64, dtype=torch.int64), torch.arange(64))
    best = {"kept": float("inf"), "taken for 0": float("inf")}
    for _ in range(options.rounds):
        for way in best:
            with flushing_denormals() if way == "taken for 0" else nullcontext():
                start = time.process_time()
                torch.stack(list(model.losses(batch).values())).sum().backward()
                best[way] = min(best[way], time.process_time() - start)
    print(f"{small:,} of {len(weights):,} weights are denormal; one thread's processor time, 64 pictures of 128×64\n")
    print("| denormal numbers | images/s | ratio |\n|---|---|---|")
    for way, seconds in best.items():
        print(f"| {way} | {64 / seconds:.1f} | {best['kept'] / seconds:.2f} |")


if __name__ == "__main__":
    main()
