import sys

import pytest
import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation import Settings, measure
from occreid.models import Method, create_model, load_model, save_model
from occreid.report.runs import require_images, require_same_data, run_entries, run_names, run_recipes

CPU = Settings("cpu")


class Mean(Method):
    metric = "cosine"
    input_size = (16, 8)

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def describe(self, images, masks=None):
        return Descriptors(self.scale * self.normalize(images).mean((2, 3)))


class Trusting(Mean):
    def neighbours(self, descriptors, gallery):
        return torch.tensor([[2, -1]]).repeat(len(descriptors), 1), torch.tensor([[0.75, 0.0]])


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mean_method", sys.modules[__name__])

    def make(name="run", cls="Mean", **card):
        save_model(create_model(f"mean_method:{cls}", 2), tmp_path / name, card)
        return tmp_path / name

    return make


def test_each_run_is_measured_by_its_own_protocol_at_ranks_of_all(make_run, split):
    one = make_run("one", recipe={"evaluation": {"ap": "trapezoid", "ranks": [1, 3]}})
    two = make_run("two", recipe={"evaluation": {"ranks": [2]}})
    first, second = run_entries([one, two], ["a", "b"], split, CPU)
    assert (first.ranking.protocol.ap, second.ranking.protocol.ap) == ("trapezoid", "step")
    assert first.ranking.ranks == second.ranking.ranks == (1, 2, 3, 5, 10)
    assert first.ranking.mean_ap == measure(load_model(one), split, device="cpu").mean_ap
    (changed,) = run_entries([one], ["a"], split, CPU, ap="step")
    assert changed.ranking.protocol.ap == "step" and changed.note == "mean_method:Mean, cosine distance"


def test_whom_a_query_was_rebuilt_from_is_kept(make_run, split):
    (entry,) = run_entries([make_run(cls="Trusting")], ["a"], split, CPU)
    assert entry.trusted is not None and entry.trusted(0) == [(2, 0.75)]


def test_recipes_stand_under_their_names(make_run):
    one, two = make_run("one", recipe={"a": 1}), make_run("two", recipe={"b": 2})
    assert run_recipes([one], ["one"]) == "a: 1\n"
    assert run_recipes([one, two], ["one", "two"]) == "# one\na: 1\n\n# two\nb: 2\n"


def test_names_are_as_long_as_they_must_be(tmp_path):
    assert run_names([tmp_path / "a/run", tmp_path / "b/run"], None) == ["a/run", "b/run"]
    assert run_names([tmp_path / "a", tmp_path / "b"], ["x", "y"]) == ["x", "y"]
    for given in (["x"], ["x", "x"]):
        with pytest.raises(UserError, match="do not fit 2 runs"):
            run_names([tmp_path / "a", tmp_path / "b"], given)
    with pytest.raises(UserError, match="given twice"):
        run_names([tmp_path / "a"] * 2, None)


def test_runs_of_other_data_and_missing_images_are_refused(make_run, split):
    from dataclasses import replace

    require_same_data([make_run("one", data={"name": "mini", "counts": split.counts()})], split)
    with pytest.raises(UserError, match="with other"):
        require_same_data([make_run("two", data={"name": "other"})], split)
    gone = replace(split.query[0], path=split.query[0].path.with_name("gone.png"))
    require_images(split)
    with pytest.raises(UserError, match=r"1 images of mini are missing: .*gone\.png"):
        require_images(replace(split, query=(gone, *split.query[1:])))
