from dataclasses import replace

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation import rank
from occreid.evaluation.reconstruct import (
    UPPER_BOUND,
    Rebuilder,
    ladder,
    load_orgnn,
    reconstruct_folder,
    reconstruct_part,
)
from occreid.evaluation.saved import load_described, write_about
from occreid.methods.orgnn import MODES
from occreid.models import create_model, read_card, save_model

DIM = 8
ASKED = {"evaluation": {"ap": "trapezoid", "shots": "single", "draws": 3, "ranks": [1, 4]}, "training": {"seed": 5}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    torch.manual_seed(0)
    options = {"backbone": "resnet10t", "pretrained": "none", "dim": DIM, "k": 3, "theta": 0.6}
    folder = tmp_path_factory.mktemp("runs") / "orgnn"
    save_model(create_model("orgnn", 4, **options), folder, {"recipe": ASKED})
    return folder


@pytest.fixture(scope="module")
def task(run):
    model = load_orgnn(run)
    return Rebuilder(model, model.reconstruction)


def people(n, camera, seed):
    generator = torch.Generator().manual_seed(seed)
    persons = torch.rand(6, 6, DIM, generator=torch.Generator().manual_seed(9))
    pids = torch.arange(n) % 6
    seen = torch.rand(n, 6, generator=generator) < 0.7
    features = torch.where(seen[..., None], persons[pids], torch.rand(n, 6, DIM, generator=generator))
    return Descriptors(features, seen, pids, torch.full((n,), camera), [f"{camera}/{i}.jpg" for i in range(n)])


@pytest.fixture
def extracted(run, tmp_path):
    folder = tmp_path / "d"
    people(6, 0, 1).save(folder / "query")
    people(24, 1, 2).save(folder / "gallery")
    about = {"benchmark": "toy", "method": "orgnn", "weights_sha256": read_card(run)["sha256"], "recipe": ASKED}
    write_about(folder, {**about, "metric": "cosine", "same_camera": "junk", "labels": {}, "oracle": "exact masks"})
    return folder


def test_the_ladder_is_scored_by_the_runs_own_protocol(run, task, extracted):
    rows = dict(ladder(replace(task, oracle=True), extracted, run))
    names = [f"{mode}{again}" for mode in (*MODES, "oan+orgnn UPPER BOUND") for again in ("", " + re-ranking")]
    assert list(rows) == names
    for name, ranking in rows.items():
        protocol = ranking.protocol
        assert (protocol.ap, protocol.shots, protocol.draws, protocol.seed) == ("trapezoid", "single", 3, 5)
        assert ranking.ranks == (1, 4) and bool(protocol.rerank) == name.endswith("re-ranking")
        bound = f"exact masks; {UPPER_BOUND}" if "UPPER BOUND" in name else "exact masks"
        assert protocol.oracle == bound and ranking.facts["reconstruction"]["oracle"] == ("UPPER" in name)


def test_a_row_is_what_evaluation_says_of_the_folder(run, task, extracted, tmp_path):
    rows = dict(ladder(task, extracted, run))
    done = reconstruct_folder(replace(task, how=replace(task.how, mode="oan+gnn")), extracted, run, tmp_path / "whole")
    assert done.images == {"query": 6, "gallery": 24} and done.gallery == 24 and done.rate > 0
    assert rank(load_described(tmp_path / "whole")).scores() == rows["oan+gnn"].scores()


def test_an_upper_bound_is_marked_on_disk(run, task, extracted, tmp_path):
    reconstruct_folder(replace(task, oracle=True), extracted, run, tmp_path / "bound")
    assert load_described(tmp_path / "bound").protocol.oracle == f"exact masks; {UPPER_BOUND}"


def test_mistakes_are_named(run, task, extracted, tmp_path, make_run):
    with pytest.raises(UserError, match="which does not reconstruct"):
        load_orgnn(make_run())
    with pytest.raises(UserError, match="of other weights"):
        reconstruct_folder(task, extracted, make_run(), tmp_path / "a")
    with pytest.raises(UserError, match="is not empty"):
        reconstruct_part(task, extracted / "query", extracted / "gallery", extracted)
    reconstruct_folder(task, extracted, run, tmp_path / "b")
    with pytest.raises(UserError, match="reconstructed already"):
        list(ladder(task, tmp_path / "b", run))
