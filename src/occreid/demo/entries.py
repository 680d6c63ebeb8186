"""What a demo compares, all by one protocol: the trained network, the package's own, one untrained, histograms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from occreid.evaluation import Described, Describer, Settings, rank
from occreid.models import Method, load_model
from occreid.models.registry import as_method
from occreid.models.shipped import DEFAULT
from occreid.records import Split
from occreid.report import Entry, describe_histogram
from occreid.retrieval import Protocol
from occreid.training import Recipe
from occreid.training.sources import build_model


def network_entries(run: Path, recipe: Recipe, split: Split) -> list[Entry]:
    """The trained network, and the same network with the weights its training began with.

    Args:
        run: the run folder.
        recipe: of the run.
        split: the benchmark.
    """
    name, trained = recipe.method.name, load_model(run)
    depth = recipe.method.options.get("backbone", "")
    note = f"{depth}, {recipe.training.epochs} epochs from scratch, {recipe.data.height} × {recipe.data.width} pixels"
    untrained = as_method(build_model(recipe, split), name)
    untrained.card = {"recipe": trained.card["recipe"]}  # tested alike
    return [
        _network_entry(f"trained {name}", note, trained, recipe, split),
        _network_entry(f"untrained {name}", "the same network before its first step", untrained, recipe, split),
    ]


def shipped_entry(recipe: Recipe, split: Split) -> Entry:
    """The model that comes with the package, which never saw these persons."""
    model = load_model(DEFAULT)
    note = f"comes with the package, trained on other generated people, {model.input_size[0]} × {model.input_size[1]}"
    return _network_entry(DEFAULT, note, model, recipe, split)


def histogram_entry(recipe: Recipe, split: Split) -> Entry:
    """The classical floor: six-stripe HSV histograms."""
    query, gallery = describe_histogram(split.query), describe_histogram(split.gallery)
    protocol = replace(Protocol.of(recipe, split), metric="euclidean", oracle="")
    described = Described(split.name, query, gallery, protocol)
    return Entry("colour histograms", rank(described), query, gallery, "HSV of six stripes, nothing learned")


def _network_entry(name: str, note: str, model: Method, recipe: Recipe, split: Split) -> Entry:
    settings = Settings(recipe.training.accelerator, workers=recipe.data.workers)
    described = Describer(model, split, settings=settings).described()
    return Entry(name, rank(described), described.query, described.gallery, note)
