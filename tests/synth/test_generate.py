import hashlib
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from occreid.errors import UserError
from occreid.synth import generate, protocol
from occreid.synth.protocol import Size

NAME = re.compile(r"(\d{4})_c(\d+)s1_(\d{6})_(\d\d)\.(jpg|png)")


def _hashes(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def test_bytes_depend_on_the_seed_and_not_on_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(protocol.SIZES, "tiny", Size(0, 1, 0, 3))
    made = {}
    for name, seed, workers in (("one", 1, 1), ("two", 1, 2), ("other", 2, 1)):
        made[name] = _hashes(generate(tmp_path / name, seed=seed, workers=workers, progress=False))
    assert len(made["one"]) == 7
    assert made["one"] == made["two"]
    assert not set(made["one"].values()) & set(made["other"].values())


def test_the_layout_is_market_1501s(small: Path, rows: list[dict[str, Any]]):
    assert {p.name for p in small.iterdir()} == {
        "bounding_box_train",
        "bounding_box_test",
        "query",
        "masks",
        "occsynth.parquet",
    }
    on_disk = {
        p.relative_to(small).as_posix()
        for folder in ("bounding_box_train", "bounding_box_test", "query")
        for p in (small / folder).iterdir()
    }
    assert on_disk == {row["file"] for row in rows}
    assert {p.relative_to(small).as_posix() for p in (small / "masks").iterdir()} == {row["mask"] for row in rows}
    for row in rows:
        match = NAME.fullmatch(Path(row["file"]).name)
        assert match is not None
        assert int(match[1]) == row["pid"]
        assert int(match[2]) == row["camid"] + 1
        assert int(match[3]) == round(row["time"] * 25)
        assert (
            row["file"].split("/")[0]
            == {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}[row["split"]]
        )


def test_splits_share_neither_people_nor_occluders(rows: list[dict[str, Any]]):
    people, things = defaultdict(set), defaultdict(set)
    for row in rows:
        side = "train" if row["split"] == "train" else "test"
        people[side].add(row["pid"])
        things[side].add(row["occluder_id"])
        assert row["occluded"] == (row["occluder_id"] is not None) == (row["occluder_kind"] is not None)
    assert not people["train"] & people["test"]
    assert not (things["train"] & things["test"]) - {None}


def test_queries_are_occluded_and_have_their_gallery(rows: list[dict[str, Any]]):
    for query in (row for row in rows if row["split"] == "query"):
        assert query["occluded"]
        others = [r for r in rows if r["pid"] == query["pid"] and r["split"] == "gallery"]
        assert sorted(r["occluded"] for r in others) == [False, True]
        assert query["camid"] not in {r["camid"] for r in others}


def test_images_masks_and_fractions_agree(small: Path, rows: list[dict[str, Any]]):
    for row in rows:
        image = cv2.imread(str(small / row["file"]))
        mask = cv2.imread(str(small / row["mask"]), cv2.IMREAD_UNCHANGED)
        assert image is not None and image.shape == (256, 128, 3)
        assert mask is not None and mask.shape == (256, 128)
        assert mask.max() <= 4
        visible = [row[f"visible_{name}"] for name in ("head", "torso_arms", "upper_legs", "lower_legs_feet")]
        for part, value in enumerate(visible):
            assert 0 <= value <= 1
            assert (value > 0) == bool((mask == part + 1).any()), "seen means there are pixels"
        assert np.mean(visible) < 0.98 or not row["occluded"]


def test_people_can_be_told_apart(small: Path, rows: list[dict[str, Any]]):
    """The mean colour of the torso differs more between persons than within one."""
    means = defaultdict(list)
    for row in rows:
        if row["split"] == "train" and row["visible_torso_arms"] > 0.9:
            image, mask = (
                cv2.imread(str(small / row["file"])),
                cv2.imread(str(small / row["mask"]), cv2.IMREAD_GRAYSCALE),
            )
            assert image is not None and mask is not None
            means[row["pid"]].append(image[mask == 2].mean(0))
    centers = [np.mean(m, axis=0) for m in means.values()]
    assert np.linalg.norm(centers[0] - centers[1]) > 10


@pytest.mark.parametrize(
    "wrong, message",
    [({"size": "huge"}, "no size 'huge'"), ({"seed": -1}, "seed -1"), ({"workers": 0}, "0 workers")],
)
def test_wrong_arguments_are_named(tmp_path: Path, wrong: dict[str, Any], message: str):
    with pytest.raises(UserError, match=message):
        generate(tmp_path / "out", progress=False, **wrong)
    assert not (tmp_path / "out").exists()


def test_a_full_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        generate(tmp_path, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_error_in_a_worker_surfaces_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):

    import importlib

    module = importlib.import_module("occreid.synth.generate")

    def broken(*args: object) -> None:
        raise UserError("the disk is full.", "Free some space.")

    monkeypatch.setattr(module, "make_person", broken)
    with pytest.raises(UserError, match="the disk is full"):
        module.generate(tmp_path / "out", progress=False)
    assert list(tmp_path.iterdir()) == []
