import pytest
from pydantic import ValidationError

from occreid.training.recipe import Recipe, ScheduleSection, TrainingSection


def minimal(**sections):
    return {"method": {"name": "baseline"}, "data": {"name": "market1501", "root": "data"}, **sections}


def test_a_recipe_needs_only_a_method_and_its_data():
    recipe = Recipe.model_validate(minimal())
    assert (recipe.data.height, recipe.data.width, recipe.data.p, recipe.data.k) == (256, 128, 16, 4)
    assert recipe.evaluation.ranks == [1, 3, 5, 10, 20]
    assert recipe.evaluation.ap == "step"
    assert recipe.training.ema is None


@pytest.mark.parametrize("missing", ["method", "data"])
def test_method_and_data_cannot_be_left_out(missing):
    content = minimal()
    del content[missing]
    with pytest.raises(ValidationError, match="Field required"):
        Recipe.model_validate(content)


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("data", {"name": "m", "root": "r", "height": "256"}),  # text is no number
        ("data", {"name": "m", "root": "r", "p": True}),  # nor is a truth value
        ("data", {"name": "m", "root": "r", "p": 1}),  # a triplet needs two identities
        ("data", {"name": "m", "root": "r", "k": 0}),
        ("data", {"name": "m", "root": "r", "mask_root": "m"}),  # masks that nobody reads
        ("data", {"name": "m", "root": "r", "parsing": {"name": "coco_densepose"}}),
        ("data", {"name": "m", "root": "r", "parsing": {"name": "c", "root": "r", "batch": 0}}),
        ("data", {"name": "m", "root": "r", "transform": {"flip": 1.5}}),
        ("optimizer", {"lr": 0.0}),
        ("optimizer", {"name": "adamm"}),
        ("training", {"epochs": 0}),
        ("training", {"ema": 1.0}),
        ("training", {"grad_clip": 0}),
        ("training", {"precision": "fp8"}),
        ("training", {"stage_epochs": {"gnn": 0}}),
        ("evaluation", {"same_camera": "drop"}),
        ("evaluation", {"test": [{"name": "occluded_reid"}]}),
        ("nonsense", {}),
    ],
)
def test_values_that_do_not_fit_are_refused(section, value):
    with pytest.raises(ValidationError):
        Recipe.model_validate(minimal(**{section: value}))


def test_a_second_stream_has_its_own_place_batch_and_augmentation():
    parsing = {"name": "coco_densepose", "root": "data/coco", "transform": {"pad": 0}}
    data = Recipe.model_validate(minimal(data={"name": "m", "root": "r", "masks": True, "parsing": parsing})).data
    assert data.parsing is not None and data.mask_root is None
    assert (data.parsing.batch, data.parsing.transform.pad, data.transform.pad) == (32, 0, 10)


def test_whole_numbers_stand_for_real_ones():
    assert Recipe.model_validate(minimal(schedule={"warmup": 3})).schedule.warmup == 3.0


@pytest.mark.parametrize("off", [False, "off", None])
def test_the_moving_average_can_be_switched_off(off):
    assert TrainingSection(ema=off).ema is None


def test_the_moving_average_has_a_decay():
    assert TrainingSection(ema=0.999).ema == 0.999
    with pytest.raises(ValidationError):
        TrainingSection(ema=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "step"}, "needs milestones"),
        ({"name": "step", "milestones": [70, 40]}, "should rise"),
        ({"name": "step", "milestones": [40, 40]}, "should rise"),
        ({"name": "step", "milestones": [0]}, "above 0"),
        ({"name": "cosine", "milestones": [40]}, "belong to the step schedule"),
        ({"name": "cosine", "flat": 10}, "belongs to the flat_cosine schedule"),
        ({"warmup_factor": 0.5, "warmup_end": 0.4}, "should not be below"),
    ],
)
def test_a_schedule_whose_parts_contradict_each_other_is_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        ScheduleSection.model_validate(values)


def test_a_warm_up_or_freeze_as_long_as_the_training_is_refused():
    with pytest.raises(ValidationError, match="warmup"):
        Recipe.model_validate(minimal(schedule={"warmup": 10}, training={"epochs": 10}))
    with pytest.raises(ValidationError, match="never trains"):
        Recipe.model_validate(minimal(training={"epochs": 3, "freeze_epochs": 3}))


def test_a_recipe_does_not_change_after_reading():
    recipe = Recipe.model_validate(minimal())
    with pytest.raises(ValidationError, match="frozen"):
        recipe.data.height = 384


def test_the_documentation_names_every_key_and_no_other():
    import re
    from pathlib import Path

    from occreid.training.recipe_files import _known_keys

    page = (Path(__file__).parents[2] / "docs/recipes.md").read_text()
    documented = set(re.findall(r"`((?:method|data|optimizer|schedule|training|evaluation)\.[a-z_.]+)`", page))
    sections = {"data.transform", *(key for key in _known_keys(Recipe) if "." not in key)}
    elsewhere = ("evaluation.test.", "data.parsing.transform.")  # lists and sections of keys described elsewhere
    keys = {key for key in _known_keys(Recipe) if not key.startswith(elsewhere)} - sections
    assert documented == keys
