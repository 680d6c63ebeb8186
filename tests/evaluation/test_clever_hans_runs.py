from dataclasses import replace

import pytest

from occreid.errors import UserError
from occreid.evaluation import clever_hans_runs
from occreid.evaluation.clever_hans_runs import natural_rows, pasted_rows


def test_each_benchmark_has_a_row_and_a_sheet_of_its_own(make_run, split, tmp_path):
    splits = [split, replace(split, name="again")]
    how = {"trials": 6, "share": 0.3, "seed": 1, "device": "cpu"}
    rows = list(pasted_rows(make_run(), splits, "procedural", sheet=tmp_path / "told.png", **how))
    assert [(row["benchmark"], row["share"], row["trials"]) for row in rows] == [("toy", 0.3, 6), ("again", 0.3, 6)]
    assert {file.name for file in tmp_path.glob("told*")} == {"told-toy.png", "told-again.png"}
    list(pasted_rows(make_run(), [split], "procedural", sheet=tmp_path / "one.png", **how))
    assert (tmp_path / "one.png").is_file()


def test_a_share_that_cannot_be_is_said_before_the_model_is_loaded(tmp_path, split):
    with pytest.raises(UserError, match=r"0\.95"):
        list(pasted_rows(tmp_path / "none", [split], "procedural", share=0.95))


def test_natural_rows_are_those_of_what_is_described(make_run, split, monkeypatch):
    monkeypatch.setattr(clever_hans_runs, "natural_row", lambda described, by, seed: (described.name, by, seed))
    assert natural_rows(make_run(), [split], "kind", seed=4) == [("toy", "kind", 4)]
