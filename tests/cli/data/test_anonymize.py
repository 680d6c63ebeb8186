import json
import shutil

import pytest
import typer
from typer.testing import CliRunner

from occreid.cli.data.anonymize import anonymize
from occreid.errors import UserError


def call(*words):
    app = typer.Typer()
    app.command()(anonymize)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["anonymize", *map(str, words)])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def renamed(market, tmp_path):
    """The benchmark with a name of its own for every picture: keypoints go by name."""
    root = tmp_path / "renamed"
    shutil.copytree(market, root)
    for file in (root / "query").iterdir():
        file.rename(file.with_name(file.name.replace("_00.", "_01.")))
    return root


@pytest.fixture
def keypoints(renamed, tmp_path):
    """Faces of all pictures but the first."""
    names = sorted(p.name for p in renamed.rglob("*.*g"))
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    flat = [n for _ in range(17) for n in (5, 5, 2)]
    file = tmp_path / "k.json"
    annotations = [{"image_id": i, "keypoints": flat} for i in range(1, len(names))]
    file.write_text(json.dumps({"images": images, "annotations": annotations}))
    return file


MARKET = ("--name", "market1501", "--option", "strict=false")


def test_a_copy_and_its_cost(make_run, renamed, keypoints, tmp_path):
    out = tmp_path / "out"
    said = call(renamed, *MARKET, "--keypoints", keypoints, "--out", out, "--cost", make_run())
    assert " heads hidden, 0 pictures show none, 1 not found and left out: see " in said
    assert "with heads" in said and "without" in said and "mAP" in said
    assert len(list(out.rglob("*.*g"))) == len(list(renamed.rglob("*.*g"))) - 1


def test_keypoints_of_two_pictures_of_one_name_are_refused(market, keypoints, tmp_path):
    with pytest.raises(UserError, match=r"0005_c1s1_000005_00\.png and .* have the same name"):
        call(market, *MARKET, "--keypoints", keypoints, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to do"),
        (("--out", "o"), "how should heads be found"),
        (("--out", "o", "--masks", "own", "--detector", "coco"), "how should heads be found"),
        (("--out", "o", "--masks", "own"), "no part masks of its own"),
        (("--out", "o", "--masks", "nowhere"), "nowhere"),
        (("--out", "o", "--keypoints", "none.json"), "no keypoint file"),
        (("--out", "o", "--detector", "none.pth"), "no weights none.pth"),
        (("--out", "o", "--masks", "own", "--fill", "gray"), "--fill cannot be 'gray'"),
        (("--out", "o", "--masks", "own", "--unfound", "drop"), "--unfound cannot be 'drop'"),
    ],
)
def test_mistakes_are_named(market, words, message):
    with pytest.raises(UserError, match=message):
        call(market, *MARKET, *words)
