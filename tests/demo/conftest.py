"""The demo over a miniature of occsynth drawn here: what is tested is the orchestration, not the generator."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from occreid import synth
from occreid.demo.plan import Plan
from occreid.demo.run import run_demo

PERSONS = {"train": range(5, 13), "query": range(1, 5), "gallery": range(1, 5)}
FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}


def draw_occsynth(root: Path, seed: int) -> None:
    """Eight training and four test persons told apart by the colour of their clothes."""
    generator, rows = np.random.default_rng(seed), []
    for split, pids in PERSONS.items():
        (root / FOLDERS[split]).mkdir(parents=True)
        for pid in pids:
            for camid in {"train": (0, 1), "query": (0,), "gallery": (1, 2)}[split]:
                image = generator.integers(60, 90, (64, 32, 3)).astype(np.uint8)
                image[12:60, 8:24] = [50 * (pid % 5), 250 - 20 * pid, 20 * pid]
                file = f"{FOLDERS[split]}/{pid:04d}_c{camid + 1}s1_{pid:06d}_00.png"
                assert cv2.imwrite(str(root / file), image)
                hidden = split == "query"
                row = {"file": file, "split": split, "pid": pid, "camid": camid, "occluded": hidden, "time": 1.0}
                row |= {"occluder_kind": "bin" if hidden else None, "occluder_id": None, "mask": None}
                parts = ("head", "torso_arms", "upper_legs", "lower_legs_feet")
                rows.append(row | {f"visible_{part}": 0.5 if hidden else 1.0 for part in parts})
    pq.write_table(pa.Table.from_pylist(rows), root / "occsynth.parquet")


def draw_instead(asked):
    """A stand-in for the generator that notes what it was asked for."""

    def generate(out, *, size, seed, workers, progress=True):
        asked.append((size, seed, workers))
        draw_occsynth(Path(out), seed)
        return Path(out)

    return generate


@pytest.fixture
def generated(monkeypatch):
    """Replaces the generator; the list of what it was asked for."""
    asked = []
    monkeypatch.setattr(synth, "generate", draw_instead(asked))
    return asked


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A demo that ran once: its folder, what it said, and its results."""
    out, said = tmp_path_factory.mktemp("demo") / "it's here", []
    patch = pytest.MonkeyPatch()
    patch.setattr(synth, "generate", draw_instead([]))
    results = run_demo(Plan(out, "tiny", epochs=1, workers=0), said.append)
    patch.undo()
    return out, said, results
