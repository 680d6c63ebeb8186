from collections import defaultdict

import pytest
from PIL import Image

from occreid.data import load_benchmark
from occreid.data.splitting import Sighting, draw_parts, read_sightings, write_table
from occreid.errors import UserError


@pytest.fixture
def crops(tmp_path):
    for person, cameras in (("anna", "ab"), ("bert", "ab"), ("carl", "abc"), ("dora", "aa"), ("7", "ab"), ("-1", "a")):
        for number, camera in enumerate(cameras):
            file = tmp_path / "crops" / person / camera / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 8)).save(file)
    return tmp_path / "crops"


def test_a_folder_is_a_person_and_patterns_look_at_the_whole_path(crops):
    found = read_sightings(crops)
    assert {s.pid for s in found} == {"anna", "bert", "carl", "dora", "7", "-1"} and {s.camid for s in found} == {""}
    found = read_sightings(crops, r"(?P<pid>[^/]+)/(?P<camid>\w)/.*")
    assert {(s.pid, s.camid) for s in found if s.pid == "carl"} == {("carl", "a"), ("carl", "b"), ("carl", "c")}


@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_trained_and_tested_and_every_query_can_be_found(crops, seed):
    sightings = read_sightings(crops, r"(?P<pid>[^/]+)/(?P<camid>\w)/.*")
    drawn = draw_parts(sightings, train=0.4, seed=seed)
    assert drawn == draw_parts(sightings[::-1], train=0.4, seed=seed)
    parts = defaultdict(set)
    for sighting in drawn:
        parts[sighting.pid].add(sighting.part)
    assert all(held == {"train"} or "train" not in held for held in parts.values())
    assert sum(held == {"train"} for held in parts.values()) == 2 and "-1" not in parts
    assert "query" not in parts["dora"]  # one camera only
    for query in (s for s in drawn if s.part == "query"):
        assert any(s.part == "gallery" and s.pid == query.pid and s.camid != query.camid for s in drawn)


def test_without_cameras_one_picture_is_the_query(crops):
    drawn = draw_parts(read_sightings(crops), train=0)
    for pid in ("anna", "carl", "dora"):
        assert sum(s.part == "query" for s in drawn if s.pid == pid) == 1
    assert not any(s.part == "train" for s in drawn)


def test_the_table_is_a_benchmark_with_the_labels_as_they_were(crops, tmp_path):
    drawn = draw_parts(read_sightings(crops, r"(?P<pid>[^/]+)/(?P<camid>\w)/.*"), train=0.4, seed=1)
    counts = write_table(drawn, tmp_path / "tables" / "split.csv")
    split = load_benchmark("folder", tmp_path / "tables" / "split.csv")
    assert {part: len(getattr(split, part)) for part in counts} == counts
    text = (tmp_path / "tables" / "split.csv").read_text()
    assert "../crops/carl/" in text and ",carl," in text
    again = read_sightings(tmp_path / "tables" / "split.csv")
    assert {(s.pid, s.camid) for s in again} == {(s.pid, s.camid) for s in drawn}


def test_moments_tags_and_occlusion_of_a_table_stay(crops, tmp_path):
    rows = [f"{file},{file.parts[-3]},{file.parts[-2]}" for file in sorted(crops.rglob("*.png"))]
    moments = [
        f"2026-03-01T08:00:{number:02d}.25,{'staff;door' * (number == 0)},{('', 'true', 'false')[number % 3]}"
        for number in range(len(rows))
    ]
    lines = [f"{row},{moment}" for row, moment in zip(rows, moments, strict=True)]
    (tmp_path / "own.csv").write_text("path,pid,camera,timestamp,tags,occluded\n" + "\n".join(lines) + "\n")
    own = read_sightings(tmp_path / "own.csv")
    write_table(draw_parts(own, train=0), tmp_path / "split.csv")
    split = load_benchmark("folder", tmp_path / "split.csv")
    known = {s.path.resolve(): (s.timestamp, s.tags, s.occluded) for s in own}
    assert {r.path.resolve(): (r.timestamp, r.tags, r.occluded) for r in split.records}.items() <= known.items()
    assert {occluded for *_, occluded in known.values()} == {None, True, False}
    assert {tags for _, tags, _ in known.values()} == {(), ("door", "staff")} and own[1].timestamp == 1772352001.25


def test_what_cannot_be_split_is_named(crops, tmp_path):
    Image.new("RGB", (4, 8)).save(crops / "stray.png")
    with pytest.raises(UserError, match=r"1 pictures show nobody known, e\.g\. .*stray\.png"):
        read_sightings(crops)
    for pattern, problem in (("(", "no regular expression"), (".*", "no group 'pid'")):
        with pytest.raises(UserError, match=problem):
            read_sightings(crops, pattern)
    (tmp_path / "a.csv").write_text("path,person\n")
    (tmp_path / "b.csv").write_text("path,pid\ngone.png,1\n")
    (tmp_path / "c.csv").write_text("path,pid\n")
    (tmp_path / "d.csv").write_text("path,pid\nx.png,\n")
    for name, problem in (("a", "unknown column"), ("b", "do not exist"), ("c", "no rows"), ("d", "line 2 has no pid")):
        with pytest.raises(UserError, match=problem):
            read_sightings(tmp_path / f"{name}.csv")
    with pytest.raises(UserError, match="share of 1"):
        draw_parts([], train=1)
    with pytest.raises(UserError, match="none of 1 test persons"):
        draw_parts([Sighting(tmp_path / "a.png", "anna")], train=0)
