import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError

LISTS = {
    "train": "0000/0000_000_01_0303morning_0015_0.jpg 0\n0001/0001_000_15_0303noon_0015_0.jpg 1\n",
    "val": "0002/0002_001_02_0303morning_0018_0.jpg 2\n",
    "query": "0000/0000_005_03_0303morning_0020_0.jpg 0\n",
    "gallery": "0001/0001_000_04_0114noon_0020_0.jpg 1\n0000/0000_006_05_0303morning_0020_0.jpg 0\n\n",
}


@pytest.fixture
def build(touch, tmp_path):
    def make(name="MSMT17_V1", train="train", test="test"):
        root = tmp_path / name
        for part, text in LISTS.items():
            folder = train if part in ("train", "val") else test
            touch(*(f"{folder}/{line.split()[0]}" for line in text.split("\n") if line), root=root)
            (root / f"list_{part}.txt").write_text(text)
        return root

    return make


def load(root, **options):
    return load_benchmark("msmt17", root, strict=False, **options)


@pytest.mark.parametrize(
    ("layout", "version"),
    [
        (("MSMT17_V1",), "v1"),
        (("MSMT17",), "v1"),
        (("MSMT17_V2", "mask_train_v2", "mask_test_v2"), "v2"),
        (("MSMT17", "mask_train_v2", "mask_test_v2"), "v2"),
    ],
)
def test_layouts_from_inside_and_from_above(build, layout, version, ids_of, cameras_of):
    root = build(*layout)
    split = load(root)
    assert load(root.parent) == split == load(root, version=version)
    assert split.notes["version"] == version and split.same_camera == "junk"
    assert ids_of(split.train) == [0, 1] and cameras_of(split.train) == [0, 14], "cameras are zero-based"
    assert cameras_of(split.query) == [2] and cameras_of(split.gallery) == [4, 3]


def test_train_or_trainval_is_chosen_and_noted(build, ids_of):
    root = build()
    assert ids_of(load(root).train) == [0, 1] and load(root).notes["train"] == "train"
    both = load(root, train="trainval")
    assert ids_of(both.train) == [0, 1, 2] and both.notes["train"] == "trainval"


def test_test_ids_follow_the_training_ids_whatever_is_trained_on(build, ids_of):
    for train in ("train", "trainval"):
        split = load(build(), train=train)
        assert ids_of(split.query) == [3] and ids_of(split.gallery) == [3, 4]
        assert split.notes["test_pid_offset"] == "3"


def test_pid_zero_is_a_person(build):
    assert load(build()).distractor_pids == frozenset()


def test_counts_of_the_test_part_are_checked_for_train_too(build):
    with pytest.raises(UserError, match="query has 1 images of 1 ids, expected 11659 of 3060") as error:
        load_benchmark("msmt17", build())
    assert "train has" not in str(error.value)
    with pytest.raises(UserError, match="train has 3 images of 3 ids, expected 32621 of 1041"):
        load_benchmark("msmt17", build(), train="trainval")


def test_both_versions_in_one_place_must_be_chosen_from(build):
    v1 = build()
    build("MSMT17_V2", "mask_train_v2", "mask_test_v2")
    with pytest.raises(UserError, match="holds both versions"):
        load(v1.parent)
    assert "mask_train_v2" in load(v1.parent, version="v2").train[0].path.as_posix()
    assert load(v1.parent, version="v1") == load(v1)


def test_missing_lists_images_and_bad_lines(build):
    root = build()
    (root / "test/0001/0001_000_04_0114noon_0020_0.jpg").unlink()
    with pytest.raises(UserError, match=r"1 images that the lists name are not in .*test: 0001/0001_000_04"):
        load(root)
    (root / "list_val.txt").write_text("0002/0002_001_02_0303morning_0018_0.jpg\n")
    with pytest.raises(UserError, match=r"list_val.txt line 1 is '0002/0002_001_02"):
        load(root)
    (root / "list_val.txt").write_text("\n")
    with pytest.raises(UserError, match=r"list_val.txt is empty"):
        load(root)
    (root / "list_val.txt").unlink()
    with pytest.raises(UserError, match=r"no list .*list_val.txt"):
        load(root)


def test_apple_files_and_order(build, backwards, touch):
    root = build()
    touch("train/0000/._0000_000_01_0303morning_0015_0.jpg", "__MACOSX/train/x.jpg", root=root)
    before = load(root)
    backwards()
    assert load(root) == before and len(before.train) == 2


def test_market_style_knows_no_validation_list(touch, tmp_path, ids_of, cameras_of):
    root = touch(
        "bounding_box_train/0000_c1_0001.jpg",
        "bounding_box_train/0001_c15_0001.jpg",
        "query/0000_c2_0001.jpg",
        "bounding_box_test/0000_c3_0001.jpg",
        root=tmp_path / "MSMT17",
    )
    with pytest.raises(UserError, match=r"re-packed.*train=trainval"):
        load(root)
    split = load(root.parent, train="trainval")
    assert split.notes["version"] == "re-packed" and split.notes["test_pid_offset"] == "2"
    assert cameras_of(split.train) == [0, 14] and ids_of(split.query) == ids_of(split.gallery) == [2]


def test_market_style_with_ids_of_its_own_keeps_them(touch, ids_of):
    root = touch("bounding_box_train/0000_c1_1.jpg", "query/0007_c2_1.jpg", "bounding_box_test/0007_c3_1.jpg")
    split = load(root, train="trainval")
    assert ids_of(split.query) == [7] and split.notes["test_pid_offset"] == "0"


def test_an_unknown_layout_lists_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"mask_train_v2 and mask_test_v2, or bounding_box_train"):
        load(tmp_path)
