import json

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError


def test_descriptors_and_what_they_are_of_are_written(occreid_cli, make_run, tmp_path):
    text = occreid_cli("extract", make_run(), "--out", tmp_path / "d")
    assert "query: 6 images, 6 described now" in text and "img/s" in text
    gallery = Descriptors.load(tmp_path / "d" / "gallery")
    assert len(gallery) == 18 and gallery.pids is not None and gallery.paths is not None
    about = json.loads((tmp_path / "d" / "extraction.json").read_text())
    assert about["metric"] == "cosine" and about["same_camera"] == "junk" and len(about["weights_sha256"]) == 64


def test_a_second_run_finds_everything_there(occreid_cli, make_run, tmp_path):
    run = make_run()
    occreid_cli("extract", run, "--out", tmp_path / "d")
    assert occreid_cli("extract", run, "--out", tmp_path / "d").count("0 described now, all there already") == 2


def test_json_gives_the_speed(occreid_cli, make_run, tmp_path):
    found = json.loads(occreid_cli("extract", make_run(), "--out", tmp_path / "d", "--parts", "train", "--json"))
    (part,) = found["parts"]
    assert (part["part"], part["images"], part["described"]) == ("train", 12, 12) and part["images_per_second"] > 0


def test_other_weights_do_not_go_into_the_same_folder(occreid_cli, make_run, tmp_path):
    occreid_cli("extract", make_run(), "--out", tmp_path / "d")
    with pytest.raises(UserError, match="other weights"):
        occreid_cli("extract", make_run("other", gain=2.0), "--out", tmp_path / "d")


def test_what_a_method_refines_lies_beside_the_plain_descriptors(occreid_cli, make_run, tmp_path):
    occreid_cli("extract", make_run(cls="Refining"), "--out", tmp_path / "d")
    plain, refined = (Descriptors.load(tmp_path / "d" / place) for place in ("gallery", "refined/gallery"))
    torch.testing.assert_close(refined.features, plain.features - plain.features.mean(0))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--parts", "querry"], "Did you mean 'query'"),
    ],
)
def test_mistakes_are_named(occreid_cli, make_run, tmp_path, words, message):
    with pytest.raises(UserError, match=message):
        occreid_cli("extract", make_run(), "--out", tmp_path / "d", *words)


def test_one_folder_holds_one_benchmark(occreid_cli, make_run, market, tmp_path):
    on = ["--on", f"market1501={market}"] * 2
    with pytest.raises(UserError, match="several benchmarks"):
        occreid_cli("extract", make_run(), "--out", tmp_path / "d", *on, "--option", "strict=false")
