from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from occreid.synth.people.figure import Figure
from occreid.synth.render.boxes import usual_box
from occreid.synth.render.compose import HIDDEN, IMAGE, Picture, take
from occreid.synth.render.style import SECOND
from occreid.synth.scene.cameras import draw_camera
from occreid.synth.scene.occluders import PERSON, make_occluder
from occreid.synth.scene.sites import draw_site
from occreid.synth.scene.solids import Window


def _take(figure: Figure, kind: str | None, seed: int = 0) -> Picture:
    thing = None if kind is None else make_occluder(kind, 1, "test", 0)
    return take(figure, draw_camera(0, 0), thing, "test", 0, np.random.default_rng(seed))


def test_a_holistic_picture_shows_every_part(figure: Figure):
    picture = _take(figure, None)
    assert picture.image.shape == (IMAGE[1], IMAGE[0], 3)
    assert picture.mask.shape == (IMAGE[1], IMAGE[0])
    assert picture.image.dtype == picture.mask.dtype == np.uint8
    assert set(np.unique(picture.mask)) == {0, 1, 2, 3, 4}
    assert picture.occluder is None
    assert min(picture.visible) > 0.7
    assert 0.12 < (picture.mask > 0).mean() < 0.75


def test_parts_come_in_order_from_top_to_bottom(figure: Figure):
    mask = _take(figure, None, 3).mask
    heights = [np.nonzero(mask == part)[0].mean() for part in (1, 2, 3, 4)]
    assert heights == sorted(heights)


@pytest.mark.parametrize("kind", ["bin", "pillar", "hedge", "bicycle", "banner", PERSON])
def test_an_occluder_hides_some_and_changes_nothing_else(figure: Figure, kind: str):
    """The same draw without the occluder is the independent recomputation of what is behind it."""
    for seed in (1, 2):
        hidden, whole = _take(figure, kind, seed), _take(figure, None, seed)
        covered = (hidden.mask == 0) & (whole.mask > 0)
        assert covered.any()
        np.testing.assert_array_equal(hidden.mask[~covered], whole.mask[~covered])
        for part in range(4):
            before, after = (whole.mask == part + 1).sum(), (hidden.mask == part + 1).sum()
            if before:
                expected = whole.visible[part] * after / before
                assert hidden.visible[part] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["car", "umbrella", PERSON])
def test_labels_of_the_second_edition_are_as_exact(figure: Figure, kind: str):
    thing, site = make_occluder(kind, 1, "test", 0), draw_site(0, 0)
    for seed in (1, 2, 3):
        hidden, whole = (
            take(figure, site, t, "test", 0, np.random.default_rng(seed), SECOND) for t in (thing, None)
        )  # the same draw without the occluder is the independent recomputation of what is behind it
        covered = (hidden.mask == 0) & (whole.mask > 0)
        np.testing.assert_array_equal(hidden.mask[~covered], whole.mask[~covered])
        for part in range(4):
            before, after = (whole.mask == part + 1).sum(), (hidden.mask == part + 1).sum()
            assert (hidden.visible[part] > 0) == (after > 0)
            if before:
                assert hidden.visible[part] == pytest.approx(whole.visible[part] * after / before, abs=1e-6)


def test_what_a_cut_box_leaves_out_counts_as_not_seen(figure: Figure):
    def upper_half(points: np.ndarray, canvas: tuple[int, int], rng: np.random.Generator) -> Window:
        box = usual_box(points, canvas, rng)
        return replace(box, scale_y=2 * box.scale_y)

    style = replace(SECOND, box=upper_half)
    picture = take(figure, draw_site(0, 0), None, "test", 0, np.random.default_rng(0), style)
    assert not (picture.mask == 4).any() and picture.visible[3] == 0
    assert picture.visible[0] > 0.9 and picture.visible[1] > 0.6
    feet = np.array(picture.keypoints).reshape(17, 3)[15:]
    np.testing.assert_array_equal(feet, 0)


def test_the_hidden_share_is_within_bounds_mostly(figure: Figure):
    shares = []
    for seed in range(12):
        hidden, whole = _take(figure, "bin", seed), _take(figure, None, seed)
        shares.append(1 - (hidden.mask > 0).sum() / (whole.mask > 0).sum())
    inside = [HIDDEN[0] - 0.02 <= s <= HIDDEN[1] + 0.02 for s in shares]
    assert np.mean(inside) > 0.8


def test_occluded_keypoints_are_marked(figure: Figure):
    hidden = np.array(_take(figure, "hedge", 1).keypoints).reshape(17, 3)
    whole = np.array(_take(figure, None, 1).keypoints).reshape(17, 3)
    np.testing.assert_array_equal(hidden[:, :2], whole[:, :2])
    assert (hidden[:, 2] <= whole[:, 2]).all()
    assert (hidden[:, 2] < whole[:, 2]).any()


_PART_OF_KEYPOINT = [1] * 5 + [2] * 6 + [3] * 2 + [3] * 2 + [4] * 2


def test_seen_keypoints_lie_on_their_part(rows: list[dict[str, Any]], small):
    hit, total = 0, 0
    for row in rows:
        mask = cv2.imread(str(small / row["mask"]), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        for part, (x, y, v) in zip(_PART_OF_KEYPOINT, np.array(row["keypoints"]).reshape(17, 3), strict=True):
            if v == 2:
                near = mask[max(int(y) - 4, 0) : int(y) + 5, max(int(x) - 4, 0) : int(x) + 5]
                hit += part in near
                total += 1
    assert total > 100
    assert hit / total > 0.9


def test_the_picture_depends_on_the_generator_only(figure: Figure):
    a, b, c = (_take(figure, "sign", seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.mask, b.mask)
    assert a.keypoints == b.keypoints
    assert not np.array_equal(a.image, c.image)
