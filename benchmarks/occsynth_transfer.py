"""What generated people teach, in minutes: `python benchmarks/occsynth_transfer.py PHOTOGRAPHS GENERATED …`.

Without training a network: the maps of an ImageNet tf_efficientnet_lite0 are pooled over stripes, and all that is
learned from a folder of persons is how the pictures of one person differ (the within-class scatter, by which the
features are whitened, as linear discriminant analysis does). Whoever varies pose, light and camera as reality does
learns the better metric. Prints mAP and rank-1 on the photographs for no learning, for each generated folder, and for
the other half of the photographs' own persons, which is what could be reached.

Photographs (Market-1501's names) are only read. Give a training folder: nothing may be tuned on test pictures.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import cv2
import numpy as np
import torch

from occreid.nn.pretrained import imagenet
from occreid.nn.trunk import Trunk

SIZE = (64, 128)
"""Width and height of the network's input."""
STAGES, STRIPES = (2, 3), 6
SHRINK = 0.1
"""Share of the mean variance that is added to every direction's within-class scatter."""
NAME = re.compile(r"(\d+)_c(\d+)")


def read(folder: Path, ids: int, each: int) -> tuple[list[Path], np.ndarray, np.ndarray]:
    """Files of the first ids of a folder, at most ``each`` of one id, with pids and camids."""
    found: dict[int, list[tuple[Path, int]]] = {}
    for path in sorted(folder.glob("*.jpg")):
        match = NAME.match(path.name)
        if match and int(match[1]) > 0:
            found.setdefault(int(match[1]), []).append((path, int(match[2])))
    rng = np.random.default_rng(0)
    rows = []
    for pid in sorted(found)[:ids]:
        chosen = rng.permutation(len(found[pid]))[:each]
        rows += [(*found[pid][i], pid) for i in sorted(chosen)]
    return [row[0] for row in rows], np.array([row[2] for row in rows]), np.array([row[1] for row in rows])


def features(files: list[Path], trunk: Trunk) -> np.ndarray:
    """Stripes of two stages' maps, each stage of unit length: (N, D) float32."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(files), 32):
            batch = [cv2.imread(str(f)) for f in files[start : start + 32]]
            small = [cv2.resize(i, SIZE, interpolation=cv2.INTER_AREA)[..., ::-1] for i in batch if i is not None]
            x = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 127.5 - 1
            maps = trunk.maps(x, STAGES)
            pooled = [torch.nn.functional.adaptive_avg_pool2d(m, (STRIPES, 1)).flatten(1) for m in maps]
            found.append(torch.cat([torch.nn.functional.normalize(p) for p in pooled], 1).numpy())
    return np.concatenate(found)


def whitener(x: np.ndarray, pids: np.ndarray) -> np.ndarray:
    """(D, D): makes the within-class scatter of x (N, D) round, as far as it is known."""
    within = x - np.stack([x[pids == pid].mean(0) for pid in np.unique(pids)])[np.unique(pids, return_inverse=True)[1]]
    scatter = within.T @ within / len(x)
    values, vectors = np.linalg.eigh(scatter + SHRINK * np.trace(scatter) / len(scatter) * np.eye(len(scatter)))
    return (vectors / np.sqrt(values)) @ vectors.T


def score(x: np.ndarray, pids: np.ndarray, camids: np.ndarray) -> tuple[float, float]:
    """Percent of mAP and rank-1: one query of each person and camera, all others of other cameras as gallery."""
    x = x - x.mean(0)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    keys = pids * 100 + camids
    queries = np.unique(keys, return_index=True)[1]
    precision, first = [], []
    for q in queries:
        valid = ~((pids == pids[q]) & (camids == camids[q]))
        hits = (pids[valid] == pids[q])[np.argsort(-(x[valid] @ x[q]), kind="stable")]
        if hits.any():
            ranks = np.flatnonzero(hits) + 1
            precision.append((np.arange(1, len(ranks) + 1) / ranks).mean())
            first.append(hits[0])
    return 100 * float(np.mean(precision)), 100 * float(np.mean(first))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("generated", type=Path, nargs="+")
    parser.add_argument("--ids", type=int, default=300, help="of each folder")
    parser.add_argument("--each", type=int, default=8, help="pictures of one person")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    trunk = Trunk(imagenet("tf_efficientnet_lite0", {})).eval()
    files, pids, camids = read(options.photographs, options.ids, options.each)
    x = features(files, trunk)
    half = pids > np.median(pids)
    print(f"{half.sum()} photographs of {len(np.unique(pids[half]))} persons are searched; mAP, rank-1")

    def show(name: str, matrix: np.ndarray | None) -> None:
        mean_ap, rank_1 = score(x[half] if matrix is None else x[half] @ matrix, pids[half], camids[half])
        print(f"{name:60} {mean_ap:6.1f} {rank_1:6.1f}", flush=True)

    show("nothing learned", None)
    for folder in options.generated:
        made, people, _ = read(folder, options.ids, options.each)
        show(f"{folder} ({len(made)} of {len(np.unique(people))})", whitener(features(made, trunk), people))
    show("the other half of the photographs", whitener(x[~half], pids[~half]))


if __name__ == "__main__":
    main()
