import json

import pytest
import torch
import typer
from typer.testing import CliRunner

from occreid.cli import evaluate, reconstruct
from occreid.cli.groups import add
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods.orgnn import MODES, Reconstruction
from occreid.methods.orgnn import reconstruct as rebuild
from occreid.models import create_model, load_model, read_card, save_model
from occreid.retrieval import load_ranking

DIM = 8


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of orgnn that looks for few, similar neighbours."""
    torch.manual_seed(0)
    options = {"backbone": "resnet10t", "pretrained": "none", "dim": DIM, "k": 3, "theta": 0.6}
    folder = tmp_path_factory.mktemp("runs") / "orgnn"
    save_model(create_model("orgnn", 4, **options), folder)
    return folder


def people(n, camera, seed):
    generator = torch.Generator().manual_seed(seed)
    persons = torch.rand(6, 6, DIM, generator=torch.Generator().manual_seed(9))
    pids = torch.arange(n) % 6
    seen = torch.rand(n, 6, generator=generator) < 0.7
    features = torch.where(seen[..., None], persons[pids], torch.rand(n, 6, DIM, generator=generator))
    features += 0.3 * torch.rand(n, 6, DIM, generator=generator)
    return Descriptors(features, seen, pids, torch.full((n,), camera), [f"{camera}/{i}.jpg" for i in range(n)])


@pytest.fixture
def extracted(run_folder, tmp_path):
    """A folder as `occreid extract` writes it."""
    folder = tmp_path / "descriptors"
    people(6, 0, 1).save(folder / "query")
    people(24, 1, 2).save(folder / "gallery")
    about = {"benchmark": "toy", "method": "orgnn", "weights_sha256": read_card(run_folder)["sha256"]}
    about |= {"metric": "cosine", "same_camera": "junk", "labels": {}, "oracle": ""}
    (folder / "extraction.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def command(run_folder):
    def run(*words, name="reconstruct"):
        app = typer.Typer()
        add(app, evaluate)
        add(app, reconstruct)
        given = [name, *(("--weights", run_folder) if name == "reconstruct" else ()), *words]
        result = CliRunner().invoke(app, [str(word) for word in given])
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_query_and_gallery_are_reconstructed_for_evaluation(command, run_folder, extracted, tmp_path):
    out = tmp_path / "whole"
    said = command("--from", extracted, "--out", out)
    assert "30 images from a gallery of 24" in said and "images/s" in said
    model, query, gallery = load_model(run_folder), people(6, 0, 1), people(24, 1, 2)
    found = Descriptors.load(out / "query"), Descriptors.load(out / "gallery")
    for images, rebuilt in zip((query, gallery), found, strict=True):
        expected = rebuild(images, gallery, model.gnn, Reconstruction(k=3, theta=0.6))
        torch.testing.assert_close(rebuilt.features, expected.features, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(rebuilt.features, images.features, atol=1e-3) and rebuilt.visibility.all()
    assert found[1].paths == gallery.paths and torch.equal(found[0].pids, query.pids)
    text = command(out, "--rerank", "k-reciprocal", name="evaluate")
    assert "cosine distance" in text and "re-ranking" in text and "ORACLE" not in text


def test_a_new_query_joins_a_gallery_that_stays_as_it_is(command, extracted, tmp_path):
    command("--from", extracted, "--out", tmp_path / "whole")
    one = people(6, 0, 1)[2:3]
    one.save(tmp_path / "new")
    text = command("--query", tmp_path / "new", "--gallery", extracted / "gallery", "--out", tmp_path / "n", "--json")
    assert json.loads(text)["images"] == {"query": 1}
    together = Descriptors.load(tmp_path / "whole/query").features[2:3]
    torch.testing.assert_close(Descriptors.load(tmp_path / "n").features, together, rtol=1e-4, atol=1e-5)


def test_k_theta_mode_and_block_can_be_given(command, run_folder, extracted, tmp_path):
    command(
        *("--from", extracted, "--out", tmp_path / "a", "--mode", "oan+average", "--k", "9", "--theta", "0.8"),
        *("--block", "5"),
    )
    how = Reconstruction("oan+average", 9, 0.8)
    expected = rebuild(people(6, 0, 1), people(24, 1, 2), load_model(run_folder).gnn, how)
    torch.testing.assert_close(Descriptors.load(tmp_path / "a/query").features, expected.features, rtol=1e-4, atol=1e-5)
    about = json.loads((tmp_path / "a/extraction.json").read_text())
    assert about["reconstruction"] == {"mode": "oan+average", "k": 9, "theta": 0.8, "oracle": False}
    command("--from", extracted, "--out", tmp_path / "b", "--mode", "oan")
    assert json.loads((tmp_path / "b/extraction.json").read_text())["metric"] == "visible_parts"


def test_an_oracle_is_marked_in_every_result(command, extracted, tmp_path):
    command("--from", extracted, "--out", tmp_path / "ub", "--oracle")
    text = command(tmp_path / "ub", "--out", tmp_path / "ub.json", name="evaluate")
    assert "ORACLE: true identities chose the neighbours" in text
    ranking = load_ranking(tmp_path / "ub.json")
    assert ranking.protocol.oracle and ranking.facts["reconstruction"]["oracle"]
    command("--from", extracted, "--out", tmp_path / "honest")
    command(tmp_path / "honest", "--out", tmp_path / "honest.json", name="evaluate")
    with pytest.raises(UserError, match=r"different protocols .oracle"):
        command("--compare", tmp_path / "ub.json", tmp_path / "honest.json", name="evaluate")


def test_what_the_descriptors_were_told_stays_marked(command, extracted, tmp_path):
    about = json.loads((extracted / "extraction.json").read_text())
    (extracted / "extraction.json").write_text(json.dumps(about | {"oracle": "exact masks of the test images"}))
    command("--from", extracted, "--out", tmp_path / "ub", "--oracle")
    text = command(tmp_path / "ub", name="evaluate")
    assert "ORACLE: exact masks of the test images; true identities chose the neighbours" in text


def test_the_ladder_scores_every_row_of_table_4_with_and_without_re_ranking(command, extracted):
    rows = json.loads(command("--from", extracted, "--ladder", "--json"))
    assert [row["row"] for row in rows] == [f"{mode}{again}" for mode in MODES for again in ("", " + re-ranking")]
    assert [row["protocol"]["metric"] for row in rows[2:4]] == ["visible_parts"] * 2
    assert [bool(row["protocol"]["rerank"]) for row in rows[:2]] == [False, True]
    assert not any(row["protocol"]["oracle"] for row in rows)
    text = command("--from", extracted, "--ladder", "--oracle")
    assert text.count("UPPER BOUND") == 2 and "ORACLE: true identities" in text and "oan+orgnn + re-ranking" in text


def test_what_hides_each_picture_is_not_in_every_row_of_the_ladder(command, extracted, tmp_path):
    about = json.loads((extracted / "extraction.json").read_text())
    about["occluders"] = [[["box"] * n, ["box-0"] * n] for n in (6, 24)]
    (extracted / "extraction.json").write_text(json.dumps(about))
    rows = json.loads(command("--from", extracted, "--ladder", "--json"))
    assert all(row["facts"]["benchmark"] == "toy" and "occluders" not in row["facts"] for row in rows)
    command("--from", extracted, "--out", tmp_path / "whole")  # a folder of descriptors keeps them
    assert json.loads((tmp_path / "whole/extraction.json").read_text())["occluders"] == about["occluders"]


@pytest.mark.parametrize(
    "words, message",
    [
        ((), "not clear what to reconstruct"),
        (("--from", "a", "--query", "b", "--gallery", "c"), "not clear what to reconstruct"),
        (("--query", "b"), "not clear what to reconstruct"),
        (("--from", "nowhere", "--out", "x"), "no file nowhere/extraction.json"),
        (("--from", "x", "--mode", "oan+orgn"), r"no mode 'oan\+orgn'"),
        (("--query", "b", "--gallery", "c"), "no folder to write to"),
    ],
)
def test_unclear_commands_are_refused(command, monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        command(*words)


def test_descriptors_of_other_weights_or_another_method_are_refused(command, extracted, tmp_path):
    about = json.loads((extracted / "extraction.json").read_text())
    (extracted / "extraction.json").write_text(json.dumps(about | {"weights_sha256": "0", "method": "baseline"}))
    with pytest.raises(UserError, match=r"are of other weights \(baseline\)"):
        command("--from", extracted, "--out", tmp_path / "x")
    Descriptors(torch.rand(3, 1, 512)).save(tmp_path / "theirs")
    with pytest.raises(UserError, match="1 parts of 512 dimensions, this model's 6 of 8"):
        command("--query", tmp_path / "theirs", "--gallery", tmp_path / "theirs", "--out", tmp_path / "y")


def test_nothing_is_reconstructed_twice_or_written_over(command, extracted, tmp_path):
    command("--from", extracted, "--out", tmp_path / "once")
    with pytest.raises(UserError, match="reconstructed already"):
        command("--from", tmp_path / "once", "--out", tmp_path / "twice")
    with pytest.raises(UserError, match="once is not empty"):
        command("--from", extracted, "--out", tmp_path / "once")


def test_a_run_of_another_method_is_refused(extracted, tmp_path):
    save_model(create_model("baseline", 4, backbone="resnet10t", pretrained="none"), tmp_path / "base")
    app = typer.Typer()
    add(app, reconstruct)
    app.command("other")(lambda: None)
    result = CliRunner().invoke(app, ["reconstruct", "--weights", str(tmp_path / "base"), "--from", str(extracted)])
    assert "a run of baseline, which does not reconstruct" in str(result.exception)
