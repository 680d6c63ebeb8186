"""A list of models to time, as a file: ``recipes/<method>/<table>.bench.yaml``.

::

    title: Throughput, Table I of the SUReID paper
    batch_sizes: [32]
    against: DeiT-S
    models:
      - {name: DeiT-S, method: baseline_vit, options: {backbone: deit_small_patch16_224}, size: [256, 128], paper: 1074}
      - {name: SUReID, method: sureid, size: [256, 128], paper: 1585}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from occreid.bench.models import Model
from occreid.errors import did_you_mean
from occreid.training.recipe import Positive, Section
from occreid.training.recipe_files import BENCH, read_form, recipe_folders


class Candidate(Section):
    """One model of a list."""

    name: str
    method: str = Field(description="a method's name, or the path of a trained or exported model")
    options: dict[str, Any] = Field({})
    size: list[Positive] | None = None
    paper: float | None = Field(None, description="published images a second")

    @model_validator(mode="after")
    def _two(self) -> Candidate:
        if self.size is not None and len(self.size) != 2:
            raise ValueError("size should be [height, width]")
        return self

    def model(self) -> Model:
        """As `occreid.bench` takes it."""
        size = None if self.size is None else (self.size[0], self.size[1])
        return Model(self.name, self.method, dict(self.options), size, self.paper)


class BenchList(Section):
    """A list as written."""

    title: str = ""
    paper: str = Field("", description="what the published figures are, and on which hardware")
    batch_sizes: list[Positive] = Field([32])
    against: str | None = None
    models: Annotated[list[Candidate], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> BenchList:
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two models are called '{twice[0]}'")
        if self.against is not None and self.against not in names:
            raise ValueError(f"'against' names no model of the list. {did_you_mean(self.against, names)}")
        return self


@dataclass(frozen=True, slots=True)
class Selection:
    """What one table is about.

    Attributes:
        models: with names that differ.
        batch_sizes: images at once.
        against: the model that ratios are to; None: the first.
        title: of a list, else empty.
    """

    models: tuple[Model, ...]
    batch_sizes: tuple[int, ...] = (32,)
    against: str | None = None
    title: str = ""


def select(
    words: Sequence[str],
    *,
    against: str | None = None,
    batch_sizes: Sequence[int] | None = None,
    size: tuple[int, int] | None = None,
) -> Selection:
    """The models that words name: one list, or models as `Model.parse` reads them.

    Args:
        words: one list's path or name, or models.
        against: a model that ratios are to, joined where it is not among them; None: the list's, or the first.
        batch_sizes: None: the list's, or 32.
        size: (height, width) of all pictures; None: each model's own.

    Raises:
        UserError: a list or a word that cannot be read.
    """
    file = find_list(words[0]) if len(words) == 1 else None
    if file is None:
        chosen = Selection(tuple(Model.parse(text) for text in words))
    else:
        listed = load_list(file)
        title = listed.title + (f" ({listed.paper})" if listed.paper else "")
        models = tuple(candidate.model() for candidate in listed.models)
        chosen = Selection(models, tuple(listed.batch_sizes), listed.against, title)
    if against is not None:
        rival = Model.parse(against)
        joined = () if rival.name in {model.name for model in chosen.models} else (rival,)
        chosen = replace(chosen, models=(*chosen.models, *joined), against=rival.name)
    if batch_sizes is not None:
        chosen = replace(chosen, batch_sizes=tuple(batch_sizes))
    if size is not None:
        chosen = replace(chosen, models=tuple(replace(model, size=size) for model in chosen.models))
    return chosen


def find_list(name: str) -> Path | None:
    """The file behind a path or the name of a shipped list such as ``"sureid/table1"``; None where there is none."""
    path = Path(name)
    if path.name.endswith((".yaml", ".yml")) and path.is_file():
        return path
    inside = path.relative_to("recipes") if path.parts[:1] == ("recipes",) else path
    candidates = (folder / f"{inside}{BENCH}" for folder in recipe_folders() if not path.is_absolute())
    return next((file for file in candidates if file.is_file()), None)


def load_list(path: Path) -> BenchList:
    """Read a list.

    Raises:
        UserError: it is not readable, or a key or value is wrong.
    """
    return read_form(path, BenchList, "list of models", "docs/bench.md", models=Candidate)
