from dataclasses import replace

import pytest
import torch

from occreid.data import load_benchmark
from occreid.data.masks.evaluation import ORACLE, TEST_MASKS
from occreid.demo.entries import histogram_entry, network_entries
from occreid.descriptors import Descriptors
from occreid.evaluation import measure
from occreid.methods.baseline import Baseline
from occreid.models import load_model
from occreid.retrieval import Protocol
from occreid.training import load_recipe


@pytest.fixture
def ran(finished):
    """Run folder, recipe and benchmark of the demo."""
    out = finished[0]
    return out / "run", load_recipe(out / "run" / "recipe.yaml"), load_benchmark("occsynth", out / "occsynth")


def test_all_follow_the_recipes_protocol(ran):
    _, recipe, split = ran
    changed = {"ap": "trapezoid", "shots": "single", "draws": 3, "ranks": [1, 2]}
    recipe = recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update=changed)})
    entry = histogram_entry(recipe, split)
    assert replace(entry.ranking.protocol, metric="") == Protocol.of(recipe, split)
    assert (entry.ranking.protocol.ap, entry.ranking.ranks) == ("trapezoid", (1, 2))


def test_the_trained_network_scores_as_it_is_measured_elsewhere(ran):
    run, recipe, split = ran
    trained, untrained = network_entries(run, recipe, split)
    assert trained.ranking.scores() == measure(load_model(run), split, device="cpu").scores()
    assert trained.ranking.protocol == untrained.ranking.protocol
    assert not trained.query.features.equal(untrained.query.features)


def test_query_and_gallery_are_refined_by_the_unrefined_gallery(ran, monkeypatch):
    seen = []

    def refine(self, descriptors, gallery):
        seen.append((len(descriptors), gallery.features.clone()))
        return Descriptors(
            torch.ones_like(descriptors.features), None, descriptors.pids, descriptors.camids, descriptors.paths
        )

    monkeypatch.setattr(Baseline, "refine", refine)
    run, recipe, split = ran
    trained = network_entries(run, recipe, split)[0]
    assert [count for count, _ in seen[:2]] == [len(split.query), len(split.gallery)]
    assert seen[0][1].equal(seen[1][1]) and not (seen[0][1] == 1).all()
    assert (trained.query.features == 1).all() and (trained.gallery.features == 1).all()


def test_an_oracle_is_marked_of_networks_and_not_of_histograms(ran):
    run, recipe, split = ran
    exact = replace(split, notes={**split.notes, ORACLE: "exact masks"})
    assert {e.ranking.protocol.oracle for e in network_entries(run, recipe, exact)} == {"exact masks"}
    assert histogram_entry(recipe, exact).ranking.protocol.oracle == ""
    assert TEST_MASKS not in split.notes
