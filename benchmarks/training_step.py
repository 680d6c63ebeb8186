"""Training step of occreid against a bare PyTorch loop over the same network, tensors and optimiser.

Both run in this process, interleaved in rounds; each round times `--steps` steps of each. Reported are the
medians over the rounds and the median of the rounds' ratios. On a CPU that others use too, `--clock cpu`
counts the processor time of this process instead of the time that passes.

    python benchmarks/training_step.py                              # CPU
    python benchmarks/training_step.py --device cuda --backbone resnet50 --height 256 --width 128 --p 16
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import torch

from occreid.models import create_model
from occreid.records import Batch, Record
from occreid.training.devices import Devices
from occreid.training.fit import fit
from occreid.training.module import Leg, TrainingModule, make_optimizer
from occreid.training.recipe_files import parse_recipe
from occreid.training.seeding import derived_seed, seed_globals


class Fixed(torch.utils.data.Dataset):
    """The same batches again and again: loading is no part of what is measured."""

    def __init__(self, batches, length):
        self.batches, self.length = batches, length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return self.batches[index % len(self.batches)]


class Loader(torch.utils.data.DataLoader):
    """Without epochs: its batches never change."""

    def set_epoch(self, epoch):
        """Nothing to choose."""


def make_batches(options, device):
    generator = torch.Generator().manual_seed(0)
    batch = options.p * options.k
    shape = (batch, 3, options.height, options.width)
    return [
        Batch(
            images=torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).to(device),
            labels=torch.arange(options.p).repeat_interleave(options.k).to(device),
            camids=torch.zeros(batch, dtype=torch.int64, device=device),
            indices=torch.arange(batch, device=device),
        )
        for _ in range(4)
    ]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def bare(model, optimizer, scaler, batches, options):
    """The shortest loop a person would write for this network."""
    model.train()
    precision = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(options.precision)
    synchronize(options.device)
    start = CLOCKS[options.clock]()
    for step in range(options.steps):
        batch = batches[step % len(batches)]
        optimizer.zero_grad()
        with torch.autocast(options.device, precision, enabled=precision is not None):
            loss = sum(model.losses(batch).values())
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    synchronize(options.device)
    return (CLOCKS[options.clock]() - start) / options.steps


class Timed(TrainingModule):
    """Our module over the fixed batches; times each epoch from its first batch to its last."""

    batches: list
    steps: int

    def train_dataloader(self):
        """The fixed batches."""
        self.loader = Loader(Fixed(self.batches, self.steps), batch_size=None)
        return self.loader

    def on_train_epoch_start(self):
        """Let the bare loop run first, then start the clock."""
        super().on_train_epoch_start()
        self.between()
        synchronize(self.device.type)
        self.started = self.clock()

    def on_train_epoch_end(self):
        """Stop the clock."""
        self.mean_losses()
        synchronize(self.device.type)
        self.seconds.append((self.clock() - self.started) / self.steps)
        super().on_train_epoch_end()


def recipe_of(options):
    return parse_recipe(
        {
            "method": {"name": options.method, "options": {"backbone": options.backbone, "pretrained": "none"}},
            "data": {"name": "none", "root": "none", "height": options.height, "width": options.width},
            "training": {"epochs": options.rounds + 1, "precision": options.precision, "accelerator": options.device},
        }
    )


def build(recipe, options):
    seed_globals(derived_seed(0))
    return create_model(recipe.method.name, options.p, **recipe.method.options).to(options.device)


def measure(options):
    """Seconds a step of the bare loop and of ours, round by round; the first round warms both up."""
    recipe, batches = recipe_of(options), make_batches(options, options.device)
    reference, model = build(recipe, options), build(recipe, options)
    optimizer = make_optimizer(recipe.optimizer, reference.parameter_groups(recipe.optimizer.lr))
    scaler = torch.amp.GradScaler(options.device, enabled=options.precision == "fp16")
    records = [Record(Path(f"{index}.png"), index, 0) for index in range(options.p * options.k)]
    bare_seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        module = Timed(model, Leg(model.stages()[0], 0, options.rounds + 1), recipe, records, Path(folder))
        module.batches, module.steps, module.seconds = batches, options.steps, []
        module.clock = CLOCKS[options.clock]
        module.between = lambda: bare_seconds.append(bare(reference, optimizer, scaler, batches, options))
        fit(module, recipe.training, Devices(options.device, 1))
    return bare_seconds[1:], module.seconds[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="baseline")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--p", type=int, default=8)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--precision", default="float32", choices=("float32", "bf16", "fp16"))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--clock", default="wall", choices=tuple(CLOCKS))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "0")))
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    bare_seconds, ours = measure(options)
    ratios = [b / a for a, b in zip(bare_seconds, ours, strict=True)]
    name = torch.cuda.get_device_name() if options.device == "cuda" else f"{torch.get_num_threads()} CPU thread(s)"
    print(
        f"{options.method} {options.backbone} {options.height}×{options.width}, batch {options.p * options.k}, "
        f"{options.precision}, {name}; {options.rounds} rounds of {options.steps} steps, "
        f"{options.clock} time"
    )
    print(f"bare loop  {1000 * statistics.median(bare_seconds):8.2f} ms/step")
    print(f"occreid    {1000 * statistics.median(ours):8.2f} ms/step")
    print(f"ratio      {statistics.median(ratios):8.3f}  (range {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
