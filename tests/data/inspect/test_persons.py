import numpy as np
import pytest

from occreid.data.images import read_image
from occreid.data.inspect.persons import CELL, COLOURS, choose, contact_sheet
from occreid.errors import UserError
from occreid.records import Record, Split


@pytest.fixture
def split(tmp_path):
    from PIL import Image

    def record(part, pid, number):
        path = tmp_path / part / f"{pid}_{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 16), (200, 10 * pid, 0)).save(path)
        return Record(path, pid, number, occluded=part == "query")

    query = tuple(record("query", pid, 0) for pid in (1, 2, 3))
    gallery = tuple(record("gallery", pid, n) for pid in (0, 1, 2, 3, 9) for n in range(6))
    train = tuple(record("train", pid, n) for pid in (20, 21) for n in range(2))
    return Split("toy", train, query, gallery, distractor_pids=frozenset({0}))


def test_rows_are_ids_with_a_query_which_comes_first(split):
    rows = choose(split, rows=8, columns=4, seed=0)
    assert [row[0][1].pid for row in rows] == [1, 2, 3], "gallery-only ids show no match"
    for row in rows:
        assert len(row) == 4 and [part for part, _ in row] == ["query", *["gallery"] * 3]
        assert len({record.path for _, record in row}) == 4
        assert len({record.pid for _, record in row}) == 1


def test_few_columns_still_show_both_parts(split):
    assert [part for part, _ in choose(split, 1, 2, 0)[0]] == ["query", "gallery"]
    assert [part for part, _ in choose(split, 1, 1, 0)[0]] == ["query"]


def test_the_seed_decides(split):
    assert choose(split, 2, 3, seed=5) == choose(split, 2, 3, seed=5)
    assert len({str(choose(split, 2, 3, seed=s)) for s in range(10)}) > 1


def test_without_a_test_part_the_training_part_is_shown(split):
    rows = choose(Split("toy", split.train, (), ()), 5, 5, 0)
    assert [[part for part, _ in row] for row in rows] == [["train"] * 2] * 2


def test_the_picture(split, tmp_path):
    path = tmp_path / "new/sheet.png"
    assert contact_sheet(split, path, rows=2, columns=3, seed=1) == 2
    pixels = read_image(path)
    assert pixels.shape == (2 * (CELL[0] + 16) + 4 + 12, 3 * (CELL[1] + 4) + 4, 3)
    pid = choose(split, 2, 3, 1)[0][0][1].pid
    assert (pixels[4 + CELL[0] // 2, 4 + CELL[1] // 2] == (200, 10 * pid, 0)).all()
    assert (pixels[3, 10] == COLOURS["query"]).all() and (pixels[3, 10 + CELL[1] + 4] == COLOURS["gallery"]).all()
    assert (np.array(pixels[-1, -1]) == 255).all()


def test_nothing_to_show(tmp_path):
    with pytest.raises(UserError, match="toy holds no image to show"):
        contact_sheet(Split("toy", (), (), ()), tmp_path / "s.png")


def test_a_damaged_image_is_named(split, tmp_path):
    for record in split.query:
        record.path.write_bytes(b"")
    with pytest.raises(UserError, match=r"query/\d_0.png"):
        contact_sheet(split, tmp_path / "s.png")


def test_a_place_that_cannot_be_written(split, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the sheet .*file/s\.png"):
        contact_sheet(split, tmp_path / "file/s.png", rows=1, columns=1)
