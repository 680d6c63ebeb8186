"""Everything that only a GPU can show, in one run and one table: ``make gpu-check``.

    python benchmarks/gpu_check.py                       # on a machine with a GPU; an hour at most
    python benchmarks/gpu_check.py --device cpu --small  # the rehearsal: the same steps, small, on the CPU

Each check is a process of its own, so that one that breaks leaves a row that says so and the others go on. Pictures are
generated; nothing is read but this checkout. The exit code is 1 where a check missed its goal.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).resolve()


class Row(NamedTuple):
    """A line of the table; ``met`` is None where there is no goal, or nothing to measure on."""

    what: str
    measured: str
    goal: str
    met: bool | None


def pictures(root: Path, size: tuple[int, int], persons: int) -> None:
    """Pictures in Market-1501's layout: noise around a colour of each person's own."""
    parts = (("bounding_box_train", range(1, persons + 1)), ("query", (901, 902)), ("bounding_box_test", (901, 902)))
    for folder, pids in parts:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for pid in pids:
            generator = np.random.default_rng(pid)
            colour = generator.integers(0, 256, 3)
            for number in range(4):
                pixels = np.clip(colour + generator.integers(-30, 31, (*size, 3)), 0, 255).astype(np.uint8)
                camera = 1 + (number % 2 if folder == "bounding_box_train" else folder == "bounding_box_test")
                Image.fromarray(pixels).save(root / folder / f"{pid:04}_c{camera}s1_{number:06}_00.png")


def sizes(small: bool) -> tuple[tuple[int, int], str]:
    """Image size and backbone."""
    return ((64, 32), "resnet18") if small else ((256, 128), "resnet50")


def tests(device: str, small: bool) -> list[Row]:
    """The tests that are marked ``gpu``."""
    call = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", str(HERE.parents[1] / "tests")]
    ended = subprocess.run(call, capture_output=True, text=True, cwd=HERE.parents[1])
    said = (ended.stdout.strip().splitlines() or ["nothing"])[-1].strip("= ")
    return [Row("tests marked gpu", said, "all pass", None if device == "cpu" else ended.returncode == 0)]


def epochs(device: str, small: bool) -> list[Row]:
    """An epoch in each precision, with and without compile."""
    from occreid.training import train
    from occreid.training.tables import Table

    size, backbone = sizes(small)
    rows, ids = [], 8 if small else 256
    precisions = ("float32", "bf16") if device == "cpu" else ("float32", "bf16", "fp16")
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder) / "data", size, ids)
        for precision in precisions:
            for compiled in (False, True):
                out = Path(folder) / f"{precision}-{compiled}"
                train(_recipe(Path(folder) / "data", size, backbone, device, precision, compiled), out, progress=False)
                last = Table(out / "log.csv").rows[-1]
                loss = float(last["loss"])
                name = f"epoch of {backbone}, {precision}{', compiled' if compiled else ''}"
                rows.append(
                    Row(name, f"loss {loss:.3f}, {last['images_per_second']} images/s", "finite", np.isfinite(loss))
                )
    return rows


def two_processes(device: str, small: bool) -> list[Row]:
    """One model on two devices, started as a user starts it."""
    from occreid.training.recipe_files import dump_recipe

    if device == "cuda" and torch.cuda.device_count() < 2:
        return [Row("two processes", f"{torch.cuda.device_count()} device", "two devices", None)]
    size, backbone = sizes(small)
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder) / "data", size, 16 if small else 256)
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text(dump_recipe(_recipe(Path(folder) / "data", size, backbone, device, "float32", False)))
        call = [sys.executable, "-m", "occreid", "train", str(recipe), "--set", "training.devices=2"]
        ended = subprocess.run([*call, "--out", f"{folder}/run"], capture_output=True, text=True)
        there = (Path(folder) / "run/result.json").is_file()
        said = "trained and tested" if there else (ended.stderr.strip().splitlines() or ["no result"])[-1][:80]
        return [Row("two processes", said, "trained and tested", ended.returncode == 0 and there)]


def _recipe(root: Path, size: tuple[int, int], backbone: str, device: str, precision: str, compiled: bool):
    from occreid.training.recipe_files import parse_recipe

    return parse_recipe(
        {
            "method": {"name": "baseline", "options": {"backbone": backbone, "pretrained": "none"}},
            "data": {"name": "market1501", "root": str(root), "options": {"strict": False}, "workers": 2}
            | {"height": size[0], "width": size[1], "p": 4 if size[0] < 100 else 16, "k": 4},
            "training": {"epochs": 2, "evaluate_every": 0, "accelerator": device, "precision": precision}
            | {"compile": compiled, "memory_format": "channels_last"},
        }
    )


def extraction(device: str, small: bool) -> list[Row]:
    """Descriptors on the device against the CPU's."""
    from occreid.extraction import extract
    from occreid.models import create_model
    from occreid.records import Record

    size, backbone = sizes(small)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder), size, 8 if small else 64)
        records = [Record(path, i, 0) for i, path in enumerate(sorted(Path(folder).glob("bounding_box_train/*.png")))]
        for name, options in (("baseline", {"backbone": backbone}), ("ssgr", {"backbone": backbone})):
            torch.manual_seed(0)
            model = create_model(name, 8, pretrained="none", **options)
            model.input_size = size
            here = extract(model, records, progress=False).features.flatten(1)
            for precision, most in (("float32", 1e-4), ("bfloat16", 0.05)):
                there = extract(model, records, device=device, precision=precision, progress=False).features.flatten(1)
                apart = float((1 - torch.cosine_similarity(here, there)).max())
                rows.append(
                    Row(
                        f"{name}, {precision}: cosine distance to the CPU", f"{apart:.1e}", f"≤ {most:g}", apart <= most
                    )
                )
    return rows


def ranking(device: str, small: bool) -> list[Row]:
    """Evaluation and re-ranking on the device against the CPU's figures."""
    from occreid.descriptors import Descriptors
    from occreid.retrieval import evaluate, rerank_k_reciprocal

    q, g = (100, 800) if small else (3368, 15913)
    generator = torch.Generator().manual_seed(0)

    def side(n: int) -> Descriptors:
        features = torch.randint(
            -3, 4, (n, 4, 64), generator=generator
        ).float()  # products are exact: ties must fall alike
        pids, camids = (torch.randint(0, top, (n,), generator=generator) for top in (100, 6))
        return Descriptors(features, torch.rand(n, 4, generator=generator) > 0.1, pids, camids)

    query, gallery = side(q), side(g)
    rows = []
    for metric in ("euclidean", "cosine", "visible_parts"):
        seconds, found = [], []
        for where in ("cpu", device):
            sides = query.to(where), gallery.to(where)
            start = time.perf_counter()
            found.append(evaluate(*sides, metric))
            seconds.append(time.perf_counter() - start)
        apart = abs(found[0].mean_ap - found[1].mean_ap)
        said = f"mAP differs by {apart:.0e}; {seconds[0]:.2f} s, {seconds[1]:.2f} s"
        rows.append(Row(f"evaluate {q:,} × {g:,}, {metric}, CPU and {device}", said, "≤ 1e-6", apart <= 1e-6))
    query, gallery = query[torch.arange(min(q, 500))], gallery[torch.arange(min(g, 3000))]
    here = rerank_k_reciprocal(query, gallery, "euclidean")
    there = rerank_k_reciprocal(query.to(device), gallery.to(device), "euclidean")
    apart = float((here - there).abs().max())
    return [*rows, Row(f"re-ranking, CPU and {device}: largest difference", f"{apart:.0e}", "≤ 1e-5", apart <= 1e-5)]


def ratios(device: str, small: bool) -> list[Row]:
    """SUReID's and HAN's throughput against the networks that they are built on."""
    from occreid.bench import Model, measure

    precision = "float32" if device == "cpu" else "bfloat16"
    batch = 4 if small else 128
    vit = "backbone=vit_tiny_patch16_224 height=64 width=32" if small else "backbone=deit_small_patch16_224"
    cnn = f"backbone={sizes(small)[1]}"
    pairs = (
        (f"sureid {vit} keep_ratio=0.7", f"baseline_vit {vit}", None if small else "≥ 1.3", 1.3, None),
        (f"han {cnn}", f"baseline {cnn}", None, 0.0, (96, 32) if small else (384, 128)),
    )
    rows = []
    for name, other, goal, least, size in pairs:
        models = [Model(words, *_parsed(words), size) for words in (other, name)]
        lines = measure(models, batch_sizes=(batch,), precisions=(precision,), device=device, rounds=3 if small else 10)
        ratio = lines[1].speed.ratio
        said = f"{ratio:.2f} × ({lines[1].speed.rate:,.0f} images/s)"
        rows.append(Row(f"{name} ÷ {other}, {precision}", said, goal or "–", None if goal is None else ratio >= least))
    return rows


def _parsed(words: str) -> tuple[str, dict]:
    from occreid.bench import Model

    model = Model.parse(words)
    return model.source, model.options


def onnx(device: str, small: bool) -> list[Row]:
    """An exported network under ONNX Runtime's provider for the device."""
    import onnxruntime

    from occreid.export import export_model
    from occreid.models import create_model

    provider = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        return [Row("ONNX", f"no {provider}: pip install onnxruntime-gpu", provider, None)]
    size, backbone = sizes(small)
    torch.manual_seed(0)
    model = create_model("baseline", 8, pretrained="none", backbone=backbone).eval()
    model.input_size = size
    images = torch.randint(0, 256, (8, 3, *size), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        export_model(model, Path(folder) / "a.onnx", images)
        session = onnxruntime.InferenceSession(f"{folder}/a.onnx", providers=[provider])
        found = session.run(None, {session.get_inputs()[0].name: images.numpy()})[0]
    with torch.no_grad():
        wanted = model.describe(images).features
    apart = float((1 - torch.cosine_similarity(torch.from_numpy(found).flatten(1), wanted.flatten(1))).max())
    used = session.get_providers()[0]
    return [
        Row(f"ONNX, {used}: cosine distance to PyTorch", f"{apart:.0e}", "≤ 1e-4", apart <= 1e-4 and used == provider)
    ]


CHECKS: dict[str, Callable[[str, bool], list[Row]]] = {
    "tests": tests,
    "extraction": extraction,
    "ranking": ranking,
    "ratios": ratios,
    "onnx": onnx,
    "epochs": epochs,
    "two_processes": two_processes,
}


def in_a_process(name: str, device: str, small: bool) -> list[Row]:
    """A check's rows, or one that says how it broke."""
    call = [sys.executable, str(HERE), "--only", name, "--device", device, *(["--small"] if small else [])]
    ended = subprocess.run(call, capture_output=True, text=True)
    lines = [line for line in ended.stdout.splitlines() if line.startswith("ROWS ")]
    if ended.returncode == 0 and lines:
        return [Row(*row) for row in json.loads(lines[-1].removeprefix("ROWS "))]
    return [Row(name, "broke: " + (ended.stderr.strip().splitlines() or ["no message"])[-1][:160], "–", False)]


def main() -> int:
    """Run all checks, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="small networks and few pictures: a rehearsal")
    parser.add_argument("--only", choices=tuple(CHECKS), help="one check, in this process")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device. Rehearse with: python benchmarks/gpu_check.py --device cpu --small")
        return 2
    if options.only:
        rows = CHECKS[options.only](options.device, options.small)
        print("ROWS " + json.dumps([[*row[:3], None if row.met is None else bool(row.met)] for row in rows]))
        return 0
    name = torch.cuda.get_device_name() if options.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}; torch {torch.__version__}, CUDA {torch.version.cuda}{', small' if options.small else ''}\n")
    print("| check | measured | goal | |\n|---|---|---|---|")
    missed = 0
    for check in CHECKS:
        for row in in_a_process(check, options.device, options.small):
            missed += row.met is False
            mark = {None: "–", True: "met", False: "**missed**"}[row.met]
            print(f"| {row.what} | {row.measured} | {row.goal} | {mark} |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
