import json
import math

import pytest

from occreid.errors import UserError
from occreid.training.ablation.results import cell, collect
from occreid.training.ablation.table import markdown


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


def test_a_ladder_is_read_on_held_out_identities_where_runs_have_some(plan, finish):
    """Each seed holds other persons out, so that only rows of one seed must agree in their data."""
    for run in plan.runs[:4]:
        finish(run, 0.9)
        result = run.folder / "result.json"
        content = json.loads(result.read_text())
        (test,) = content["benchmarks"]
        counts = {"query": {"images": 3 + run.seed}, "gallery": {"images": 7}}
        own = {**test, "benchmark": "occsynth-validation", "counts": counts, "scores": {"mAP": 0.2, "R-1": 0.1}}
        result.write_text(json.dumps({**content, "validation": own}))
    found = collect(plan)
    assert all(one.held_out for one in found)
    assert cell(found, "base", "occsynth-validation", "mAP").mean == pytest.approx(20)
    assert cell(found, "base", "occsynth", "mAP") is None
    assert "Identities held out of the training part" in markdown(plan, found)
    on_test = collect(plan, test=True)
    assert cell(on_test, "base", "occsynth", "mAP").mean == pytest.approx(90)
    assert "Read on the test part: no choice may follow from it" in markdown(plan, on_test)
