"""Throughput of occreid's loading against the plain way, in one run: ``python benchmarks/loader.py``.

The plain way is Pillow: open, convert to RGB, resize bilinearly, to a float tensor (the way of torchvision's ToTensor),
stack; ``uint8`` leaves the floats out, as occreid does, which makes them on the device. Both read the same generated
JPEGs from disk in this process (or in the same number of workers) on one thread; rounds alternate between the two, and
each figure is the median round. ``augmented`` adds flip, pad and crop and random erasing to occreid's side only.

``--photographs FOLDER`` measures no speed, but what decoding at a reduced scale moves: crops of the folder are put
together to mosaics of several sizes, saved as JPEG of quality 90, decoded in full and reduced, and resized. Beside it
stands what saving the same mosaics in quality 85 moves.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from occreid.data.images import read_image
from occreid.data.loading.loaders import eval_loader, train_loader
from occreid.data.loading.transforms import TrainTransform
from occreid.records import Record

HEIGHT, WIDTH, P, K = 256, 128, 16, 4
SOURCES = {
    "Market-1501 crop": (128, 64),
    "crop at the network's size": (256, 128),
    "crop of a 1080p picture": (960, 480),
}


class PlainPillow(Dataset[torch.Tensor]):
    """What a first script would write."""

    def __init__(self, files: list[Path], as_float: bool) -> None:
        self.files = files
        self.as_float = as_float

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.files[index]) as image:
            resized = image.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous()
        return pixels.float() / 255 if self.as_float else pixels


def picture(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth shapes and a little noise, which JPEG compresses about as well as a photograph."""
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return (smooth + rng.integers(-6, 7, (height, width, 3), dtype=np.int16)).clip(0, 255).astype(np.uint8)


def write_pictures(folder: Path, images: int, height: int, width: int) -> list[Record]:
    rng = np.random.default_rng(0)
    folder.mkdir()
    records = []
    for i in range(images):
        path = folder / f"{i:05}.jpg"
        Image.fromarray(picture(height, width, rng)).save(path, quality=90)
        records.append(Record(path, pid=i // 8, camid=0))
    return records


def images_per_second(load: Callable[[], Iterable[object]], images: int) -> float:
    start = time.perf_counter()
    for _ in load():
        pass
    return images / (time.perf_counter() - start)


def compare(records: list[Record], workers: int, rounds: int) -> dict[str, float]:
    files = [record.path for record in records]
    batch = P * K
    sizes = {"height": HEIGHT, "width": WIDTH, "batch_size": batch, "workers": workers}
    options = {"p": P, "k": K, "seed": 0, "transform": TrainTransform(HEIGHT, WIDTH), "workers": workers}
    plain, plain_bytes = (
        DataLoader(PlainPillow(files, as_float), batch_size=batch, num_workers=workers) for as_float in (True, False)
    )
    whole, reduced = (eval_loader(records, **sizes, reduce=r) for r in (False, True))
    augmented = train_loader(records, **options)
    ways: dict[str, Callable[[], Iterable[object]]] = {
        "plain Pillow": lambda: plain,
        "plain Pillow, uint8": lambda: plain_bytes,
        "occreid": lambda: whole,
        "occreid, reduced": lambda: reduced,
        "occreid, augmented": lambda: augmented,
    }
    for load in ways.values():
        images_per_second(load, 1)  # reads the files into the system's cache
    results: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, load in ways.items():
            count = len(augmented) * batch if name.endswith("augmented") else len(records)
            results[name].append(images_per_second(load, count))
    return {name: statistics.median(values) for name, values in results.items()}


def difference_of_reduced(records: list[Record]) -> float:
    """Mean absolute difference in grey levels between full and reduced decoding, both resized."""
    whole, reduced = (
        torch.cat([b.images for b in eval_loader(records, height=HEIGHT, width=WIDTH, batch_size=64, reduce=r)]).float()
        for r in (False, True)
    )
    return float((whole - reduced).abs().mean())


MOSAICS = ((960, 480), (1280, 640), (2160, 1080))


def mosaic(files: list[Path], height: int, width: int) -> np.ndarray:
    """Crops side by side, 128 × 64 pixels each, as many as fill the size, again and again."""
    rows, columns = -(-height // 128), -(-width // 64)
    crops = [cv2.resize(read_image(files[i % len(files)]), (64, 128)) for i in range(rows * columns)]
    lines = [np.concatenate(crops[r * columns : (r + 1) * columns], axis=1) for r in range(rows)]
    return np.concatenate(lines)[:height, :width]


def moved(one: torch.Tensor, other: torch.Tensor) -> tuple[float, float]:
    """Mean and largest absolute difference in grey levels."""
    difference = (one.float() - other.float()).abs()
    return float(difference.mean()), float(difference.max())


def on_photographs(crops: Path, count: int) -> None:
    """Print what reduced decoding moves, and what a lower JPEG quality does."""
    files = sorted(file for file in crops.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"{crops} holds no pictures")
    print("| mosaic | reduced decoding: mean, largest | quality 85 for 90: mean, largest |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for height, width in MOSAICS:
            records = []
            for number in range(count):
                start = number * 37 % len(files)
                picture = Image.fromarray(mosaic(files[start:] + files[:start], height, width))
                for quality in (90, 85):
                    path = Path(folder) / f"{height}-{number:03}-{quality}.jpg"
                    picture.save(path, quality=quality)
                    records.append(Record(path, pid=0, camid=0))
            best, worse = records[::2], records[1::2]
            full, reduced, lower = (
                torch.cat(
                    [b.images for b in eval_loader(some, height=HEIGHT, width=WIDTH, batch_size=8, reduce=reduce)]
                )
                for some, reduce in ((best, False), (best, True), (worse, False))
            )
            cells = [f"{mean:.2f}, {most:.0f}" for mean, most in (moved(full, reduced), moved(full, lower))]
            print(f"| {height}×{width} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, help="a folder of crops: measure what reduced decoding moves")
    parser.add_argument("--images", type=int, default=512, help="pictures of each size, a multiple of 64")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each size instead of the table")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    if arguments.photographs is not None:
        on_photographs(arguments.photographs, min(arguments.images, 16))
        return
    if not arguments.json:
        print(f"{HEIGHT}×{WIDTH} from JPEG, {arguments.workers} workers, images/s (× plain Pillow)")
    with tempfile.TemporaryDirectory() as folder:
        for source, (height, width) in SOURCES.items():
            records = write_pictures(Path(folder) / f"{height}", arguments.images, height, width)
            assert read_image(records[0].path).shape == (height, width, 3)
            speed = compare(records, arguments.workers, arguments.rounds)
            ratios = {name: value / speed["plain Pillow"] for name, value in speed.items()}
            difference = difference_of_reduced(records[:64])
            if arguments.json:
                row = {"source": f"{height}x{width}", "images_per_s": speed, "ratio": ratios, "reduced": difference}
                print(json.dumps(row), flush=True)
                continue
            print(f"\n{source}, {height}×{width}:")
            for name, value in speed.items():
                print(f"  {name:20} {value:8.0f}  ({ratios[name]:.2f}×)")
            print(f"  reduced decoding changes a pixel by {difference:.2f} grey levels on average", flush=True)


if __name__ == "__main__":
    main()
