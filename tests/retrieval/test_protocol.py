import json
from pathlib import Path

import pytest

from occreid.data.masks.evaluation import ORACLE, TEST_MASKS
from occreid.errors import UserError
from occreid.records import Record, Split
from occreid.retrieval import Protocol

ASKED = {
    "evaluation": {"ap": "trapezoid", "shots": "single", "draws": 3, "ranks": [1, 7], "same_camera": None, "test": []},
    "training": {"seed": 5, "epochs": 9},
}


def split(rule="junk", **notes):
    records = (Record(Path("a"), 1, 0),)
    return Split("toy", (), records, records, rule, notes=notes)


def test_protocols_differ_in_anything_but_the_metric():
    one = Protocol("euclidean")
    assert one.differences(Protocol("cosine")) == []
    assert one.differences(Protocol("euclidean", ap="trapezoid")) == ["ap: step / trapezoid"]
    assert len(one.differences(Protocol("euclidean", "keep", rerank={"method": "aqe"}))) == 2


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (Protocol("cosine"), ["cosine", "unseen", "all gallery images", "step AP"]),
        (Protocol("cosine", "keep", "trapezoid", "single", 10, 3), ["kept", "10 draws, seed 3", "trapezoid AP"]),
        (
            Protocol("cosine", rerank={"method": "k-reciprocal", "k1": 20}),
            ["k-reciprocal re-ranking (k1=20, k2=6, lambda=0.3)"],
        ),
    ],
)
def test_the_sentence_names_everything(protocol, words):
    for word in words:
        assert word in protocol.sentence()


def test_a_protocol_of_a_recipe_says_what_the_recipe_says():
    expected = Protocol("", "keep", "trapezoid", "single", 3, 5, ranks=(1, 7))
    assert Protocol.of(ASKED, split("keep")) == expected
    assert Protocol.of({"method": "x", "recipe": ASKED}, split("keep")) == expected


def test_without_a_recipe_the_benchmark_and_the_defaults_count():
    for asked in (None, {}, {"method": "x", "recipe": None}):
        assert Protocol.of(asked, split("keep")) == Protocol(same_camera="keep")
        assert Protocol.of(asked, split()) == Protocol()


def test_the_recipe_wins_over_the_benchmark_and_changes_over_both():
    asked = {"evaluation": {"same_camera": "junk", "ap": "trapezoid"}}
    assert Protocol.of(asked, split("keep")).same_camera == "junk"
    changed = Protocol.of(asked, split("keep"), same_camera="keep", ap=None, shots="single", seed=2)
    assert changed == Protocol("", "keep", "trapezoid", "single", 10, 2)


def test_exact_masks_mark_the_protocol():
    exact = split(**{TEST_MASKS: "exact", ORACLE: "exact masks"})
    assert Protocol.of(ASKED, exact).oracle == "exact masks"
    assert Protocol.of(ASKED, split(**{TEST_MASKS: "a folder"})).oracle == ""


def test_marks_add_up_and_none_stands_twice():
    one = Protocol(oracle="exact masks")
    assert one.marked("", "exact masks") == one
    assert one.marked("ids; exact masks", "ids").oracle == "exact masks; ids"


def test_draws_and_seed_count_for_single_shot_only():
    assert Protocol(draws=3, seed=4) == Protocol() and Protocol().draws == 1
    assert (Protocol(shots="single").draws, Protocol(shots="single", seed=4).seed) == (10, 4)


def test_re_ranking_is_completed():
    assert Protocol(rerank="none").rerank is None
    assert Protocol(rerank="aqe").rerank == {"method": "aqe", "neighbours": 5, "alpha": 0.0}
    assert Protocol(rerank={"method": "k-reciprocal", "k1": 9}).rerank == {
        "method": "k-reciprocal",
        "k1": 9,
        "k2": 6,
        "lambda": 0.3,
    }


def test_it_survives_json():
    one = Protocol("cosine", "keep", "trapezoid", "single", 3, 5, "aqe", "exact masks", (1, 2))
    assert Protocol(**json.loads(json.dumps(one.to_json()))) == one
    assert one.to_json()["ranks"] == [1, 2]


def test_ranks_are_numbers_and_make_no_difference():
    assert Protocol(ranks=[1, 2]).ranks == (1, 2)
    assert Protocol(ranks=(1,)).differences(Protocol()) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"same_camera": "drop"}, "no camera rule 'drop'"),
        ({"ap": "steps"}, "no AP form 'steps'. Did you mean 'step'"),
        ({"shots": "few"}, "no shots 'few'"),
        ({"ranks": ()}, "not defined"),
        ({"ranks": (0, 1)}, "not defined"),
        ({"draws": 0}, "too few"),
        ({"rerank": "k-recipocal"}, "Did you mean 'k-reciprocal'"),
        ({"rerank": {"method": "aqe", "k1": 3}}, "no setting 'k1'"),
    ],
)
def test_mistakes_are_named(fields, message):
    with pytest.raises(UserError) as caught:
        Protocol(**fields)
    assert message in str(caught.value)


def test_mirror_images_are_part_of_the_protocol(tmp_path):
    plain, mirrored = Protocol(metric="cosine"), Protocol(metric="cosine", flip_test=True)
    assert plain.differences(mirrored) == ["flip_test: False / True"]
    assert "averaged with mirror images" in mirrored.sentence() and "mirror" not in plain.sentence()
    split = Split("toy", (), (), ())
    assert Protocol.of({"evaluation": {"flip_test": True}}, split).flip_test
    card = {"flip_test": True, "recipe": {"evaluation": {"flip_test": False}}}
    assert Protocol.of(card, split).flip_test, "a model exported with flips describes so whatever its recipe said"
