import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def load(root, **options):
    return load_benchmark("folder", root, **options)


def test_the_default_pattern_reads_market_like_names(touch, ids_of, cameras_of):
    root = touch("train/0002_c1_x.jpg", "query/0001_c1.png", "gallery/0001_c6s3_1.jpg", "gallery/-1_c1.jpg")
    split = load(root)
    assert split.name == "folder" and split.same_camera == "junk" and split.distractor_pids == frozenset()
    assert ids_of(split.train) == [2] and ids_of(split.query) == ids_of(split.gallery) == [1]
    assert cameras_of(split.gallery) == [1] and split.notes == {"cameras": "1=0, 6=1", "junk_dropped": "1"}


def test_own_names_and_word_ids(touch, ids_of, cameras_of):
    root = touch("query/eve-hall-1.jpg", "gallery/sub/eve-door-2.jpg", "gallery/adam-door-3.jpg")
    split = load(root, pattern=r"(?P<pid>[a-z]+)-(?P<camid>[a-z]+)-\d+\.jpg")
    assert ids_of(split.query) == [1] and ids_of(split.gallery) == [0, 1] and cameras_of(split.query) == [1]
    assert split.notes["ids"] == "adam=0, eve=1" and split.train == ()


def test_the_name_not_the_path(touch, tmp_path, ids_of):
    root = touch("query/p9_c9/0003_c1.jpg", "gallery/0003_c2.jpg", root=tmp_path / "run-3_c7")
    assert ids_of(load(root).query) == [3]


def test_without_cameras_nothing_is_filtered(touch):
    root = touch("query/1.jpg", "gallery/1.jpg")
    assert load(root, pattern=r"(?P<pid>\d+)\.jpg").same_camera == "keep"
    assert load(root, pattern=r"(?P<pid>\d+)\.jpg", same_camera="junk").same_camera == "junk"


def test_some_with_a_camera_and_some_without(touch):
    root = touch("query/1.jpg", "gallery/1_c2.jpg")
    with pytest.raises(UserError, match=r"1 of 2 images have no camera, the first is .*query/1.jpg"):
        load(root, pattern=r"(?P<pid>\d+)(_c(?P<camid>\d))?\.jpg")


def test_distractors_by_number_or_word(touch):
    root = touch("query/0001_c1.jpg", "gallery/0001_c2.jpg", "gallery/0000_c1.jpg")
    for written in (0, "0", "0000"):
        split = load(root, distractors=(written,))
        assert split.distractor_pids == {0} and split.counts()["gallery"]["ids"] == 1
    with pytest.raises(UserError, match="no image has the id 5"):
        load(root, distractors=(5,))


def test_misnamed_files(touch):
    root = touch("query/0001_c1.jpg", "query/me.jpg", "gallery/0001_c2.jpg")
    with pytest.raises(UserError, match=r"1 image files of folder .*query/me.jpg"):
        load(root)
    assert "me.jpg" in load(root, strict=False).notes["skipped"]
    with pytest.raises(UserError, match=r"fits the pattern; the first is 0001_c"):
        load(root, pattern=r"(?P<pid>\d+)-.*")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("(", "is no regular expression"), (r"(\d+)_.*", "has no group 'pid'")],
)
def test_bad_patterns(touch, pattern, message):
    with pytest.raises(UserError, match=message):
        load(touch("query/0001_c1.jpg", "gallery/0001_c2.jpg"), pattern=pattern)


def test_parts_that_are_missing(touch, tmp_path):
    with pytest.raises(UserError, match="query or probe; gallery or bounding_box_test or test"):
        load(tmp_path)
    root = touch("query/0001_c1.jpg")
    with pytest.raises(UserError, match="has a query part but no gallery part"):
        load(root)


def test_a_set_to_train_on_only(touch):
    split = load(touch("train/0001_c1.jpg"))
    assert len(split.train) == 1 and split.query == split.gallery == ()


def test_only_junk(touch):
    with pytest.raises(UserError, match="holds no image of a person"):
        load(touch("train/-1_c1.jpg"))


def test_a_table(touch, tmp_path, ids_of):
    root = touch("img/z.jpg", "img/a.jpg")
    table = root / "mine.csv"
    table.write_text("path,pid,camid,split,occluded\nimg/z.jpg,5,1,query,yes\nimg/a.jpg,5,2,gallery,\n")
    split = load(table)
    assert ids_of(split.query) == ids_of(split.gallery) == [5] and split.same_camera == "junk"
    assert split.query[0].occluded is True and split.gallery[0].occluded is None
    with pytest.raises(UserError, match="there is no table"):
        load(tmp_path / "other.csv")


def test_order_does_not_depend_on_the_file_system_or_the_table(touch, backwards):
    root = touch("query/0002_c1.jpg", "query/0001_c1.jpg", "gallery/a/0001_c2.jpg", "gallery/0002_c2.jpg")
    names = ["gallery/0002_c2.jpg", "query/0001_c1.jpg", "gallery/a/0001_c2.jpg"]
    lines = [f"{name},{i},1,{name.split('/')[0]}\n" for i, name in enumerate(names)]
    (root / "one.csv").write_text("path,pid,camid,split\n" + "".join(lines))
    (root / "two.csv").write_text("path,pid,camid,split\n" + "".join(lines[::-1]))
    assert load(root / "one.csv") == load(root / "two.csv")
    before = load(root)
    backwards()
    assert load(root) == before
