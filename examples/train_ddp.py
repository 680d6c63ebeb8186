"""One training on two processes (DDP), here on the CPU: the same as on two GPUs, only slow.

Example: python examples/train_ddp.py --out runs/ddp

Each process draws p persons × k pictures of its own, no person twice in a step, and gradients are averaged: the batch
is twice as large. On a machine with GPUs leave training.accelerator out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from occreid import UserError
from occreid.synth import generate
from occreid.training import load_recipe, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/ddp"), help="the run folder to write")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()

    people = arguments.out.with_name(f"{arguments.out.name}-people")
    root = people if people.exists() else generate(people, size="tiny", seed=0)
    recipe = load_recipe(
        "baseline/occsynth_tiny",
        [f"data.root={root}", f"training.devices={arguments.processes}", "training.accelerator=cpu"],
    )
    train(recipe, arguments.out)
    if (arguments.out / "result.json").is_file():  # the first process writes it
        (entry,) = json.loads((arguments.out / "result.json").read_text(encoding="utf-8"))["benchmarks"]
        print({name: round(score, 3) for name, score in entry["scores"].items()})


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
