import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError
from occreid.records import PART_NAMES


def row(file, split, pid, camid, **changes):
    visible = {f"visible_{part}": 1.0 for part in PART_NAMES}
    plain = {"occluded": False, "occluder_kind": None, "occluder_id": None, "time": 1.5}
    return {"file": file, "split": split, "pid": pid, "camid": camid, "mask": None, **visible, **plain, **changes}


ROWS = [
    row("query/0003_c2s1_000001_00.png", "query", 3, 1, occluded=True, occluder_kind="car", occluder_id="car-7"),
    row("bounding_box_train/0001_c1s1_000451_00.png", "train", 1, 0, mask="masks/0001_c1s1_000451_00.png"),
    row("bounding_box_test/0003_c1s1_000002_00.png", "gallery", 3, 0, visible_head=0.25),
]


@pytest.fixture
def build(touch, tmp_path):
    def make(rows=ROWS, drop=()):
        root = touch(*(r[key] for r in rows for key in ("file", "mask") if r[key]), root=tmp_path / "occsynth")
        table = pa.Table.from_pylist(rows)
        pq.write_table(table.drop_columns(list(drop)), root / "occsynth.parquet")
        return root

    return make


def test_every_field_of_a_record(build):
    root = build()
    split = load_benchmark("occsynth", root)
    (train,), (query,), (gallery,) = split.train, split.query, split.gallery
    assert split == load_benchmark("occsynth", root.parent) and split.same_camera == "junk"
    assert (train.pid, train.camid, train.time) == (1, 0, 1.5)
    assert train.mask == root / "masks/0001_c1s1_000451_00.png" and query.mask is None
    assert (query.occluded, query.occluder_kind, query.occluder_id) == (True, "car", "car-7")
    assert gallery.visibility == (0.25, 1.0, 1.0, 1.0) and gallery.occluded is False
    assert gallery.path == root / "bounding_box_test/0003_c1s1_000002_00.png"


def test_order_of_rows_does_not_matter(build):
    extra = row("bounding_box_train/0000_c1s1_1_0.png", "train", 0, 0)
    split = load_benchmark("occsynth", build([*ROWS, extra]))
    assert load_benchmark("occsynth", build([extra, *ROWS[::-1]])) == split
    assert [r.pid for r in split.train] == [0, 1] and split.distractor_pids == frozenset()


def test_unknown_visibility(build):
    rows = [ROWS[0] | {"visible_head": None}, *ROWS[1:]]
    assert load_benchmark("occsynth", build(rows)).query[0].visibility is None


def test_no_table(tmp_path, build):
    with pytest.raises(UserError, match=r"no occsynth.parquet in .* Generate it: occreid data synth"):
        load_benchmark("occsynth", tmp_path)
    build().rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"There is one in .*elsewhere"):
        load_benchmark("occsynth", tmp_path)


def test_a_damaged_or_foreign_table(build):
    with pytest.raises(UserError, match="has no column time, visible_head"):
        load_benchmark("occsynth", build(drop=("time", "visible_head")))
    root = build([ROWS[0] | {"split": "val"}])
    with pytest.raises(UserError, match="has the split 'val'"):
        load_benchmark("occsynth", root)
    (root / "occsynth.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UserError, match="is not a readable Parquet table"):
        load_benchmark("occsynth", root)


@pytest.mark.parametrize("name", [ROWS[0]["file"], ROWS[1]["mask"]])
def test_missing_files_are_named(build, name):
    root = build()
    (root / name).unlink()
    with pytest.raises(UserError, match=f"1 files that .* names are missing: {name}"):
        load_benchmark("occsynth", root)


def test_pictures_the_table_does_not_name(build, touch):
    root = touch("query/0009_c1s1_1_0.png", "query/._x.png", "sheet.png", root=build())
    with pytest.raises(UserError, match=r"1 image files of occsynth .*query/0009_c1s1_1_0.png"):
        load_benchmark("occsynth", root)
    split = load_benchmark("occsynth", root, strict=False)
    assert len(split.query) == 1 and "0009" in split.notes["skipped"]


def test_the_study_is_a_benchmark_by_name_with_the_counts_that_its_plan_gives(build):
    from occreid.data.benchmarks import benchmark_facts
    from occreid.synth.protocol import SECOND_SIZES, plan

    shots = [shot for person in plan(SECOND_SIZES["study"], 0) for shot in person]
    for part, counts in benchmark_facts("occsynth_study").counts[""].items():
        own = [shot for shot in shots if shot.split == part]
        assert (len(own), len({shot.pid for shot in own})) == counts
    with pytest.raises(UserError, match="occsynth_study has other counts than published"):
        load_benchmark("occsynth_study", build())
    split = load_benchmark("occsynth_study", build(), strict=False)
    assert split.name == "occsynth_study" and "expected 640 of 320" in split.notes["counts"]
