import math

import pytest

from occreid.errors import UserError
from occreid.training.ablation.results import cell, collect


def problem(plan):
    with pytest.raises(UserError) as caught:
        collect(plan)
    return str(caught.value)


def test_scores_are_averaged_over_the_seeds_of_a_row(plan, finish):
    for run, score in zip(plan.runs[:5], (0.3, 0.4, 0.5, 0.5, 0.7), strict=True):
        finish(run, score)
    found = collect(plan)
    assert len(found) == 5
    base = cell(found, "base", "occsynth", "mAP")
    assert (base.mean, base.runs) == (pytest.approx(35), 2)
    assert base.std == pytest.approx(math.sqrt((5**2 + 5**2) / 1))
    assert cell(found, "+ wide", "occsynth", "mAP").std == 0
    alone = cell(found, "plain", "occsynth", "mAP")
    assert (alone.mean, alone.std, alone.runs) == (pytest.approx(70), 0, 1)
    assert cell(found, "base", "elsewhere", "mAP") is None


def test_nothing_finished_is_no_error(plan):
    assert collect(plan) == []


def test_mixed_protocols_are_refused_and_named(plan, finish):
    finish(plan.runs[0], 0.5)
    finish(plan.runs[2], 0.5, protocol={"same_camera": "keep"})
    said = problem(plan)
    assert "two protocols (same_camera: junk / keep)" in said
    assert str(plan.runs[2].folder) in said


def test_a_method_may_have_its_own_distance_and_a_seed_its_own_draws(plan, finish):
    finish(plan.runs[0], 0.5, protocol={"shots": "single", "draws": 10})
    finish(plan.runs[3], 0.5, protocol={"shots": "single", "draws": 10, "seed": 1, "metric": "visible_parts"})
    assert len(collect(plan)) == 2


def test_different_data_are_refused_and_named(plan, finish):
    finish(plan.runs[0], 0.5)
    finish(plan.runs[1], 0.5, counts={"gallery": {"images": 1799}})
    assert "different data: occsynth has 1800 and 1799 gallery images" in problem(plan)


def test_a_missing_metric_and_a_broken_file_are_named(plan, finish):
    finish(plan.runs[0], 0.5)
    result = plan.runs[0].folder / "result.json"
    result.write_text(result.read_text().replace("R-1", "R-2"))
    assert "has no R-1 on occsynth" in problem(plan)
    result.write_text("{")
    assert f"{result} is not JSON" in problem(plan)


def test_runs_of_another_recipe_are_refused(plan, finish):
    finish(plan.runs[0], 0.5)
    file = plan.runs[0].folder / "recipe.yaml"
    file.write_text(file.read_text().replace("epochs: 1", "epochs: 9"))
    assert "other values of: training.epochs" in problem(plan)
