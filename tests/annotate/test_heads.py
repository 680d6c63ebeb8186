import numpy as np
import pytest

from occreid.annotate.construction.keypoints import NAMES, Keypoints
from occreid.annotate.heads import FILLS, head_from_keypoints, head_from_mask, hide
from occreid.errors import UserError

PLACES = {"nose": (16, 10), "left_eye": (18, 8), "right_eye": (14, 8), "left_ear": (20, 9), "right_ear": (12, 9)}
PLACES |= {"left_shoulder": (24, 22), "right_shoulder": (8, 22)}


def person(*seen):
    return Keypoints(tuple(PLACES.get(name, (0, 0)) for name in NAMES), tuple(name in seen for name in NAMES))


def test_a_mask_tells_the_head_and_a_little_around_it():
    mask = np.zeros((32, 16), np.uint8)
    mask[4:10, 6:10], mask[10:, 4:12] = 1, 2
    head = head_from_mask(mask, 64, 32)
    assert head.shape == (64, 32) and head[8:20, 12:20].all()
    rows, columns = np.flatnonzero(head.any(1)), np.flatnonzero(head.any(0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (6, 21, 10, 21)
    assert not head_from_mask(np.full((32, 16), 2, np.uint8), 64, 32).any()


@pytest.mark.parametrize(
    "seen",
    [
        ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
        ("nose", "left_shoulder", "right_shoulder"),
        ("left_ear", "right_ear"),
    ],
)
def test_keypoints_of_a_face_lie_well_inside(seen):
    head = head_from_keypoints(person(*seen), 64, 32)
    assert all(head[y, x] for name, (x, y) in PLACES.items() if name in seen and "shoulder" not in name)
    assert head.mean() < 0.25 and not head[30:].any()


def test_a_back_of_a_head_is_above_the_shoulders():
    head = head_from_keypoints(person("left_shoulder", "right_shoulder"), 64, 32)
    assert head[12, 16] and not head[24:].any()


@pytest.mark.parametrize("seen", [(), ("left_shoulder",)])
def test_without_a_clue_nothing_is_claimed(seen):
    assert head_from_keypoints(person(*seen), 64, 32) is None
    assert head_from_keypoints(None, 64, 32) is None


@pytest.mark.parametrize("fill", FILLS)
def test_only_the_head_changes_and_little_of_it_is_left(fill):
    image = np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8)
    untouched = image.copy()
    head = head_from_keypoints(person("nose", "left_ear", "right_ear"), 64, 32)
    hidden = hide(image, head, fill)
    assert np.array_equal(hidden[~head], image[~head]) and np.array_equal(image, untouched)
    inside = hidden[head].astype(int)
    assert inside.std() < 0.5 * image[head].astype(int).std()
    assert len(np.unique(inside, axis=0)) == 1 if fill == "grey" else len(np.unique(inside, axis=0)) > 4


def test_no_head_changes_nothing_and_an_unknown_fill_is_named():
    image = np.zeros((4, 4, 3), np.uint8)
    assert np.array_equal(hide(image, np.zeros((4, 4), bool)), image)
    with pytest.raises(UserError, match="hidden by 'gray'"):
        hide(image, np.zeros((4, 4), bool), "gray")  # type: ignore[arg-type]
