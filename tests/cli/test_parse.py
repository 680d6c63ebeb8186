import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import parse
from occreid.cli.groups import add
from occreid.data.inspect.sheet import GAP, LINE
from occreid.data.masks.files import read_mask
from occreid.errors import UserError
from occreid.models import create_trainable, save_model


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parser")
    model = create_trainable("parser", 1, backbone="resnet18", pretrained="none", channels=8)
    model.input_size = (32, 16)
    save_model(model, folder)
    return folder


@pytest.fixture
def run(market):
    """`occreid parse` on the small market, as typed."""
    app = typer.Typer()
    add(app, parse)

    def typed(*words):
        all_words = [market, *words, "--name", "market1501", "--option", "strict=false"]
        result = CliRunner().invoke(app, [str(word) for word in all_words])
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return typed


def test_masks_of_all_parts_are_written_once_and_shown(run, weights, market, tmp_path):
    words = ("--weights", weights, "--out", tmp_path / "m", "--sheet", tmp_path / "sheet.png")
    assert "36 masks are in" in (text := run(*words)) and "36 written now" in text
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (3 * 2 * (128 + GAP) + GAP + LINE, 12 * (64 + GAP) + GAP, 3)
    pictures = sorted(p.relative_to(market) for p in market.rglob("*.png"))
    assert sorted(p.relative_to(tmp_path / "m") for p in (tmp_path / "m").rglob("*.png")) == pictures
    found = json.loads(run(*words[:4], "--json"))
    assert (found["images"], found["written"]) == (36, 0)


def test_parts_are_chosen(run, weights, tmp_path):
    assert "12 masks are" in run("--weights", weights, "--out", tmp_path / "m", "--parts", "train")
    with pytest.raises(UserError, match="Did you mean 'query'"):
        run("--weights", weights, "--out", tmp_path / "m", "--parts", "querry")


def test_other_peoples_masks_are_taken_over(run, market, tmp_path):
    for picture in market.rglob("*.png"):
        target = tmp_path / "theirs" / picture.relative_to(market)
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), np.full((32, 16), 7, np.uint8))
    (tmp_path / "map.yaml").write_text("head: [7]\n")
    words = ("--from", tmp_path / "theirs", "--mapping", tmp_path / "map.yaml", "--out", tmp_path / "m")
    assert "36 written now" in run(*words)
    assert (read_mask(next((tmp_path / "m/query").glob("*.png"))) == 1).all()


def test_a_check_needs_masks_of_the_benchmarks_own(run, weights):
    with pytest.raises(UserError, match="no masks of their own"):
        run("--weights", weights, "--check")


@pytest.mark.parametrize("words", [(), ("--from", "x"), ("--weights", "x", "--from", "y", "--mapping", "z")])
def test_what_to_do_must_be_said(run, words):
    with pytest.raises(UserError, match="needs a model, or masks and what they mean"):
        run(*words)


def test_the_overlap_with_true_masks_is_printed(weights, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from occreid.data.benchmarks.occsynth import SIDECAR
    from occreid.data.masks.files import write_mask

    row = {"pid": 1, "camid": 0, "occluded": False, "occluder_kind": None, "occluder_id": None, "time": 0.0}
    row |= {f"visible_{part}": 1.0 for part in ("head", "torso_arms", "upper_legs", "lower_legs_feet")}
    rows = []
    for split, folder in (("train", "bounding_box_train"), ("query", "query"), ("gallery", "bounding_box_test")):
        name = f"{folder}/0001_c1s1_000001_00.png"
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / name), np.zeros((32, 16, 3), np.uint8))
        write_mask(tmp_path / "masks" / f"{split}.png", np.ones((32, 16), np.uint8))
        rows.append({**row, "file": name, "split": split, "mask": f"masks/{split}.png"})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / SIDECAR)
    app = typer.Typer()
    add(app, parse)
    words = [str(tmp_path), "--name", "occsynth", "--weights", str(weights), "--check"]
    plain, machine = (CliRunner().invoke(app, [*words, *more]) for more in ([], ["--json"]))
    assert plain.exit_code == machine.exit_code == 0, plain.output
    assert "3 images" in plain.stdout and "mIoU" in plain.stdout
    found = json.loads(machine.stdout)
    assert found["images"] == 3 and 0 <= found["scores"]["mIoU"] <= 1
