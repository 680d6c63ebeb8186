import csv

import numpy as np
import pytest
from PIL import Image

from occreid.annotate.construction import Crop, plan_splits, write_benchmark
from occreid.data import load_benchmark
from occreid.errors import UserError


@pytest.fixture
def crops(tmp_path):
    root = tmp_path / "crops"
    root.mkdir()
    made = []
    for pid in range(12):
        for i in range(9):
            rng = np.random.default_rng((pid, i))
            pixels = np.array(Image.fromarray(rng.integers(0, 256, (8, 4, 3), np.uint8)).resize((16, 32)))
            Image.fromarray(pixels).save(root / f"p{pid}-{i}.png")
            made.append(Crop(f"p{pid}-{i}.png", f"p{pid}", f"gate{i % 3}", i < 3, "left side" if i < 3 else ""))
    return root, made


def test_every_loader_reads_what_was_written(crops, tmp_path):
    root, made = crops
    plan = plan_splits(made, seed=1)
    assert write_benchmark(plan, root, tmp_path / "set", seed=1) == []
    market = load_benchmark("market1501", tmp_path / "set", strict=False)
    own = load_benchmark("folder", tmp_path / "set" / "benchmark.csv")
    for part in ("train", "query", "gallery"):
        wanted = getattr(plan, part)
        assert len(getattr(market, part)) == len(getattr(own, part)) == len(wanted)
        assert sum(bool(r.occluded) for r in getattr(own, part)) == sum(c.occluded for c in wanted)
        same = {}  # the numbers of the layout and the words of the table are about the same persons and cameras
        for ours, theirs in zip(getattr(own, part), getattr(market, part), strict=True):
            assert ours.path == theirs.path
            assert same.setdefault((ours.person, ours.camera), (theirs.pid, theirs.camid)) == (theirs.pid, theirs.camid)
        assert len(set(same.values())) == len(same)
    assert own.same_camera == "junk"
    called = {c.path: (c.pid, c.camid) for c in plan.train}
    assert {(r.person_name, r.camera_name) for r in own.train} == set(called.values())
    assert "In file names, cameras: 1 is gate0, 2 is gate1, 3 is gate2." in (tmp_path / "set" / "card.md").read_text()
    source = {(root / c.path).read_bytes() for c in plan.query}
    assert {r.path.read_bytes() for r in own.query} == source


def test_the_card_says_how_it_came_about(crops, tmp_path):
    root, made = crops
    plan = plan_splits(made, seed=1)
    write_benchmark(plan, root, tmp_path / "set", seed=1)
    text = (tmp_path / "set" / "card.md").read_text()
    assert f"| query | {len(plan.query)} | {len(plan.query)} | 100% |" in text
    assert "Cameras: 3." in text and "Seed: 1." in text and "| left side |" in text and "0 pairs" in text
    assert not (tmp_path / "set" / "leaks.csv").exists()


def test_leaks_are_listed(crops, tmp_path):
    root, made = crops
    plan = plan_splits(made, seed=1)
    (root / plan.train[0].path).write_bytes((root / plan.query[0].path).read_bytes())
    (leak,) = write_benchmark(plan, root, tmp_path / "set", seed=1)
    assert {leak.first, leak.second} == {plan.train[0].path, plan.query[0].path}
    with (tmp_path / "set" / "leaks.csv").open() as file:
        assert len(list(csv.reader(file))) == 2
    assert "1 pairs of nearly equal" in (tmp_path / "set" / "card.md").read_text()


def test_without_cameras_no_rule_bites(crops, tmp_path):
    root, made = crops
    bare = [Crop(c.path, c.pid, "", c.occluded) for c in made]
    write_benchmark(plan_splits(bare, seed=1), root, tmp_path / "set", seed=1)
    split = load_benchmark("folder", tmp_path / "set" / "benchmark.csv")
    assert split.same_camera == "keep" and {r.camera_name for r in split.query} == {None}
    layout = load_benchmark("market1501", tmp_path / "set", strict=False)
    assert {r.camid for r in layout.query} != {r.camid for r in layout.gallery}


def test_numbers_stay_numbers_and_words_stay_in_the_table(crops, tmp_path):
    root, made = crops
    numbered = [Crop(c.path, str(70 + 2 * int(c.pid[1:])), str(4 + int(c.camid[4:])), c.occluded) for c in made]
    write_benchmark(plan_splits(numbered, seed=1), root, tmp_path / "a", seed=1)
    market, own = (
        load_benchmark("market1501", tmp_path / "a", strict=False),
        load_benchmark("folder", tmp_path / "a" / "benchmark.csv"),
    )
    assert [r.pid for r in market.records] == [r.pid for r in own.records]
    assert {r.pid for r in own.records} <= {70 + 2 * pid for pid in range(12)}
    assert {r.camera_name for r in market.records} == {r.camera_name for r in own.records} == {"4", "5", "6"}
    assert "## Names" not in (tmp_path / "a" / "card.md").read_text()


def test_a_camera_that_is_not_known_is_none_of_the_known(crops, tmp_path):
    root, made = crops
    some = [Crop(c.path, c.pid, "" if c.camid == "gate2" else c.camid[4:].replace("0", "2"), c.occluded) for c in made]
    plan = plan_splits(some, seed=1)
    write_benchmark(plan, root, tmp_path / "set", seed=1)
    split = load_benchmark("folder", tmp_path / "set" / "benchmark.csv")
    for part in ("train", "query", "gallery"):
        known = {c.camid for c in getattr(plan, part)} - {""}
        assert known <= {r.camera_name for r in getattr(split, part)} <= {*known, "unknown", "unknown, gallery"}


def test_all_or_nothing(crops, tmp_path):
    root, made = crops
    plan = plan_splits(made, seed=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(UserError, match="full is not empty"):
        write_benchmark(plan, root, tmp_path / "full", seed=1)
    (root / plan.gallery[-1].path).unlink()
    with pytest.raises(UserError):
        write_benchmark(plan, root, tmp_path / "set", seed=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["crops", "full"]
