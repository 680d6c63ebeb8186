"""How far generated crops are from photographed ones: `python benchmarks/occsynth_realism.py GENERATED PHOTOGRAPHS`.

Takes the same number of crops from each of two folders, at one size, and prints

* every statistic's mean in both and how many standard deviations lie between (largest first): colour and brightness
  of stripes, contrast, sharpness by frequency band, noise, and how the border differs from the middle;
* the accuracy of a linear classifier (ridge, five folds) that tells generated from photographed by these: 50 % would
  be perfect.

Photographs are only read. Give a training folder: nothing may be tuned on test pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

SIZE = (64, 128)
"""Width and height at which crops are compared."""
STRIPES = 6
BANDS = ((2, 4), (4, 8), (8, 16), (16, 24), (24, 32))
"""Cycles per picture width, from the coarsest structure to single pixels."""
RIDGE = 10.0


def statistics(bgr: np.ndarray) -> dict[str, float]:
    """What is measured of one crop (128, 64, 3) uint8."""
    lab = cv2.cvtColor(bgr.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    light, saturation = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    out: dict[str, float] = {}
    for k, stripe in enumerate(np.array_split(np.arange(lab.shape[0]), STRIPES)):
        middle, border = lab[stripe][:, 16:48], np.concatenate([lab[stripe][:, :10], lab[stripe][:, -10:]], 1)
        for where, part in (("middle", middle), ("border", border)):
            for c, name in enumerate("Lab"):
                out[f"{name} {where} {k}"] = float(part[..., c].mean())
            out[f"spread of L {where} {k}"] = float(part[..., 0].std())
            out[f"saturation {where} {k}"] = float(np.hypot(part[..., 1], part[..., 2]).mean())
    for share in (1, 10, 50, 90, 99):
        out[f"L percentile {share}"] = float(np.percentile(light, share))
        out[f"saturation percentile {share}"] = float(np.percentile(saturation, share))
    out |= _spectrum(light)
    fine = light - cv2.medianBlur(light, 3)
    out["noise of L"] = float(np.median(np.abs(fine)))
    out["noise of colour"] = float(np.median(np.abs(lab[..., 1] - cv2.medianBlur(lab[..., 1].copy(), 3))))
    edges = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    for share in (50, 90, 99):
        out[f"edge percentile {share}"] = float(np.log(1 + np.percentile(edges, share)))
    out["edges border"] = float(np.log(1 + np.concatenate([edges[:, :8], edges[:, -8:]], 1).mean()))
    out["edges middle"] = float(np.log(1 + edges[:, 20:44].mean()))
    return out


def _spectrum(light: np.ndarray) -> dict[str, float]:
    """Log energy along x and along y in each band, and the slope between the two finest."""
    out: dict[str, float] = {}
    size = light.shape[1]
    for name, plane in (("x", light), ("y", light.T)):
        line = plane[:, : plane.shape[1] // size * size].reshape(-1, size)
        line = (line - line.mean(1, keepdims=True)) * np.hanning(size).astype(np.float32)
        power = (np.abs(np.fft.rfft(line, axis=1)) ** 2).mean(0)
        for low, high in BANDS:
            out[f"energy {name} {low}-{high}"] = float(np.log(power[low:high].mean() + 1e-3))
    return out


def crops(folder: Path, count: int, seed: int) -> np.ndarray:
    """Crops of a folder (searched below it too, masks left out): (N, 128, 64, 3) uint8 BGR."""
    files = sorted(p for p in folder.rglob("*.jpg") if "masks" not in p.parts)
    chosen = np.random.default_rng(seed).permutation(len(files))[:count]
    images = [cv2.imread(str(files[i])) for i in sorted(chosen)]
    return np.stack([cv2.resize(i, SIZE, interpolation=cv2.INTER_AREA) for i in images if i is not None])


def accuracy(a: np.ndarray, b: np.ndarray, ridge: float, seed: int) -> tuple[float, np.ndarray]:
    """Share of held-out rows that a ridge classifier puts on the right side, and its weights on all rows."""
    x = np.concatenate([a, b])
    y = np.concatenate([np.ones(len(a)), -np.ones(len(b))])
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)

    def fit(rows: np.ndarray) -> np.ndarray:
        return np.linalg.solve(x[rows].T @ x[rows] + ridge * np.eye(x.shape[1]), x[rows].T @ y[rows])

    fold = np.random.default_rng(seed).permutation(len(x)) % 5
    right = [np.sign(x[fold == k] @ fit(np.flatnonzero(fold != k))) == y[fold == k] for k in range(5)]
    return float(np.concatenate(right).mean()), fit(np.arange(len(x)))[:-1]


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generated", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=30, help="how many statistics to list")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    ours, theirs = (crops(f, options.count, options.seed) for f in (options.generated, options.photographs))
    tables = [[statistics(image) for image in side] for side in (ours, theirs)]
    names = list(tables[0][0])
    a, b = (np.array([[row[name] for name in names] for row in table]) for table in tables)
    gap = (a.mean(0) - b.mean(0)) / np.sqrt((a.var(0) + b.var(0)) / 2 + 1e-9)
    wide = np.log(a.std(0) / (b.std(0) + 1e-9) + 1e-9)
    share, _ = accuracy(a, b, RIDGE, options.seed)
    print(f"{len(ours)} generated, {len(theirs)} photographed, compared at {SIZE[0]} × {SIZE[1]}")
    print(f"told apart by these statistics   {100 * share:5.1f} %   mean |gap| {np.abs(gap).mean():.2f}")
    print(f"{'statistic':28} {'generated':>10} {'photo':>10} {'gap':>6} {'log spread':>10}")
    for k in np.argsort(-np.abs(gap))[: options.show]:
        print(f"{names[k]:28} {a[:, k].mean():10.2f} {b[:, k].mean():10.2f} {gap[k]:6.2f} {wide[k]:10.2f}")


if __name__ == "__main__":
    main()
