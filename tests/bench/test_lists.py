import pytest

from occreid.bench.lists import Selection, find_list, load_list, select
from occreid.bench.models import Model
from occreid.errors import UserError
from occreid.training.recipe_files import list_recipes, recipe_folders

TEXT = """
title: Table I
batch_sizes: [4]
against: small
models:
  - {name: small, method: "toy_module:Toy", paper: 1074}
  - {name: wide, method: "toy_module:Toy", options: {dim: 64}, size: [32, 16]}
"""


def test_a_list_names_models_sizes_and_published_figures(list_file):
    listed = load_list(list_file(TEXT))
    assert (listed.title, listed.batch_sizes, listed.against) == ("Table I", [4], "small")
    assert [candidate.model() for candidate in listed.models] == [
        Model("small", "toy_module:Toy", {}, None, 1074),
        Model("wide", "toy_module:Toy", {"dim": 64}, (32, 16), None),
    ]


def test_lists_are_found_by_path_and_by_name(list_file, tmp_path, monkeypatch):
    file = list_file(TEXT)
    assert find_list(str(file)) == file
    (tmp_path / "recipes/toy").mkdir(parents=True)
    file.rename(tmp_path / "recipes/toy/table1.bench.yaml")
    monkeypatch.chdir(tmp_path)
    assert find_list("toy/table1").name == "table1.bench.yaml"
    assert find_list("baseline") is None
    assert "toy/table1.bench" not in list_recipes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: []", "models: list should have at least 1 item"),
        ("modles: []", "Did you mean 'models'?"),
        ("models: [{name: a, method: b, sise: [1, 2]}]", "Did you mean 'size'?"),
        ("models: [{name: a, method: b, size: [1]}]", "size should be [height, width]"),
        ("models: [{name: a, method: b}, {name: a, method: c}]", "two models are called 'a'"),
        ("against: c\nmodels: [{name: a, method: b}]", "names no model of the list. Known: a."),
    ],
)
def test_what_is_wrong_with_a_list_is_said(list_file, text, words):
    with pytest.raises(UserError) as caught:
        load_list(list_file(text))
    assert words in str(caught.value)


def test_every_shipped_list_can_be_read():
    for folder in recipe_folders():
        for file in sorted(folder.rglob("*.bench.yaml")):
            assert load_list(file).models


def test_words_select_a_list_or_models(list_file):
    listed = select([str(list_file(TEXT))], batch_sizes=[2], size=(8, 4))
    assert (listed.title, listed.batch_sizes, listed.against) == ("Table I", (2,), "small")
    assert [(model.name, model.size) for model in listed.models] == [("small", (8, 4)), ("wide", (8, 4))]
    assert select(["a", "b x=1"]) == Selection((Model("a", "a", {}), Model("b x=1", "b", {"x": 1})))


def test_a_rival_joins_once():
    assert [model.name for model in select(["a"], against="b").models] == ["a", "b"]
    chosen = select(["a", "b"], against="b")
    assert len(chosen.models) == 2 and chosen.against == "b"
