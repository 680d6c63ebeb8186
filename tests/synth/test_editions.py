"""What was published under a name stays what it was."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from occreid.synth import generate, protocol
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
