from dataclasses import replace

import pytest
import torch

import occreid
from occreid.data.masks.evaluation import ORACLE, TEST_MASKS
from occreid.data.occlusion.stress import Stress, Stressor
from occreid.errors import UserError
from occreid.evaluation import Describer, Settings, measure, rank
from occreid.extraction import extract
from occreid.retrieval import Protocol, evaluate

ASKED = {
    "evaluation": {"ap": "trapezoid", "shots": "single", "draws": 4, "ranks": [1, 2], "batch_size": 3},
    "training": {"seed": 5},
}


def by_hand(model, split, **options):
    query, gallery = (extract(model, side, progress=False) for side in (split.query, split.gallery))
    return evaluate(model.refine(query, gallery), model.refine(gallery, gallery), model.metric, **options)


def test_it_is_there_at_the_top(colours, split):
    assert occreid.measure(colours, split, device="cpu").mean_ap == 1


@pytest.mark.parametrize("kind", ["colours", "centred"])
def test_it_describes_refines_and_evaluates(request, hard, kind):
    model = request.getfixturevalue(kind)
    found = measure(model, hard, device="cpu")
    assert found.scores() == by_hand(model, hard).scores()
    assert found.protocol.metric == model.metric


def test_the_models_own_recipe_is_the_default(colours, hard):
    colours.card = {"method": "colours", "sha256": "abc", "recipe": ASKED}
    found = measure(colours, hard, device="cpu")
    expected = by_hand(colours, hard, ap="trapezoid", shots="single", draws=4, seed=5, ranks=(1, 2))
    assert found.scores() == expected.scores() and found.ranks == (1, 2)
    assert replace(found.protocol, metric="") == Protocol.of(ASKED, hard)
    assert found.scores() != by_hand(colours, hard, ranks=(1, 2)).scores()
    assert found.facts["weights_sha256"] == "abc" and found.facts["benchmark"] == "hard"


def test_a_protocol_and_re_ranking_can_be_given(colours, hard):
    found = measure(colours, hard, Protocol(same_camera="keep", ap="trapezoid"), device="cpu", rerank="aqe")
    assert (found.protocol.same_camera, found.protocol.ap) == ("keep", "trapezoid")
    assert found.protocol.rerank == {"method": "aqe", "neighbours": 5, "alpha": 0.0}
    assert found.scores() != by_hand(colours, hard, same_camera="keep", ap="trapezoid").scores()


def test_pictures_can_be_altered_on_one_side(colours, split):
    stressor = Stressor(Stress("flat", 0.5, "top"))
    on = {side: measure(colours, split, device="cpu", alter=stressor, on=side).mean_ap for side in ("query", "both")}
    assert on["query"] < 1 and on["both"] < 1
    with pytest.raises(UserError, match="cannot be on 'nobody'"):
        measure(colours, split, device="cpu", on="nobody")


def test_the_mode_of_the_model_is_not_changed(colours, split):
    colours.train()
    measure(colours, split, device="cpu")
    assert colours.training


@pytest.mark.parametrize("protocol", [None, Protocol(ap="trapezoid")])
def test_an_oracle_is_marked_whatever_protocol_is_given(colours, split, protocol):
    exact = replace(split, notes={TEST_MASKS: "exact", ORACLE: "exact masks of the test images"})
    assert measure(colours, exact, protocol, device="cpu").protocol.oracle == "exact masks of the test images"
    assert measure(colours, exact, protocol, device="cpu", masks=False).protocol.oracle == ""
    folder = replace(split, notes={TEST_MASKS: "a folder"})
    assert measure(colours, folder, protocol, device="cpu").protocol.oracle == ""
    stressor = Stressor(Stress("flat", 0.5))
    assert "hides" in measure(colours, folder, protocol, device="cpu", alter=stressor).protocol.oracle
    assert measure(colours, split, protocol, device="cpu", alter=stressor).protocol.oracle == ""


def test_a_mark_that_a_protocol_carries_stays(colours, split):
    given = Protocol(oracle="true identities")
    assert measure(colours, split, given, device="cpu").protocol.oracle == "true identities"
    exact = replace(split, notes={TEST_MASKS: "exact", ORACLE: "exact masks"})
    assert measure(colours, exact, given, device="cpu").protocol.oracle == "true identities; exact masks"


def test_rank_is_the_second_half_of_it(centred, hard):
    described = Describer(centred, hard, settings=Settings("cpu")).described()
    assert rank(described).scores() == measure(centred, hard, device="cpu").scores()
    assert rank(described).facts == described.facts
    assert torch.equal(described.query.pids, torch.arange(6))
