import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import data
from occreid.data import list_benchmarks
from occreid.errors import UserError

app = typer.Typer()
data.register(app)


def run(*arguments, code=0):
    """stdout of a command that must leave with this exit code."""
    result = CliRunner().invoke(app, ["data", *map(str, arguments)], catch_exceptions=False, env={"COLUMNS": "250"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def market(tmp_path):
    names = (
        "bounding_box_train/0002_c1s1_000451_03.jpg",
        "query/0001_c1s1_001051_00.jpg",
        "bounding_box_test/0000_c3s2_000151_01.jpg",
        "bounding_box_test/0001_c2s1_001976_01.jpg",
    )
    generator = np.random.default_rng(0)
    for name in names:
        path = tmp_path / "market" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (16, 8, 3), dtype=np.uint8)).save(path)
    return tmp_path / "market"


def test_list_shows_every_benchmark_and_its_status():
    table = run("list").stdout
    assert all(name in table for name in list_benchmarks())
    counts, note = (line for line in table.splitlines() if line.strip().startswith("dukemtmc"))
    assert "16,522 / 702" in counts and "withdrawn by its authors" in note
    assert "…" not in table


def test_list_for_machines():
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert set(rows) == set(list_benchmarks())
    assert rows["market1501"]["counts"][""]["query"] == {"images": 3368, "ids": 750}
    assert rows["occluded_duke"]["status"] == "withdrawn" and rows["market1501"]["status"] == ""
    assert rows["msmt17"]["options"]["train"] == "train"


def test_verify_finds_the_counts_wrong_unless_told_otherwise(market):
    result = run("verify", market, code=1)
    assert "recognised as market1501" in result.stderr
    assert "train has 1 images of 1 ids, expected 12936 of 751" in result.stdout
    assert result.stdout.strip().endswith("problems were found")
    result = run("verify", market, "--name", "market1501", "--option", "strict=false")
    assert result.stdout.strip().endswith("sound") and "distractors in the gallery: 1" in result.stdout


def test_verify_lists_a_broken_file_by_path(market):
    broken = market / "query/0001_c1s1_001051_00.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    assert str(broken) in run("verify", market, "--option", "strict=false", code=1).stdout


def test_verify_for_machines(market):
    broken = market / "query/0001_c1s1_001051_00.jpg"
    broken.write_bytes(b"")
    report = json.loads(run("verify", market, "--json", code=1).stdout)
    assert report["name"] == "market1501" and report["sound"] is False
    assert list(report["unreadable"]) == [str(broken)] and report["counts"]["gallery"]["images"] == 2
    assert len(report["differences"]) == 1 and report["distractors"] == 1


def test_a_long_list_is_cut_for_people_but_not_for_machines(market):
    for i in range(30):
        (market / f"query/file{i}.txt").touch()
    lenient = ("verify", market, "--option", "strict=false")
    text = run(*lenient).stdout
    assert "files that are no images (ignored): 30" in text and "and 10 more" in text
    assert len(json.loads(run(*lenient, "--json").stdout)["strays"]) == 30


def test_users_mistakes(market, tmp_path):
    for arguments, message in (
        (("verify", tmp_path / "gone"), "gone does not exist"),
        (("verify", market, "--name", "market1510"), "Did you mean 'market1501'"),
        (("verify", market, "--option", "strict"), "--option strict is not KEY=VALUE"),
        (("stats", market, "--name", "market1501", "--option", "strikt=no"), "Did you mean 'strict'"),
        (("stats", market, "--name", "msmt17", "--option", "train=val"), "cannot be 'val'"),
        (("crops", market, "--part", "vall"), "Did you mean 'val'"),
        (("synth", "--size", "huge", "--out", tmp_path / "out"), "huge"),
    ):
        with pytest.raises(UserError, match=message):
            run(*arguments)


def test_stats_and_a_sheet(market, tmp_path):
    result = run("stats", market, "--sheet", tmp_path / "s.png")
    assert "8×16: 2" in result.stdout and "images per camera (camera: images): 1: 1, 2: 1" in result.stdout
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG") and "wrote 1 persons" in result.stderr
    parts = json.loads(run("stats", market, "--json").stdout)["parts"]
    assert parts["gallery"]["sizes"] == {"8x16": 2} and parts["query"]["images_per_id"] == {"1": 1}
    assert parts["train"]["occluded"] is None


def test_a_withdrawn_set_is_told_on_stderr_in_one_line(tmp_path):
    for name in ("bounding_box_train/0002_c1_f1.jpg", "query/0001_c1_f1.jpg", "bounding_box_test/0001_c2_f1.jpg"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (4, 8), (len(name), 0, 0)).save(tmp_path / name)
    result = run("stats", tmp_path, "--name", "dukemtmc")
    assert "\nwarning: DukeMTMC-reID comes from DukeMTMC" in "\n" + result.stderr


def test_distractors_of_ones_own_folder(tmp_path):
    for grey, name in enumerate(
        ("query/0001_c1.png", "gallery/0001_c2.png", "gallery/0000_c1.png", "gallery/0009_c1.png")
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 8), (grey, grey, grey)).save(tmp_path / name)
    result = run("stats", tmp_path, "--name", "folder", "--option", "distractors=0,9", "--json")
    assert json.loads(result.stdout)["parts"]["gallery"]["ids"] == 1


def test_synth_calls_the_generator_and_reads_what_it_wrote(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from occreid import synth
    from occreid.records import PART_NAMES

    asked = []

    def generate(out, *, size, seed, workers):
        asked.append((out, size, seed, workers))
        rows = []
        for split, folder in (("train", "bounding_box_train"), ("query", "query"), ("gallery", "bounding_box_test")):
            file = f"{folder}/0001_c1s1_1_0.png"
            (out / folder).mkdir(parents=True)
            Image.new("RGB", (4, 8)).save(out / file)
            row = dict.fromkeys(("occluded", "occluder_kind", "occluder_id", "mask", "time"))
            visible = {f"visible_{part}": 1.0 for part in PART_NAMES}
            rows.append({"file": file, "split": split, "pid": 1, "camid": 0, **row, **visible})
        pq.write_table(pa.Table.from_pylist(rows), out / "occsynth.parquet")
        return out

    monkeypatch.setattr(synth, "generate", generate)
    out = tmp_path / "out"
    result = run("synth", "--size", "tiny", "--out", out, "--seed", 3, "--workers", 2, "--sheet", tmp_path / "s.png")
    assert asked == [(out, "tiny", 3, 2)] and f"written to {out}" in result.stdout
    assert (tmp_path / "s.png").is_file()


def test_crops_cuts_persons_out(tmp_path):
    (tmp_path / "train2014").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "train2014/COCO_train2014_000000000001.jpg")
    person = {"id": 4, "image_id": 1, "bbox": [2, 2, 8, 16], "dp_masks": [{"counts": [0, 16], "size": [4, 4]}]}
    images = [{"id": 1, "file_name": "COCO_train2014_000000000001.jpg"}]
    content = {"images": images, "annotations": [person]}
    (tmp_path / "densepose_coco_2014_train.json").write_text(json.dumps(content))
    assert "1 persons written" in run("crops", tmp_path).stdout
    found = json.loads(run("stats", tmp_path, "--name", "coco_densepose", "--json").stdout)["parts"]["train"]
    assert found["images"] == 1 and found["sizes"] == {"8x16": 1}


@pytest.mark.parametrize("command", ["list", "verify", "stats", "synth", "crops", "build"])
def test_every_help_has_an_example(command):
    assert f"occreid data {command}" in run(command, "--help").stdout
