"""A miniature benchmark on disk: six persons told apart by the colours of their clothes, seen by three cameras."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.records import Record, Split
from occreid.report import Entry, describe_histogram
from occreid.retrieval import evaluate

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))  # the small methods of that room

CLOTHES = [(200, 30, 30), (30, 160, 40), (40, 60, 200), (220, 180, 30), (150, 40, 160), (40, 190, 190)]


def draw(pid: int, camid: int, generator: np.random.Generator) -> np.ndarray:
    image = np.full((64, 32, 3), 90 + 30 * camid, np.uint8)
    image[8:16, 12:20] = (210, 170, 140)
    image[16:38, 8:24] = CLOTHES[pid % len(CLOTHES)]
    image[38:60, 10:22] = CLOTHES[(pid * 2 + 1) % len(CLOTHES)]
    return np.clip(image.astype(int) + generator.integers(-12, 13, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    root = tmp_path_factory.mktemp("mini")
    generator = np.random.default_rng(0)

    def save(part: str, pid: int, camid: int, **known: object) -> Record:
        path = root / part / f"{pid:04d}_c{camid + 1}s1_000001_00.png"
        path.parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(path), cv2.cvtColor(draw(pid, camid, generator), cv2.COLOR_RGB2BGR))
        return Record(path, pid, camid, camera=str(camid + 1), **known)  # type: ignore[arg-type]

    hidden = {"occluded": True, "visibility": (1.0, 1.0, 0.5, 0.0), "occluder_kind": "car"}
    bin_ = {"occluded": True, "visibility": (1.0, 0.2, 0.0, 0.0), "occluder_kind": "bin"}
    whole = {"occluded": False, "visibility": (1.0, 1.0, 1.0, 1.0)}
    train = tuple(save("bounding_box_train", pid, cam, **whole) for pid in range(10, 14) for cam in range(2))
    query = tuple(save("query", pid, 0, **(hidden if pid % 2 else bin_)) for pid in range(6))
    gallery = tuple(save("bounding_box_test", pid, cam, **whole) for pid in range(6) for cam in range(3))
    return Split("mini", train, query, gallery, notes={"drawn_by": "the tests"})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    lines = ["step,epoch,loss,id,triplet,lr"]
    lines += [f"{step},{step // 4},{6 - step / 8},{5 - step / 8},{1 + 0 * step},0.001" for step in range(1, 17)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def entries(split: Split) -> list[Entry]:
    """A perfect method (features are the person), a hopeless one (features are noise), and colour histograms."""

    def entry(name: str, make: Callable[[Record], torch.Tensor], note: str = "") -> Entry:
        sides = []
        for records in (split.query, split.gallery):
            pids, camids = (torch.tensor([getattr(r, k) for r in records]) for k in ("pid", "camid"))
            sides.append(Descriptors(torch.stack([make(r) for r in records]), pids=pids, camids=camids))
        return Entry(name, evaluate(*sides, "euclidean", split.same_camera), *sides, note)

    noise = torch.Generator().manual_seed(1)
    perfect = entry("perfect", lambda r: torch.eye(6)[r.pid] + 0.01 * torch.rand(6, generator=noise), "told the answer")
    hopeless = entry("hopeless", lambda r: torch.rand(4, generator=noise))
    query, gallery = describe_histogram(split.query), describe_histogram(split.gallery)
    floor = Entry("histogram", evaluate(query, gallery, "euclidean", split.same_camera), query, gallery)
    return [perfect, hopeless, floor]
