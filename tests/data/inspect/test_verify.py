import warnings

import numpy as np
import pytest
from PIL import Image

from occreid.data import load_benchmark
from occreid.data.inspect.verify import recognise, verify
from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.records import Record, Split


def picture(path, seed, size=(4, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


NAMES = (
    "train/0002_c1.png",
    "train/0002_c2.png",
    "query/0001_c1.png",
    "gallery/0001_c2.png",
    "gallery/0000_c1.png",
)


@pytest.fixture
def root(tmp_path):
    for seed, name in enumerate(NAMES):
        picture(tmp_path / "set" / name, seed)
    return tmp_path / "set"


def check(root, **options):
    return verify(load_benchmark("folder", root, strict=False, distractors=(0,)), **options)


def test_a_sound_set_has_no_problems_and_ticks_once_per_image(root):
    ticks = []
    report = check(root, tick=lambda: ticks.append(1), workers=3)
    assert report.sound and len(ticks) == len(NAMES) and report.distractors == 1
    assert not (report.unreadable or report.copies or report.strays or report.unmatched_queries)


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: b"no picture", lambda data: data[: len(data) // 2]],
    ids=["empty", "text", "truncated"],
)
def test_damaged_images_are_listed_by_path(root, damage):
    path = root / "gallery/0001_c2.png"
    path.write_bytes(damage(path.read_bytes()))
    report = check(root)
    assert list(report.unreadable) == [str(path)] and not report.sound
    assert "0001_c2.png" in report.unreadable[str(path)]


def test_a_truncated_jpeg(tmp_path):
    path = picture(tmp_path / "a.jpg", 0, (64, 128))
    path.write_bytes(path.read_bytes()[:-200])
    assert list(verify(Split("x", (Record(path, 1, 0),), (), ())).unreadable) == [str(path)]


@pytest.mark.parametrize(
    ("source", "copy", "kind"),
    [
        ("train/0002_c1.png", "train/0003_c1.png", "conflicts"),
        ("train/0002_c1.png", "train/0002_c3.png", "copies"),
        ("train/0002_c1.png", "gallery/0002_c1.png", "leaks"),
        ("query/0001_c1.png", "gallery/0001_c1.png", None),
    ],
)
def test_the_same_bytes_twice(root, source, copy, kind):
    (root / copy).write_bytes((root / source).read_bytes())
    report = check(root)
    group = tuple(sorted((str(root / source), str(root / copy))))
    for name in ("conflicts", "leaks", "copies"):
        assert getattr(report, name) == ((group,) if name == kind else ()), name
    assert report.sound is (kind in ("copies", None))


def test_unreadable_files_are_not_called_copies_of_each_other(root):
    for name in ("train/0002_c1.png", "query/0001_c1.png"):
        (root / name).write_bytes(b"")
    report = check(root)
    assert len(report.unreadable) == 2 and not (report.conflicts or report.leaks or report.copies)


def test_ids_in_training_and_test(root):
    picture(root / "train/0001_c3.png", 99)
    report = check(root)
    assert report.shared_ids == (1,) and not report.sound


def test_distractors_are_not_shared_ids(root):
    picture(root / "train/0000_c3.png", 99)
    assert check(root).shared_ids == ()


def test_queries_without_a_match_follow_the_camera_rule(root):
    lonely = picture(root / "query/0008_c1.png", 98)
    picture(root / "gallery/0008_c1.png", 97)
    assert check(root).unmatched_queries == (str(lonely),) and check(root).sound
    kept = load_benchmark("folder", root, same_camera="keep", distractors=(0,))
    assert verify(kept).unmatched_queries == ()


def test_files_that_are_no_images(root):
    (root / "query/notes.txt").write_text("x")
    (root / "query/._0001_c1.png").write_text("x")
    (root / "elsewhere.txt").write_text("x")
    report = check(root)
    assert report.strays == (str(root / "query/notes.txt"),) and report.sound


def test_misnamed_files_and_counts_are_problems_unless_accepted(root):
    picture(root / "query/me.png", 96)
    assert "me.png" in check(root).differences[0] and not check(root).sound
    assert check(root, accept_differences=True).sound


def test_masks_are_checked_too(tmp_path):
    image = picture(tmp_path / "a.png", 1)
    good, bad, wide = tmp_path / "good.png", tmp_path / "bad.png", tmp_path / "wide.png"
    write_mask(good, np.ones((8, 4), np.uint8))
    bad.write_bytes(b"")
    write_mask(wide, np.ones((8, 16), np.uint8))
    split = Split("x", tuple(Record(image, 1, 0, mask=mask) for mask in (good, bad, wide)), (), ())
    assert list(verify(split).unreadable) == sorted(map(str, (bad, wide)))


LAYOUTS = {
    "market1501": (
        "bounding_box_train/0002_c1s1_1_0.jpg",
        "query/0001_c1s1_1_0.jpg",
        "bounding_box_test/0001_c2s1_1_0.jpg",
    ),
    "dukemtmc": ("bounding_box_train/0002_c1_f1.jpg", "query/0001_c1_f1.jpg", "bounding_box_test/0001_c2_f1.jpg"),
    "occluded_reid": ("occluded_body_images/001/001_01.tif", "whole_body_images/001/001_01.tif"),
    "cuhk03_np": tuple(f"detected/{p}/0001_c1_1.png" for p in ("bounding_box_train", "query", "bounding_box_test")),
    "partial_ilids18": ("Probe/001_1.jpg", "Gallery/001_1.jpg"),
    "folder": ("query/0001_c1.jpg", "gallery/0001_c2.jpg"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised_without_a_warning(tmp_path, name):
    for file in LAYOUTS[name]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert recognise(tmp_path) == name


def test_a_stray_file_does_not_hide_the_layout(tmp_path):
    for seed, part in enumerate(("bounding_box_train", "query", "bounding_box_test")):
        picture(tmp_path / part / f"000{seed + 1}_c1s1_000001_00.jpg", seed)
    assert recognise(tmp_path) == "market1501"
    picture(tmp_path / "bounding_box_train" / "holiday.jpg", 9)
    assert recognise(tmp_path) == "market1501"


def test_of_like_layouts_the_nearest_counts_win(tmp_path):
    for part in ("Probe", "Gallery"):
        (tmp_path / part).mkdir()
        for i in range(230):
            (tmp_path / part / f"{i:03d}.jpg").touch()
    assert recognise(tmp_path) == "partial_ilids19"


def test_a_table_is_a_folder_and_nothing_is_nothing(tmp_path):
    (tmp_path / "mine.csv").touch()
    assert recognise(tmp_path / "mine.csv") == "folder"
    with pytest.raises(UserError, match="layout of no known benchmark"):
        recognise(tmp_path)
    with pytest.raises(UserError, match="gone does not exist"):
        recognise(tmp_path / "gone")
