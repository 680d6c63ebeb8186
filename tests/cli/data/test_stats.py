import json

import pytest
from PIL import Image

from occreid.errors import UserError


def test_stats_and_a_sheet(run, tiny_market, tmp_path):
    result = run("stats", tiny_market, "--sheet", tmp_path / "s.png")
    assert "8×16: 2" in result.stdout and "images per camera (camera: images): 2: 1, 3: 1" in result.stdout
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG") and "wrote 1 persons" in result.stderr
    parts = json.loads(run("stats", tiny_market, "--json").stdout)["parts"]
    assert parts["gallery"]["sizes"] == {"8x16": 2} and parts["query"]["images_per_id"] == {"1": 1}
    assert parts["train"]["occluded"] is None


def test_what_is_accepted_is_told_to_people_and_to_machines_alike(run, tiny_market):
    (tiny_market / "query/holiday.jpg").write_bytes((tiny_market / "query/0001_c1s1_001051_00.jpg").read_bytes())
    notes = json.loads(run("stats", tiny_market, "--json").stdout)["notes"]
    assert "expected 12936 of 751" in notes["counts"] and "holiday.jpg" in notes["skipped"]
    assert all(f"note: {key}: {text}" in run("stats", tiny_market).stdout for key, text in notes.items())
    with pytest.raises(UserError, match=r"holiday\.jpg|other counts"):
        run("stats", tiny_market, "--option", "strict=true")


def test_a_withdrawn_set_is_told_on_stderr_in_one_line(run, tmp_path):
    for name in ("bounding_box_train/0002_c1_f1.jpg", "query/0001_c1_f1.jpg", "bounding_box_test/0001_c2_f1.jpg"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (4, 8), (len(name), 0, 0)).save(tmp_path / name)
    result = run("stats", tmp_path, "--name", "dukemtmc")
    assert "\nwarning: DukeMTMC-reID comes from DukeMTMC" in "\n" + result.stderr


def test_distractors_of_ones_own_folder(run, tmp_path):
    for grey, name in enumerate(
        ("query/0001_c1.png", "gallery/0001_c2.png", "gallery/0000_c1.png", "gallery/0009_c1.png")
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 8), (grey, grey, grey)).save(tmp_path / name)
    result = run("stats", tmp_path, "--name", "folder", "--option", "distractors=0,9", "--json")
    assert json.loads(result.stdout)["parts"]["gallery"]["ids"] == 1
