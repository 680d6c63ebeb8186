import shlex

import pytest

from occreid.errors import UserError
from occreid.training.ablation.ladder import find_ladder, list_ladders, load_plan
from occreid.training.recipe_files import load_recipe


def problem(*arguments, **options):
    with pytest.raises(UserError) as caught:
        load_plan(*arguments, **options)
    return str(caught.value)


def test_rows_times_seeds(plan, tmp_path):
    assert plan.rows == ("base", "+ wide", "plain")
    assert [(run.row, run.seed) for run in plan.runs] == [(row, seed) for row in plan.rows for seed in (0, 1)]
    assert [run.folder.relative_to(tmp_path).as_posix() for run in plan.runs[1:4]] == [
        "out/base/seed-1", "out/wide/seed-0", "out/wide/seed-1"]  # fmt: skip
    assert plan.metrics == ("mAP", "R-1")
    assert plan.figures == {"base": [49.1, 58.5], "+ wide": [51, None]}
    assert plan.title == "toy"


def test_a_row_changes_what_it_names_and_nothing_else(plan):
    base, wide, plain = (run.recipe for run in plan.runs if run.seed == 1)
    assert base.method.options == {"width": 4, "dropout": 0.5}
    assert wide.method.options == {"width": 8, "dropout": 0.5}
    assert plain.method.options == {"dropout": 0.5}
    assert (base.optimizer.lr, plain.optimizer.lr) == (0.01, 0.005)
    assert {recipe.training.seed for recipe in (base, wide, plain)} == {1}


def test_the_command_makes_the_same_recipe(plan):
    for run in plan.runs:
        words = shlex.split(run.command())
        assert words[:2] == ["occreid", "train"]
        assert words[-2:] == ["--out", str(run.folder)]
        settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        assert load_recipe(words[2], settings) == run.recipe


def test_overrides_and_seeds_for_all_rows(ladder_file, recipe_file):
    other = recipe_file.with_name("other.yaml")
    other.write_text(recipe_file.read_text().replace("width: 4", "width: 16"))
    text = f"""
        recipe: {{recipe}}
        set: {{{{optimizer.lr: 0.5, method.options.dropout: 0.25}}}}
        rows:
          - {{{{name: a, set: {{{{optimizer.lr: 0.25}}}}}}}}
          - {{{{name: b, recipe: {other}}}}}
    """
    a, b = load_plan(ladder_file(text), "out", overrides=["data.root=elsewhere", "training.epochs=3"], seeds=[7]).runs
    assert (a.recipe.optimizer.lr, b.recipe.optimizer.lr) == (0.25, 0.5)
    assert (a.recipe.method.options["width"], b.recipe.method.options["width"]) == (4, 16)
    for run in (a, b):
        assert run.recipe.data.root == "elsewhere"
        assert (run.recipe.training.epochs, run.recipe.training.seed) == (3, 7)
        assert run.recipe.method.options["dropout"] == 0.25


def test_a_grid_is_every_combination(ladder_file):
    text = "recipe: {recipe}\ngrid: {{method.options.width: [4, 8], optimizer.lr: [1e-3, 1e-2]}}"
    plan = load_plan(ladder_file(text), "out")
    assert plan.rows == ("width=4, lr=0.001", "width=4, lr=0.01", "width=8, lr=0.001", "width=8, lr=0.01")
    assert [(r.recipe.method.options["width"], r.recipe.optimizer.lr) for r in plan.runs] == [
        (4, 1e-3), (4, 1e-2), (8, 1e-3), (8, 1e-2)]  # fmt: skip
    assert (plan.metrics, plan.paper) == (("mAP", "R-1"), None)


def test_keys_of_a_grid_with_the_same_last_word_are_told_apart(ladder_file):
    text = "recipe: {recipe}\ngrid: {{data.width: [16, 32], method.options.width: [4]}}"
    assert load_plan(ladder_file(text), "out").rows[0] == "data.width=16, method.options.width=4"


def test_rows_whose_names_look_alike_have_folders_of_their_own(ladder_file):
    text = "recipe: {recipe}\nrows: [{{name: CBE}}, {{name: + CBE}}, {{name: cbe!}}, {{name: +}}, {{name: CBE 2}}]"
    folders = [run.folder.parent.name for run in load_plan(ladder_file(text), "out").runs]
    assert folders[:4] == ["cbe", "cbe-2", "cbe-3", "row"]
    assert len(set(folders)) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recipe: r\nrowss: [{{name: a}}]", ["rowss", "Did you mean 'rows'?"]),
        ("recipe: r\nrows: [{{name: a, sett: {{}}}}]", ["rows.0.sett", "Did you mean 'set'?"]),
        ("recipe: r", ["give either rows or a grid"]),
        ("recipe: r\nrows: [{{name: a}}]\ngrid: {{a: [1]}}", ["give either rows or a grid"]),
        ("recipe: r\nrows: [{{name: a}}, {{name: a}}]", ["two rows are called 'a'"]),
        ("recipe: r\nseeds: [1, 1]\nrows: [{{name: a}}]", ["a seed is given twice"]),
        ("recipe: r\nseeds: []\nrows: [{{name: a}}]", ["seeds", "at least 1"]),
        ("recipe: r\nrows: [{{name: a, paper: [1, 2]}}]", ["row 'a'", "no section 'paper'"]),
        ("recipe: r\npaper: {{benchmark: b}}\nrows: [{{name: a, paper: [1]}}]", ["1 figures", "2 metrics"]),
        ("recipe: {recipe}\nrows: [{{name: a, set: {{data.hieght: 3}}}}]", ["row 'a'", "Did you mean 'data.height'?"]),
        ("recipe: {recipe}\nrows: [{{name: a, set: {{method.options.wdith: 3}}}}]", ["row 'a'", "'wdith'", "'width'?"]),
        ("recipe: {recipe}\nrows: [{{name: a, unset: [method.options.depth]}}]", ["row 'a'", "does not set"]),
        ("recipe: {recipe}\nrows: [{{name: a, unset: [data.root]}}]", ["row 'a'", "lacks the key 'data.root'"]),
        ("recipe: gone/away\nrows: [{{name: a}}]", ["row 'a'", "there is no recipe 'gone/away'"]),
        ("- 1", ["holds no sections"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_ladder_is_said_before_anything_starts(ladder_file, text, words):
    said = problem(ladder_file(text), "out")
    for word in words:
        assert word in said


def test_overrides_that_would_undo_the_rows_are_refused(ladder_file):
    assert "method.options.width" in problem(ladder_file(), "out", overrides=["method.options.width=3"])
    assert "differ in" in problem(ladder_file(), "out", overrides=["method.options={}"])
    assert "--seeds" in problem(ladder_file(), "out", overrides=["training.seed=3"])


def test_ladders_are_found_by_name_in_the_working_directory(ladder_file, tmp_path, monkeypatch):
    (tmp_path / "recipes/toy").mkdir(parents=True)
    ladder_file().rename(tmp_path / "recipes/toy/table1.ablate.yaml")
    monkeypatch.chdir(tmp_path)
    assert "toy/table1" in list_ladders()
    for name in ("toy/table1", "recipes/toy/table1.ablate.yaml", "toy/table1.ablate.yaml"):
        assert find_ladder(name).name == "table1.ablate.yaml"
    assert "Did you mean 'toy/table1'?" in problem("toy/tabel1", "out")


ONCE = """
recipe: {recipe}
seeds: [0, 1]
rows:
  - {{name: again, tests: base, set: {{method.options.dropout: 0.1}}}}
  - {{name: base, set: {{method.options.width: 8}}}}
  - {{name: further, starts: base, set: {{optimizer.lr: 5e-3}}}}
"""


def test_a_row_may_test_or_start_from_the_weights_of_another(ladder_file, tmp_path):
    plan = load_plan(ladder_file(ONCE), tmp_path / "out")
    runs = {(run.row, run.seed): run for run in plan.runs}
    base, again, further = (runs[name, 1] for name in ("base", "again", "further"))
    assert base.parent is None and again.parent == further.parent == base.folder
    assert base.recipe.training.init_from is None and not base.recipe.training.test_only
    assert again.recipe.training.init_from == further.recipe.training.init_from == str(base.folder)
    assert again.recipe.training.test_only and not further.recipe.training.test_only
    assert again.recipe.method.options == {"width": 8, "dropout": 0.1}, "what it tests was made with the base's options"
    assert further.recipe.method.options == {"width": 4, "dropout": 0.5} and further.recipe.optimizer.lr == 5e-3


def test_a_grid_may_train_once(ladder_file, tmp_path):
    text = "recipe: {recipe}\ntrain_once: true\ngrid: {{method.options.dropout: [0.1, 0.2, 0.3]}}"
    first, *others = load_plan(ladder_file(text), tmp_path / "out").runs
    assert first.parent is None and all(run.parent == first.folder for run in others)
    assert [run.recipe.method.options["dropout"] for run in (first, *others)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("{{name: a, tests: b}}", ["row 'a' needs the row 'b', and there is none"]),
        ("{{name: a, tests: b}}, {{name: b, starts: a}}", ["needs its own weights"]),
        ("{{name: a}}, {{name: b, tests: a, starts: a}}", ["both starts from a row and tests one"]),
        ("{{name: a}}, {{name: b, tests: a, recipe: c}}", ["row 'b' tests 'a': it takes its recipe"]),
    ],
)
def test_rows_that_cannot_have_their_weights_are_refused(ladder_file, rows, words):
    said = problem(ladder_file(f"recipe: {{recipe}}\nrows: [{rows}]"), "out")
    assert all(word in said for word in words)


def test_a_ladder_on_another_recipe(ladder_file, recipe_file, tmp_path):
    other = recipe_file.with_name("other.yaml")
    other.write_text(recipe_file.read_text().replace("lr: 0.01", "lr: 0.02"))
    plan = load_plan(ladder_file(), tmp_path / "out", recipe=str(other))
    assert {run.source for run in plan.runs} == {str(other)}
    assert {run.recipe.optimizer.lr for run in plan.runs if run.row == "base"} == {0.02}
    text = "recipe: {recipe}\nrows: [{{name: a, recipe: {recipe}}}]"
    with pytest.raises(UserError, match=r"row 'a' of .* has a recipe of its own, which --recipe would not reach"):
        load_plan(ladder_file(text), tmp_path / "out", recipe=str(other))


PAPERS_DATA = {  # where the papers' own experiments were made
    "han": ("han/market1501", "han/dukemtmc"),
    "hpnet": ("hpnet/market1501",),
    "orgnn": ("orgnn/occluded_duke", "orgnn/market1501"),
    "ssgr": ("ssgr/occluded_duke", "ssgr/opreid", "ssgr/market1501", "ssgr/dukemtmc"),
    "sureid": ("sureid/occluded_duke", "sureid/market1501"),
}


@pytest.mark.parametrize("name", list_ladders())
def test_every_ladder_runs_dry_on_occsynth_and_on_the_papers_data(name, tmp_path):
    """What a dry run checks: every row's recipe resolves, and builds a model of one class with its options."""
    method = name.partition("/")[0]
    generated = find_recipe_of(name)
    for source in (generated, *PAPERS_DATA.get(method, ())):
        plan = load_plan(name, tmp_path / "out", recipe=None if source == generated else source, seeds=[0])
        folders = {run.folder for run in plan.runs}
        assert len(folders) == len(plan.runs)
        for run in plan.runs:
            assert run.recipe.method.name in (method, "baseline", "baseline_vit")
            assert run.parent is None or run.parent in folders
            if source == generated and run.parent is None:
                _builds(run.recipe)


def find_recipe_of(name):
    import yaml

    return yaml.safe_load(find_ladder(name).read_text())["recipe"]


def _builds(recipe):
    """The row's model, as small as it gets: what cannot be built fails here and not after hours of other rows."""
    from occreid.models import create_trainable, method_options

    known = method_options(recipe.method.name)
    options = {**recipe.method.options, "pretrained": "none"}
    if {"height", "width"} <= known.keys():
        options |= {"height": recipe.data.height, "width": recipe.data.width}
    create_trainable(recipe.method.name, 4, **options)
