import re
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from occreid.errors import UserError
from occreid.models import list_methods
from occreid.training import recipe_files
from occreid.training.recipe import Section
from occreid.training.recipe_files import (
    as_override,
    changed_keys,
    dump_recipe,
    find_recipe,
    list_recipes,
    load_recipe,
    parse_recipe,
    read_form,
)
from occreid.yaml_files import parse_yaml

MINIMAL = "method: {name: baseline}\ndata: {name: market1501, root: data/market}\n"


@pytest.fixture
def recipe_file(tmp_path):
    def write(text=MINIMAL):
        file = tmp_path / "mine.yaml"
        file.write_text(text)
        return file

    return write


def problem(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return str(caught.value)


def test_every_shipped_recipe_is_valid_and_says_its_benchmark():
    names = list_recipes()
    assert {f"{m}/{b}" for m in ("baseline", "baseline_vit") for b in ("market1501", "dukemtmc", "msmt17")} <= set(
        names
    )
    for name in names:
        recipe = load_recipe(name)
        folder, _, stem = name.partition("/")
        assert folder == {"parser": "parsing"}.get(recipe.method.name, recipe.method.name), name
        stem = stem.removeprefix("teacher_")  # of SUReID's teacher; "start" is what it starts from
        benchmarks = (recipe.data.name, *(test.name for test in recipe.evaluation.test))
        assert stem.startswith(("occreid_lite", "start")) or stem.startswith(benchmarks), name


def test_every_method_can_be_trained_on_ones_own_crops():
    names = list_recipes()
    for method in list_methods():
        assert f"{method}/folder" in names and load_recipe(f"{method}/folder").method.name == method


def test_a_recipe_is_found_by_path_name_and_path_below_recipes(recipe_file):
    file = recipe_file()
    assert load_recipe(file).data.root == "data/market"
    by_name = load_recipe("baseline/market1501")
    assert by_name == load_recipe("baseline/market1501.yaml") == load_recipe("recipes/baseline/market1501.yaml")


def test_the_working_directory_comes_before_the_shipped_recipes(tmp_path, monkeypatch):
    (tmp_path / "recipes/baseline").mkdir(parents=True)
    (tmp_path / "recipes/baseline/market1501.yaml").write_text(MINIMAL)
    monkeypatch.chdir(tmp_path)
    assert load_recipe("baseline/market1501").data.root == "data/market"
    assert load_recipe("baseline/msmt17").data.name == "msmt17"


def test_recipes_inside_the_installed_package_are_found(tmp_path, monkeypatch):
    package = tmp_path / "occreid"
    (package / "_recipes/own").mkdir(parents=True)
    (package / "_recipes/own/first.yaml").write_text(MINIMAL)
    monkeypatch.setattr(recipe_files, "files", lambda name: package)
    assert "own/first" in list_recipes()
    assert load_recipe("own/first").data.root == "data/market"


def test_an_unknown_recipe_suggests_the_nearest():
    assert "Did you mean 'baseline/market1501'?" in problem(load_recipe, "baseline/markt1501")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {hieght: 3}\nmethod: {name: m}\n", r"has no key 'data.hieght'. Did you mean 'data.height'\?"),
        ("training: {lr: 1}\n", r"has no key 'training.lr'. Did you mean 'optimizer.lr'\?"),
        ("optimiser: {}\n", r"has no key 'optimiser'. Did you mean 'optimizer'\?"),
        (
            "data: {name: m, root: r, transform: {flp: 1}}",
            r"'data.transform.flp'. Did you mean 'data.transform.flip'\?",
        ),
        ("evaluation: {test: [{nam: m, root: r}]}", r"'evaluation.test.0.nam'. Did you mean 'evaluation.test.name'\?"),
        ("method: {name: m}", "lacks the key 'data'"),
        (MINIMAL + "training: {epochs: many}", "'training.epochs' cannot be 'many'. It should be a valid integer"),
        (MINIMAL + "training: 3", "'training' cannot be 3. It should be a section"),
        (MINIMAL + "schedule: {name: step}", "schedule: the step schedule needs milestones"),
        (MINIMAL + "data: {name: m}", "the key 'data' is given twice"),
        ("data: [1", "not valid YAML: line"),
        ("", "holds no sections"),
    ],
)
def test_a_wrong_recipe_is_one_sentence_with_its_file_and_key(recipe_file, text, message):
    file = recipe_file(text)
    with pytest.raises(UserError, match=message) as caught:
        load_recipe(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    assert "cannot read the recipe" in problem(load_recipe, tmp_path / "x.yaml")


def test_overrides_are_yaml_typed_and_dotted(recipe_file):
    recipe = load_recipe(
        recipe_file(),
        [
            "data.height=384",
            "optimizer.lr=5e-4",
            "data.transform.flip=0",
            "data.options.strict=false",
            "schedule.milestones=[3, 7]",
            "schedule.name=step",
            "training.ema=off",
        ],
    )
    assert recipe.data.height == 384
    assert recipe.optimizer.lr == 5e-4
    assert recipe.data.transform.flip == 0.0
    assert recipe.data.options == {"strict": False}
    assert recipe.schedule.milestones == [3.0, 7.0]
    assert recipe.training.ema is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.hieght=3", r"--set data.hieght has no key 'data.hieght'. Did you mean 'data.height'\?"),
        ("data.height", "--set data.height is no key=value"),
        ("=3", "is no key=value"),
        ("data.height=tall", "--set data.height: 'data.height' cannot be 'tall'"),
        ("data.p.x=3", "'data.p' cannot be"),
        ("method.name.x=3", "'method.name' in .* is no section"),
        ("data.height=[1", "not valid YAML"),
    ],
)
def test_a_wrong_override_names_itself(recipe_file, override, message):
    with pytest.raises(UserError, match=message):
        load_recipe(recipe_file(), [override])


def test_the_resolved_recipe_reads_back_equal(recipe_file):
    recipe = load_recipe(recipe_file(), ["training.ema=0.99", "method.options.margin=1e-3", "optimizer.lr=1e-5"])
    assert parse_recipe(yaml.safe_load(dump_recipe(recipe))) == recipe
    assert load_recipe(recipe_file(dump_recipe(recipe))) == recipe


def test_changed_keys_are_named_with_dots():
    one = parse_recipe(yaml.safe_load(MINIMAL))
    other = parse_recipe(yaml.safe_load(MINIMAL), ["data.height=384", "method.options.margin=0.5"])
    assert changed_keys(one, other) == ["data.height", "method.options.margin"]
    assert changed_keys(one, one) == []


def test_find_recipe_prefers_an_existing_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("market1501.yaml").write_text(MINIMAL)
    assert find_recipe("market1501.yaml") == Path("market1501.yaml")


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("data.root=/data/set #2", "/data/set #2"),
        ("data.root= D:/a: b ", "D:/a: b"),
        ("data.root=2026", "2026"),
        ("data.root=010", "010"),
        ("data.root=no", "no"),
        ("data.root='quo''ted #1'", "quo'ted #1"),
        ("data.root=[1", "[1"),
        ("data.root=~/d", "~/d"),
    ],
)
def test_a_text_is_taken_as_it_is_typed(override, meant):
    assert parse_recipe(yaml.safe_load(MINIMAL), [override]).data.root == meant


def test_texts_that_may_be_missing_and_options_that_may_be_anything():
    recipe = parse_recipe(
        yaml.safe_load(MINIMAL),
        ["training.init_from=a #1", "method.options.a=/x #1", "method.options.b=[1, 2]", "method.options.c=5 # five"],
    )
    assert recipe.training.init_from == "a #1"
    assert recipe.method.options == {"a": "/x #1", "b": [1, 2], "c": 5}
    assert parse_recipe(recipe.model_dump(), ["training.init_from=null"]).training.init_from is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("training: {epochs: 010}", "the number 010 begins with 0"),
        ("training: {epochs: 1:30}", "'training.epochs' cannot be '1:30'. It should be a valid integer"),
        ("optimizer: {lr: .inf}", "'optimizer.lr' cannot be inf. It should be a finite number"),
        ("schedule: {final_factor: .nan}", "finite number"),
        ("optimizer: {nesterov: yes}", "'optimizer.nesterov' cannot be 'yes'. It should be a valid boolean"),
        ("? [a, b]\n: c", "a key is a list or a mapping"),
    ],
)
def test_what_yaml_1_1_would_guess_is_refused(tmp_path, text, said):
    (tmp_path / "r.yaml").write_text(MINIMAL + text + "\n")
    with pytest.raises(UserError, match=re.escape(said)):
        load_recipe(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    "value",
    [1, 1e-5, "5e-4", "-1E5", "off", "yes", "007", "a: b, [c]", "two\nlines", "it's", "...", "", None, True, -0.0,
     [1, "null"], {"a": {"b": [None]}}, "grün → rot", "x" * 300],
)  # fmt: skip
def test_a_value_as_an_override_is_read_back_as_it_was(value):
    override = as_override("method.options.x", value)
    recipe = parse_recipe(yaml.safe_load(MINIMAL), [override])
    assert recipe.method.options == {"x": value}
    assert type(recipe.method.options["x"]) is type(value)
    assert parse_recipe(parse_yaml(dump_recipe(recipe), "x")) == recipe


def test_a_ladder_of_recipes_is_no_recipe(tmp_path, monkeypatch):
    (tmp_path / "recipes/own").mkdir(parents=True)
    for name in ("first.yaml", "table1.ablate.yaml"):
        (tmp_path / "recipes/own" / name).write_text(MINIMAL)
    monkeypatch.chdir(tmp_path)
    assert [name for name in list_recipes() if name.startswith("own/")] == ["own/first"]


class Item(Section):
    name: str


class Form(Section):
    title: str = ""
    items: list[Item] = Field([])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("titel: a", ["the form", "titel: there is no such key", "Did you mean 'title'?"]),
        ("items: [{nam: a}]", ["items.0.nam: there is no such key", "Did you mean 'name'?"]),
        ("title: 3", ["title: input should be a valid string.", "See docs/forms.md for the form."]),
    ],
)
def test_a_file_of_another_form_is_read_and_its_mistakes_are_named(text, words, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("items: [{name: a}]")
    assert read_form(file, Form, "form", "docs/forms.md", items=Item).items == [Item(name="a")]
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_form(file, Form, "form", "docs/forms.md", items=Item)
    assert all(word in str(caught.value) for word in words), caught.value
