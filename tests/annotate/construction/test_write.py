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
        assert {r.path.name: (r.pid, r.camid) for r in getattr(market, part)} == {
            r.path.name: (r.pid, r.camid) for r in getattr(own, part)
        }
    assert own.same_camera == "junk"
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
    assert {r.camid for r in split.query} != {r.camid for r in split.gallery}


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
