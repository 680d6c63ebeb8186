import json

import pytest

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.retrieval import Projection


@pytest.fixture
def cli(occreid_cli):
    return occreid_cli


@pytest.fixture
def extracted(cli, make_run, tmp_path):
    cli("extract", make_run(), "--parts", "train,query,gallery", "--out", tmp_path / "d")
    return tmp_path / "d"


def test_shorter_descriptors_are_written_and_can_be_evaluated(cli, extracted, tmp_path):
    text = cli("shorten", extracted, "--dim", 2, "--out", tmp_path / "short")
    assert "numbers became 2, with " in text and "12 training images" in text
    for part in ("train", "query", "gallery"):
        whole, short = Descriptors.load(extracted / part), Descriptors.load(tmp_path / "short" / part)
        assert short.features.shape == (len(whole), 1, 2) and short.paths == whole.paths
    (scores,) = json.loads(cli("evaluate", tmp_path / "short", "--json"))
    assert scores["facts"]["shortened"]["to"] == 2 and scores["counts"]["queries"] == 6
    assert 0 <= scores["scores"]["mAP"] <= 1


def test_a_projection_is_used_again(cli, extracted, tmp_path):
    cli("shorten", extracted, "--dim", 2, "--whiten", 0.5, "--out", tmp_path / "one")
    again = ["--projection", tmp_path / "one" / "projection.safetensors"]
    found = json.loads(cli("shorten", extracted, *again, "--out", tmp_path / "two", "--json"))
    assert (found["to"], found["whiten"], found["learned_on"]) == (2, 0.5, 12)
    one, two = (Descriptors.load(tmp_path / name / "gallery").features for name in ("one", "two"))
    assert one.equal(two)


def test_it_may_be_learned_elsewhere(cli, extracted, make_run, tmp_path):
    cli("extract", make_run("same"), "--out", tmp_path / "searched")
    with pytest.raises(UserError, match="no descriptors of training images"):
        cli("shorten", tmp_path / "searched", "--dim", 2, "--out", tmp_path / "short")
    cli("shorten", tmp_path / "searched", "--dim", 2, "--fit", extracted / "train", "--out", tmp_path / "short")
    assert sorted(p.name for p in (tmp_path / "short").iterdir() if p.is_dir()) == ["gallery", "query"]


def test_refined_descriptors_are_the_ones_that_are_shortened(cli, make_run, tmp_path):
    cli("extract", make_run(cls="Refining"), "--parts", "train,query,gallery", "--out", tmp_path / "d")
    cli("shorten", tmp_path / "d", "--dim", 2, "--out", tmp_path / "short")
    refined = Descriptors.load(tmp_path / "d" / "refined" / "gallery")
    shifted = Descriptors.load(tmp_path / "short" / "gallery")
    again = tmp_path / "short" / "projection.safetensors"
    assert shifted.features.equal(Projection.load(again).apply(refined).features)


def test_mistakes_are_named(cli, extracted, tmp_path):
    with pytest.raises(UserError, match=r"no file .*extraction\.json"):
        cli("shorten", tmp_path, "--out", tmp_path / "short")
    with pytest.raises(UserError, match="is not empty"):
        cli("shorten", extracted, "--out", extracted)
    with pytest.raises(UserError, match="cannot give 500 components"):
        cli("shorten", extracted, "--dim", 500, "--out", tmp_path / "short")
    cli("shorten", extracted, "--dim", 2, "--out", tmp_path / "short")
    about = json.loads((extracted / "extraction.json").read_text())
    (extracted / "extraction.json").write_text(json.dumps({**about, "metric": "euclidean"}))
    with pytest.raises(UserError, match="learned for the metric cosine"):
        again = tmp_path / "short" / "projection.safetensors"
        cli("shorten", extracted, "--projection", again, "--out", tmp_path / "other")
