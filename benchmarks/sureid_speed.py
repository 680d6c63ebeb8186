"""Throughput of SUReID at several kept shares p against the same network with all tokens, in one process.

Measured are: `baseline_vit` (the ordinary network, all tokens, whole blocks), `sureid` with p = 1 (all tokens; the last
block computed for the class token alone), `sureid` at each p, and p = 0.7 with tokens chosen at random instead of by
predictors. All take turns within a round; reported are medians over the rounds, ratios being taken within a round.
Weights are random: at a fixed budget speed does not depend on them.

    python benchmarks/sureid_speed.py --threads 1 --clock cpu --rounds 7         # a CPU that others use too
    python benchmarks/sureid_speed.py --device cuda --precision bf16 --compile   # GPU
"""

import argparse
import statistics
import time
from contextlib import nullcontext
from functools import partial

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from occreid.models import create_model
from occreid.nn.token_gather import gathered_forward

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Random:
    """Chooses tokens without looking."""

    def scores(self, x):
        """(B, N, C) → (B, N)."""
        return torch.rand(x.shape[:2], device=x.device)


def without_predictors(model, images):
    """The pruned network if its decisions were free."""
    choose = dict.fromkeys(model.prune_before, Random())
    x, _ = gathered_forward(model.layers(), choose, model.embed(images), model.counts, model.prefix)
    return model.neck(model.pooled(x))


def candidates(options):
    """Name → what turns images into features."""
    common = {"backbone": options.backbone, "pretrained": "none", "height": options.height, "width": options.width}

    def model(name="sureid", **more):
        torch.manual_seed(0)
        return create_model(name, 10, **common, **more).eval().to(options.device)

    def describe(network):
        call = torch.compile(network.describe) if options.compile else network.describe
        return lambda images: call(images).features

    calls = {"baseline_vit": describe(model("baseline_vit")), "p = 1": describe(model(keep_ratio=1.0, noda=False))}
    for p in options.ratios:
        calls[f"p = {p:g}"] = describe(model(keep_ratio=p, noda=False))
    calls["p = 0.7, free decisions"] = partial(without_predictors, model(keep_ratio=0.7, noda=False))
    return calls


def flops(call, images):
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        call(images)
    return counter.get_total_flops() / len(images)


def timed(call, images, options):
    if options.device == "cuda":
        torch.cuda.synchronize()
    start = CLOCKS[options.clock]()
    for _ in range(options.repeats):
        call(images)
    if options.device == "cuda":
        torch.cuda.synchronize()
    return (CLOCKS[options.clock]() - start) / options.repeats


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="deit_small_patch16_224")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.5, 0.6, 0.7, 0.8, 0.9])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1, help="passes timed together")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    parser.add_argument("--compile", action="store_true", help="torch.compile every network")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = torch.rand(options.batch, 3, options.height, options.width, device=options.device)
    calls = candidates(options)
    precision = nullcontext() if options.precision == "float32" else torch.autocast(options.device, torch.bfloat16)
    with torch.inference_mode(), precision:
        counted = {} if options.compile else {name: flops(call, images[:2]) for name, call in calls.items()}
        for call in calls.values():
            call(images)
        rounds = [{name: timed(call, images, options) for name, call in calls.items()} for _ in range(options.rounds)]
    print(f"{options.backbone}, {options.height}×{options.width}, batch {options.batch}, {options.device}, ", end="")
    print(f"{options.threads} threads, {options.precision}, {options.clock} time, {options.rounds} rounds")
    print(
        "| | images/s | × baseline_vit | × p = 1 | FLOPs × baseline_vit | GFLOPs an image |\n|---|---|---|---|---|---|"
    )
    for name in calls:
        seconds = statistics.median(r[name] for r in rounds)
        vit, whole = (sorted(r[reference] / r[name] for r in rounds) for reference in ("baseline_vit", "p = 1"))
        spread = f"{statistics.median(vit):.2f} ({vit[0]:.2f} to {vit[-1]:.2f})"
        shown = [f"{options.batch / seconds:.1f}", spread, f"{statistics.median(whole):.2f}"]
        shown += (
            [f"{counted['baseline_vit'] / counted[name]:.2f}", f"{counted[name] / 1e9:.2f}"] if counted else ["", ""]
        )
        print(f"| {name} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
