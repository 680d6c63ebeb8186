"""Measuring a list of models at several batch sizes and precisions, and what the table says."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from occreid.bench.costs import Costs, costs
from occreid.bench.models import Model, prepare
from occreid.bench.timing import Speed, interleave
from occreid.errors import UserError, did_you_mean
from occreid.extraction import AskedPrecision, way_for
from occreid.extraction.fastest import check_asked
from occreid.files import read_text
from occreid.models.weights import versions
from occreid.nn.computing import MemoryFormat

Clock = Literal["wall", "cpu"]


@dataclass(frozen=True, slots=True)
class Line:
    """One model at one batch size and precision."""

    model: Model
    size: tuple[int, int]
    batch_size: int
    precision: str
    speed: Speed
    costs: Costs


def measure(
    models: Sequence[Model],
    *,
    batch_sizes: Sequence[int] = (32,),
    precisions: Sequence[AskedPrecision] = ("float32",),
    against: str | None = None,
    device: torch.device | str = "cpu",
    compiled: bool = False,
    channels_last: bool = False,
    rounds: int = 10,
    warmup: int = 2,
    shortest: float = 0.2,
    clock: Clock = "wall",
    threads: int | None = None,
) -> list[Line]:
    """Time all models, interleaved, at each batch size and precision.

    Args:
        models: with names that differ.
        batch_sizes: images at once.
        precisions: of ``float32``, ``bfloat16``, ``float16``, ``auto``: what is fastest here, memory format included.
        against: name of the model that ratios are to; left out, the first.
        device: where everything runs.
        compiled: see `prepare`.
        channels_last: the memory format of weights and images, where the precision is not ``auto``.
        rounds: see `interleave`; so are the next three.
        warmup: calls before anything is timed.
        shortest: seconds a turn lasts at least.
        clock: ``"wall"``, the time that passes, or ``"cpu"``, this process's, on a CPU that others use.
        threads: of the CPU; None: as many as now.

    Raises:
        UserError: no model, two of one name, an unknown precision, name or clock, a clock that cannot time the device,
            or what building a model raises.
    """
    names, device = [model.name for model in models], torch.device(device)
    if not names or len(set(names)) < len(names):
        raise UserError("there is no model to time." if not names else "two models have one name.", "Name each once.")
    for precision in precisions:
        check_asked(precision, device)
    if against is not None and against not in names:
        raise UserError(f"no model is called '{against}'.", did_you_mean(against, names))
    if clock not in ("wall", "cpu"):
        raise UserError(f"there is no clock '{clock}'.", "Choose wall or cpu.")
    if clock == "cpu" and device.type != "cpu":
        raise UserError(f"the clock cpu cannot time {device}.", "Choose the clock wall.")
    timed: dict[str, Any] = {"against": against, "device": device, "rounds": rounds, "warmup": warmup}
    timed |= {"shortest": shortest, **({"clock": time.process_time} if clock == "cpu" else {})}
    built = {model.name: model.build().to(device) for model in models}
    memory_format: MemoryFormat = "channels_last" if channels_last else "contiguous"
    lines = []
    with threads_of(threads):
        for batch_size in batch_sizes:
            images = {name: _images(method.input_size, batch_size, device) for name, method in built.items()}
            for precision in precisions:
                ways = {n: way_for(m, device, precision, memory_format, batch_size) for n, m in built.items()}
                calls = {n: prepare(m, images[n], way=ways[n], compiled=compiled) for n, m in built.items()}
                speeds = interleave(calls, batch_size, **timed)
                for model in models:
                    name = model.name
                    spent = costs(built[name], images[name], call=calls[name])
                    computed = " ".join(reversed(ways[name])) if precision == "auto" else precision
                    lines.append(Line(model, built[name].input_size, batch_size, computed, speeds[name], spent))
    return lines


@contextmanager
def threads_of(threads: int | None) -> Iterator[None]:
    """So many threads of the CPU inside; None: as many as outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def rows(lines: Sequence[Line], against: str | None = None) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table; the paper's column only where there is a published figure."""
    papers = any(line.model.paper is not None for line in lines)
    several = len({line.model.name for line in lines}) > 1
    head = ["", "size", "batch", "precision", "images/s", "quartiles"]
    head += [f"× {against or lines[0].model.name}"] if several else []
    head += ["parameters", "GFLOPs/image", "peak memory"] + (["paper images/s"] if papers else [])
    found = []
    for line in lines:
        speed, spent = line.speed, line.costs
        row = [line.model.name, f"{line.size[0]}×{line.size[1]}", str(line.batch_size), line.precision]
        row += [_rate(speed.rate), f"{_rate(speed.low)}–{_rate(speed.high)}"]
        row += [f"{speed.ratio:.2f}"] if several else []
        row += [
            f"{spent.parameters / 1e6:.1f} M",
            "–" if spent.flops is None else f"{spent.flops / 1e9:.2f}",
            "–" if spent.memory is None else f"{spent.memory / 2**20:,.0f} MiB",
        ]
        row += ["–" if line.model.paper is None else f"{line.model.paper:g}"] if papers else []
        found.append(row)
    return head, found


def facts(device: torch.device, threads: int | None = None) -> dict[str, str]:
    """What the figures depend on: hardware and versions."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    used = "" if device.type == "cuda" else f", {threads or torch.get_num_threads()} threads"
    return {"device": f"{name}{used}", **versions()}


def as_json(lines: Sequence[Line], about: dict[str, Any]) -> dict[str, Any]:
    """Everything measured, for a file."""
    return {
        **about,
        "lines": [
            {
                **asdict(line.model),
                "size": list(line.size),
                "batch_size": line.batch_size,
                "precision": line.precision,
                "images_per_second": line.speed.rate,
                "quartiles": [line.speed.low, line.speed.high],
                "ratio": line.speed.ratio,
                "seconds_per_call": list(line.speed.rounds),
                **asdict(line.costs),
            }
            for line in lines
        ],
    }


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = read_text(info).splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _images(size: tuple[int, int], batch_size: int, device: torch.device | str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch_size, 3, *size), generator=generator, dtype=torch.uint8).to(device)
