from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import HIDING, KINDS, SIDES, Stress, Stressor, hiding_rectangle
from occreid.errors import UserError
from occreid.records import Record

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (64, 32, 3), np.uint8)
MASK = np.full((32, 16), 2, np.uint8)


def record(name="0001_c1.png", pid=1):
    return Record(Path("/some/where") / name, pid, 0)


@pytest.fixture
def pool(tmp_path):
    """Two further persons and the first, each of one colour."""
    made = []
    for pid, colour in ((1, (255, 0, 0)), (2, (0, 255, 0)), (3, (0, 0, 255))):
        path = tmp_path / f"{pid}.png"
        Image.new("RGB", (20, 50), colour).save(path)
        made.append(Record(path, pid, 0))
    return made


def stressor(text, pool=(), seed=0):
    return Stressor(Stress.parse(text, seed), pool, OccluderLibrary.procedural(4))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_pure_function_of_seed_and_file_name(kind, pool):
    text = f"{kind}:0.5"
    first, _ = stressor(text, pool)(IMAGE, None, record())
    again, _ = stressor(text, pool[::-1])(IMAGE.copy(), None, Record(Path("/else/0001_c1.png"), 1, 5))
    others = [stressor(text, pool)(IMAGE, None, record(f"{i}.png"))[0] for i in range(8)]
    reseeded = [stressor(text, pool, seed)(IMAGE, None, record())[0] for seed in range(1, 9)]
    assert first.shape == IMAGE.shape and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, IMAGE)
    if kind != "small":  # which has nothing to draw
        assert any(not np.array_equal(first, other) for other in others)
        assert any(not np.array_equal(first, other) for other in reseeded)


@pytest.mark.parametrize("kind", KINDS)
def test_level_zero_touches_nothing(kind, pool):
    image, mask = stressor(f"{kind}:0", pool)(IMAGE, MASK, record())
    assert np.array_equal(image, IMAGE) and np.array_equal(mask, MASK)


@pytest.mark.parametrize("kind", HIDING)
@pytest.mark.parametrize("side", [s for s in SIDES if s != "any"])
def test_only_the_rectangle_is_hidden(kind, side, pool):
    untouched = IMAGE.copy()
    hidden, mask = stressor(f"{kind}:0.25:{side}", pool)(IMAGE, np.full((64, 32), 3, np.uint8), record())
    top, left, height, width = hiding_rectangle(64, 32, 0.25, side)
    inside = np.zeros((64, 32), bool)
    inside[top : top + height, left : left + width] = True
    changed = (hidden != IMAGE).any(2)
    assert abs(inside.mean() - 0.25) < 0.02
    assert changed[inside].mean() > (0.2 if kind == "object" else 0.95) and not changed[~inside].any()
    assert np.array_equal(mask == 0, changed)  # what is hidden, and only that, is background
    assert np.array_equal(IMAGE, untouched)


@pytest.mark.parametrize(("side", "edge"), [("top", (0, 0)), ("bottom", (63, 0)), ("left", (0, 0)), ("right", (0, 31))])
def test_a_side_lies_at_its_edge(side, edge):
    top, left, height, width = hiding_rectangle(64, 32, 0.3, side)
    assert top <= edge[0] < top + height and left <= edge[1] < left + width
    assert (width == 32) == (side in ("top", "bottom")) and (height == 64) == (side in ("left", "right"))


def test_any_side_means_each_edge_now_and_then():
    seen = set()
    for i in range(40):
        changed = (stressor("flat:0.25")(IMAGE, None, record(f"{i}.png"))[0] != IMAGE).any(2)
        rows, columns = np.flatnonzero(changed.mean(1) > 0.5), np.flatnonzero(changed.mean(0) > 0.5)
        seen.add((len(rows) > 0, rows[:1].tolist() == [0], columns[:1].tolist() == [0]))
    assert len(seen) == 4


def test_nobody_is_hidden_by_themselves(pool):
    colours = set()
    for i in range(20):
        hidden, _ = stressor("person:0.5:bottom", pool)(IMAGE, None, record(f"{i}.png", pid=1))
        colours.add(tuple(hidden[50, 16].tolist()))
    assert colours == {(0, 255, 0), (0, 0, 255)}


def test_a_mask_of_another_size_follows():
    _, mask = stressor("flat:0.5:bottom")(IMAGE, MASK, record())
    assert mask.shape == MASK.shape and (mask[:16] == 2).all() and not mask[17:].any()


def test_a_shifted_box_keeps_picture_and_mask_together():
    image = np.zeros((64, 32, 3), np.uint8)
    image[20:40, 10:22] = 255
    mask = np.zeros((64, 32), np.uint8)
    mask[20:40, 10:22] = 2
    moved = set()
    for i in range(10):
        picture, parts = stressor("shift:0.2")(image, mask, record(f"{i}.png"))
        agree = (picture[..., 0] > 127) == (parts == 2)
        assert agree.mean() > 0.95 and (parts == 2).any()
        moved.add(int(np.flatnonzero((parts == 2).any(1))[0]))
    assert len(moved) > 3 and all(abs(top - 20) <= 0.2 * 64 + 0.1 * 20 + 2 for top in moved)


def test_dark_blurred_and_small_do_what_they_say():
    grey = np.full((64, 32, 3), 200, np.uint8)
    dark, _ = stressor("dark:0.75")(grey, None, record())
    assert abs(dark.mean() - 50) < 2 and dark.std() > 1
    for kind in ("blur", "small"):
        soft, _ = stressor(f"{kind}:0.5")(IMAGE, None, record())
        assert (
            np.abs(np.diff(soft.astype(int), axis=0)).mean() < 0.6 * np.abs(np.diff(IMAGE.astype(int), axis=0)).mean()
        )
        assert abs(soft.mean() - IMAGE.mean()) < 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objct:0.4", "no stress 'objct'"),
        ("object", "not KIND:LEVEL"),
        ("object:much", "not KIND:LEVEL"),
        ("object:0.4:left:right", "not KIND:LEVEL"),
        ("object:0.95", "out of range"),
        ("object:-1", "out of range"),
        ("object:nan", "out of range"),
        ("object:0.4:up", "no side 'up'"),
        ("blur:0.4:top", "has no side"),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(UserError, match=message):
        Stress.parse(text)


def test_a_crowd_of_one_can_hide_nobody(pool):
    with pytest.raises(UserError, match="fewer than two persons"):
        Stressor(Stress("person", 0.4), pool[:1])


def test_a_stress_prints_as_it_is_written():
    for text in ("object:0.4:bottom", "blur:0.25"):
        assert str(Stress.parse(text)) == text
