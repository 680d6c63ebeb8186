from dataclasses import replace

import pytest

from occreid.data.masks.evaluation import TEST_MASKS
from occreid.data.occlusion.stress import Stress
from occreid.errors import UserError
from occreid.evaluation import Describer, Settings, measure, rank
from occreid.evaluation.saved import describe_to_disk
from occreid.evaluation.sources import describe_source
from occreid.models import load_model

CPU = Settings("cpu")
ASKED = {"evaluation": {"ap": "trapezoid", "ranks": [1, 2]}, "training": {"seed": 5}}


def test_a_run_is_described_on_every_benchmark_and_under_every_stress(make_run, split, hard):
    run = make_run(recipe=ASKED)
    found = list(describe_source(run, [split, hard], CPU, [Stress("flat", 0.5), Stress("dark", 0.5)], "gallery"))
    assert [one.name for one in found] == [
        *("toy", "toy, gallery flat:0.5", "toy, gallery dark:0.5"),
        *("hard", "hard, gallery flat:0.5", "hard, gallery dark:0.5"),
    ]
    assert {one.protocol.ap for one in found} == {"trapezoid"}
    assert rank(found[3]).scores() == measure(load_model(run), hard, device="cpu").scores()


def test_changes_count_before_the_recipe(make_run, hard):
    (found,) = describe_source(make_run(recipe=ASKED), [hard], CPU, ap="step", shots="single", same_camera="keep")
    assert (found.protocol.ap, found.protocol.shots, found.protocol.same_camera) == ("step", "single", "keep")
    assert (found.protocol.seed, found.protocol.ranks) == (5, (1, 2))


def test_masks_of_test_images_are_passed_on_and_oracles_marked(make_run, split):
    masked = replace(split, notes={TEST_MASKS: "a folder"})
    found = list(describe_source(make_run(), [masked, split], CPU, [Stress.parse("flat:0.5")]))
    assert [bool(one.gallery.visibility.any()) for one in found] == [True, True, False, False]
    assert [one.protocol.oracle for one in found] == ["", "masks that leave out what the stress hides", "", ""]
    assert found[0].facts["data"]["notes"][TEST_MASKS] == "a folder"


def test_descriptors_are_read_where_there_is_no_benchmark(make_run, hard, tmp_path):
    run = make_run(recipe=ASKED)
    describe_to_disk(Describer(load_model(run), hard, settings=CPU), tmp_path / "d")
    (found,) = describe_source(tmp_path / "d", None, ap="step")
    assert found.protocol.ap == "step" and len(found.query) == 6
    with pytest.raises(UserError, match="no pictures to stress"):
        next(describe_source(tmp_path / "d", None, stresses=[Stress("flat", 0.5)]))


def test_an_unknown_side_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(UserError, match="cannot be on 'all'"):
        next(describe_source(tmp_path / "nowhere", [], on="all"))
