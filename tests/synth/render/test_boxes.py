import numpy as np
import pytest

from occreid.synth.render.boxes import ASPECT, FAULTS, detected_box, usual_box

BODY = np.array([[100.0, 50.0], [160.0, 250.0], [130.0, 150.0]])
CANVAS = (192, 384)


def kept(box, seed: int) -> tuple[float, float, float]:
    """Rows of the body above and below that a box keeps (share of 1), and how tall the body is in it."""
    window = box(BODY, CANVAS, np.random.default_rng(seed))
    top, bottom = window.place(BODY)[:2, 1] / CANVAS[1]
    return max(top, 0.0), min(bottom, 1.0), bottom - top


def test_shares_of_faults():
    assert sum(FAULTS.values()) == pytest.approx(1)


def test_the_first_editions_box_holds_the_head():
    for seed in range(60):
        window = usual_box(BODY, CANVAS, np.random.default_rng(seed))
        assert window.place(BODY)[0, 1] >= -1e-3


def test_boxes_are_mostly_right_sometimes_loose_and_sometimes_cut():
    tall = np.array([kept(detected_box, seed)[2] for seed in range(400)])
    assert 0.85 < np.median(tall) < 1.0
    assert (tall < 0.8).mean() > 0.04, "loose"
    assert 0.04 < (tall > 1.05).mean() < 0.25, "cut"
    windows = [detected_box(BODY, CANVAS, np.random.default_rng(seed)) for seed in range(400)]
    widths = [CANVAS[0] / w.scale_x / (CANVAS[1] / w.scale_y) for w in windows]
    assert abs(np.median(widths) - ASPECT) < 0.05 and np.std(widths) > 0.03
    middles = np.array([w.place(BODY)[2, 0] / CANVAS[0] for w in windows])
    assert abs(middles.mean() - 0.5) < 0.02 and 0.03 < middles.std() < 0.15
