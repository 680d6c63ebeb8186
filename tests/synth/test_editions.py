"""What was published under a name stays what it was."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError
from occreid.synth import EDITIONS, generate, protocol
from occreid.synth.protocol import Size

KEPT = Path(__file__).parent / "occsynth_1.json"
NEAR = 3.0
"""Grey values by which a mean over 16 × 32 pixels may differ between processors and library versions."""


def thumbnails(root: Path) -> dict[str, list[list[int]]]:
    """Mean colours of each image, row by row, 4 × 16 fields."""
    out = {}
    for path in sorted(root.glob("*/*.jpg")):
        image = cv2.imread(str(path))
        assert image is not None
        fields = cv2.resize(image, (4, 16), interpolation=cv2.INTER_AREA)
        out[path.relative_to(root).as_posix()] = fields.reshape(16, 12).astype(int).tolist()
    return out


def test_occsynth_1_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(protocol.SIZES, "tiny", Size(1, 1, 0, 3))
    made = thumbnails(generate(tmp_path / "made", seed=3, progress=False))
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert made.keys() == kept.keys(), "names hold person, camera and time"
    for name, fields in kept.items():
        assert np.abs(np.array(made[name]) - np.array(fields)).max() <= NEAR, name


def test_the_second_edition_says_so_and_differs(tmp_path: Path):
    few = Size(1, 1, 0, 3)
    first, second, twin = (
        generate(tmp_path / name, size=few, seed=3, edition=edition, workers=workers, progress=False)
        for name, edition, workers in (("a", "occsynth-1", 1), ("b", "occsynth-2", 1), ("c", "occsynth-2", 2))
    )
    assert load_benchmark("occsynth", first).name == "occsynth"
    assert load_benchmark("occsynth", second).name == "occsynth-2"
    files = {p.relative_to(second): p.read_bytes() for p in second.rglob("*") if p.is_file()}
    assert files == {p.relative_to(twin): p.read_bytes() for p in twin.rglob("*") if p.is_file()}
    assert not {p.read_bytes() for p in first.rglob("*.jpg")} & set(files.values())


def test_unknown_editions_are_named(tmp_path: Path):
    with pytest.raises(UserError, match="no edition 'occsynth-9'"):
        generate(tmp_path / "out", edition="occsynth-9", progress=False)
    with pytest.raises(UserError, match="no size 'study'"):
        generate(tmp_path / "out", size="study", progress=False)
    assert list(EDITIONS) == ["occsynth-1", "occsynth-2"]
