from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from occreid.errors import UserError
from occreid.report.curves import draw_curves


def points(*values):
    return [SimpleNamespace(level=i / 5, mean_ap=v, low=v - 0.1, high=v + 0.1) for i, v in enumerate(values)]


def test_a_panel_for_each_stress_and_a_line_for_each_model(tmp_path):
    models = {"baseline": points(0.8, 0.5, 0.3), "ssgr": points(0.8, 0.7, 0.6)}
    file = tmp_path / "new" / "curves.svg"
    draw_curves({f"stress {i}": models for i in range(5)}, file)
    text = file.read_text()
    assert all(f"stress {i}" in text for i in range(5)) and text.count("baseline") == 1 and "ssgr" in text


def test_the_lines_differ_by_what_they_show(tmp_path):
    for name, values in (("a", (0.8, 0.5)), ("b", (0.8, 0.1))):
        draw_curves({"object": {"m": points(*values)}}, tmp_path / f"{name}.png")
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert a.width > 300 and not np.array_equal(np.array(a), np.array(b))


def test_what_cannot_be_drawn_is_said(tmp_path):
    with pytest.raises(UserError, match="no curves"):
        draw_curves({}, tmp_path / "a.png")
    with pytest.raises(UserError, match="cannot be written"):
        draw_curves({"x": {"m": points(0.5)}}, tmp_path / "a.doc")
