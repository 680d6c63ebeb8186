"""From a recipe to data and model, with everything checked that can be checked before the first step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from occreid.data import load_benchmark
from occreid.data.masks.folders import attach_masks, require_masks, require_parts
from occreid.errors import UserError, did_you_mean
from occreid.models import Method, Trainable, create_trainable, method_options
from occreid.models.contract import ModelSpec
from occreid.models.locate import is_named, locate
from occreid.models.weights import read_card
from occreid.records import Record, Split, class_indices
from occreid.training.evaluation import hold_out
from occreid.training.module import Leg
from occreid.training.recipe import ParsingSection, Recipe
from occreid.training.seeding import derived_seed, seed_globals
from occreid.training.weights import start_from


@dataclass(frozen=True, slots=True)
class Sources:
    """The data of a run.

    Attributes:
        split: the benchmark, without the identities held out.
        validation: what best.ckpt is chosen by, where identities are held out.
        tests: further benchmarks to test on at the end.
        parsing: the second stream's pictures, empty without one.
        missing: further benchmarks that are not there and so are not tested, a sentence each.
    """

    split: Split
    validation: Split | None
    tests: tuple[Split, ...]
    parsing: tuple[Record, ...] = ()
    missing: tuple[str, ...] = ()


def load_sources(recipe: Recipe) -> Sources:
    """Read all benchmarks of a recipe.

    Raises:
        UserError: what `load_benchmark` raises, nothing to train on, too few identities, or missing masks.
    """
    data = recipe.data
    split = load_benchmark(data.name, data.root, **data.options)
    there = [test for test in recipe.evaluation.test if Path(test.root).expanduser().exists()]
    missing = tuple(
        f"{test.name} is not tested: there is no {test.root}" for test in recipe.evaluation.test if test not in there
    )
    tests, names = list[Split](), [data.name]
    for test in recipe.evaluation.test:
        if test in there:
            one, same = load_benchmark(test.name, test.root, **test.options), names.count(test.name)
            tests.append(replace(one, name=f"{one.name} ({same + 1})") if same else one)  # results go by name
        names.append(test.name)
    if not split.train:
        raise UserError(
            f"{data.name} in {data.root} has no training images.",
            "Train on another benchmark, and test on this one with evaluation.test.",
        )
    ids = len(class_indices(split.train))
    if ids < 2:
        raise UserError(
            f"the training set of {data.name} in {data.root} has a single identity: there is nobody to tell apart.",
            "Add images of further persons.",
        )
    if data.mask_root is not None:
        split = replace(split, train=attach_masks(split.train, data.root, data.mask_root))
    if data.masks:
        require_masks(split.train, data.name, data.root)
    parsing = () if data.parsing is None else _second_stream(data.parsing)
    if not data.validation_ids:
        return Sources(split, None, tuple(tests), parsing, missing)
    remaining, validation = hold_out(split, data.validation_ids, recipe.training.seed, data.masks)
    return Sources(remaining, validation, tuple(tests), parsing, missing)


def _second_stream(section: ParsingSection) -> tuple[Record, ...]:
    """The masked training pictures of ``data.parsing``."""
    records = load_benchmark(section.name, section.root, **section.options).train
    if not records:
        raise UserError(f"data.parsing: {section.name} in {section.root} has no training images.", "Give one that has.")
    if section.mask_root is not None:
        records = attach_masks(records, section.root, section.mask_root)
    require_masks(records, section.name, section.root)
    require_parts(records, section.name)
    return records


def build_model(recipe: Recipe, split: Split, *, fresh: bool = True) -> Trainable:
    """The recipe's method for the split's identities; equal seeds give equal weights.

    Args:
        recipe: gives method, options and image size.
        split: gives the number of identities.
        fresh: False where a checkpoint will replace the weights, so that pretrained ones are not fetched.

    Raises:
        UserError: what `create_trainable` raises, an image size that is not the one of the data, or masks without parts
            for a method that learns parts.
    """
    name, data = recipe.method.name, recipe.data
    known, options = method_options(name), dict(recipe.method.options)
    size = {"height": data.height, "width": data.width}
    for key, value in size.items() if size.keys() <= known.keys() else ():  # a lone width may be one of layers
        if options.setdefault(key, value) != value:
            raise UserError(
                f"method.options.{key} is {options[key]}, data.{key} is {value}.", f"Leave method.options.{key} out."
            )
    seed_globals(derived_seed(recipe.training.seed))
    classes = len(class_indices(split.train))
    start = str(options.get("pretrained", ""))
    named = "pretrained" in known and is_named(start)
    whole = named and read_card(start)["method"] == name  # with neck and heads; of another method, the backbone alone
    later = {}
    if "pretrained" in known and (whole or not fresh):
        later = {"pretrained": "none"}
    elif named:
        later = {"pretrained": str(locate(start))}
    model = create_trainable(name, classes, **{**options, **later})
    if whole and fresh:
        start_from(model, start)
    if later and model.spec is not None:
        asked = {"pretrained": options.get("pretrained", known["pretrained"])}
        model.spec = ModelSpec(name, classes, {**model.spec.options, **asked})
    model.input_size = (data.height, data.width)
    if data.k < 2 and isinstance(model, Method):
        raise UserError("data.k is 1: no image would have another of the same person.", "Set data.k to 2 or more.")
    if data.masks and model.learns_parts:
        require_parts(split.train, data.name)
    if data.parsing is not None and type(model).parsing_losses is Trainable.parsing_losses:
        raise UserError(f"{name} has no use for a second stream of images.", "Set data.parsing to null.")
    return model


def make_legs(recipe: Recipe, model: Trainable) -> list[Leg]:
    """The method's stages with the epochs the recipe gives each.

    Raises:
        UserError: ``stage_epochs`` names no stage of the method, or the warm-up is longer than a leg.
    """
    section, stages = recipe.training, model.stages()
    names = [stage.name for stage in stages]
    for name in section.stage_epochs:
        if name not in names:
            raise UserError(
                f"{recipe.method.name} has no stage '{name}' (training.stage_epochs).", did_you_mean(name, names)
            )
    legs = [
        Leg(stage, index, section.stage_epochs.get(stage.name, section.epochs)) for index, stage in enumerate(stages)
    ]
    for leg in legs:
        if recipe.schedule.warmup >= leg.epochs:
            raise UserError(
                f"schedule.warmup ({recipe.schedule.warmup:g}) is not shorter than stage '{leg.stage.name}' "
                f"({leg.epochs} epochs).",
                "Shorten the warm-up, or train longer.",
            )
    return legs
