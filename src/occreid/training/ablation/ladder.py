"""A ladder file: rows (or a grid) of overrides of one recipe, times seeds, and the paper's figures beside them.

::

    recipe: ssgr/occsynth_demo
    seeds: [0, 1, 2]
    paper: {benchmark: occluded_duke, metrics: [mAP, R-1]}
    rows:
      - {name: baseline, set: {method.name: baseline, method.options: {}}, paper: [49.1, 58.5]}
      - {name: + CBE, set: {method.options.cbe: true}, paper: [51.0, 60.1]}
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from occreid.errors import UserError, did_you_mean
from occreid.models import method_options
from occreid.training.recipe import NotNegative, Recipe, Section
from occreid.training.recipe_files import (
    LADDER,
    as_override,
    find_recipe,
    find_shipped,
    load_recipe,
    read_form,
    read_sections,
    recipe_folders,
)

Name = Annotated[str, Field(min_length=1)]


class PaperColumn(Section):
    """What the paper's figures beside ours are: its benchmark and its metrics, in per cent."""

    benchmark: Name
    metrics: Annotated[list[Name], Field(min_length=1)] = Field(["mAP", "R-1"])
    source: str = ""


class Row(Section):
    """One line of the table: what it changes in the recipe, and the paper's figures for it.

    ``starts`` names a row whose weights this one starts from; ``tests`` one whose weights it tests, with
    its own changes and without training.
    """

    name: Name
    starts: str | None = None
    tests: str | None = None
    recipe: str | None = None
    set: dict[str, Any] = Field({})
    unset: list[str] = Field([])
    paper: list[float | None] | None = None


class Ladder(Section):
    """A ladder file as written; without ``metrics``, the paper's are shown, or mAP and R-1."""

    recipe: Name
    title: str = ""
    seeds: Annotated[list[NotNegative], Field(min_length=1)] = Field([0])
    set: dict[str, Any] = Field({})
    metrics: list[Name] | None = None
    paper: PaperColumn | None = None
    rows: list[Row] = Field([])
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field({})
    train_once: bool = Field(False, description="grid: the first row trains, the others test its weights")

    @model_validator(mode="after")
    def _whole(self) -> Ladder:
        if bool(self.rows) == bool(self.grid):
            raise ValueError("give either rows or a grid")
        names = [row.name for row in self.rows]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rows are called '{twice[0]}'")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is given twice")
        for row in self.rows:
            _check_parents(row, {other.name: other for other in self.rows})
        for row in self.rows:
            if row.paper is None:
                continue
            if self.paper is None:
                raise ValueError(f"row '{row.name}' has figures of a paper, but the file has no section 'paper'")
            if len(row.paper) != len(self.paper.metrics):
                raise ValueError(
                    f"row '{row.name}' has {len(row.paper)} figures of the paper for {len(self.paper.metrics)} metrics"
                )
        return self


def _check_parents(row: Row, rows: Mapping[str, Row]) -> None:
    if row.starts is not None and row.tests is not None:
        raise ValueError(f"row '{row.name}' both starts from a row and tests one")
    if row.tests is not None and (row.recipe is not None or row.unset):
        raise ValueError(f"row '{row.name}' tests '{row.tests}': it takes its recipe, and no other or unset")
    parent, seen = row.tests or row.starts, [row.name]
    while parent is not None:
        if parent not in rows:
            raise ValueError(
                f"row '{seen[-1]}' needs the row '{parent}', and there is none. {did_you_mean(parent, rows)}"
            )
        if parent in seen:
            raise ValueError(f"row '{row.name}' needs its own weights")
        seen.append(parent)
        parent = rows[parent].tests or rows[parent].starts


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One training run of a plan.

    Attributes:
        row: the name of its row.
        seed: of this run.
        folder: its run folder.
        source: the recipe's name or file, as `load_recipe` takes it.
        overrides: ``"key=value"``, as ``--set`` takes them.
        recipe: the two, resolved.
        parent: folder of the run whose weights this one needs, or None.
    """

    row: str
    seed: int
    folder: Path
    source: str
    overrides: tuple[str, ...]
    recipe: Recipe
    parent: Path | None = None

    def arguments(self) -> list[str]:
        """What `occreid` is called with to make this run."""
        settings = [word for override in self.overrides for word in ("--set", override)]
        return ["train", self.source, *settings, "--out", str(self.folder)]

    def command(self) -> str:
        """The line a person types to make this run."""
        return shlex.join(["occreid", *self.arguments()])


@dataclass(frozen=True, slots=True)
class Plan:
    """All runs of a ladder, row by row and seed by seed.

    Attributes:
        title: heading of the table.
        rows: the rows' names, in order.
        metrics: the scores to show, e.g. ``("mAP", "R-1")``.
        runs: the training runs.
        paper: what the paper's figures are, if there are any.
        figures: row → the paper's figures in per cent, in the order of ``paper.metrics``.
    """

    title: str
    rows: tuple[str, ...]
    metrics: tuple[str, ...]
    runs: tuple[PlannedRun, ...]
    paper: PaperColumn | None
    figures: dict[str, list[float | None]]


def list_ladders() -> tuple[str, ...]:
    """Names of the ladders beside the recipes, e.g. ``"ssgr/table5"``, sorted."""
    found = {p.relative_to(f).as_posix().removesuffix(LADDER) for f in recipe_folders() for p in f.rglob(f"*{LADDER}")}
    return tuple(sorted(found))


def find_ladder(name: str | Path) -> Path:
    """The file behind a path or the name of a shipped ladder.

    Raises:
        UserError: there is none; the nearest name is suggested.
    """
    return find_shipped(name, "ablation", (LADDER,), list_ladders)


def load_plan(
    name: str | Path,
    out: str | Path,
    *,
    recipe: str | None = None,
    overrides: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
) -> Plan:
    """Read a ladder file and resolve the recipe of every run; nothing is started.

    Args:
        name: a YAML file, or a shipped ladder such as ``"ssgr/table5"``.
        out: the folder of all runs.
        recipe: instead of the file's, for all rows: the same ladder on other data.
        overrides: ``"key=value"`` for all rows; they win over the file.
        seeds: instead of the file's.

    Raises:
        UserError: no such file, an unknown key in it or in a recipe, an option the row's method does not have, or
            an override of what the rows differ in.
    """
    path = find_ladder(name)
    ladder = read_form(path, Ladder, "ablation", "docs/ablation.md", rows=Row)
    rows = ladder.rows or _grid_rows(ladder.grid, ladder.train_once)
    if recipe is not None:
        ladder = _with_recipe(ladder, recipe, path)
    _no_overlap(rows, overrides, path)
    folders = dict(zip((row.name for row in rows), _folder_names([row.name for row in rows]), strict=True))
    runs = [
        _planned(
            ladder,
            row,
            rows,
            seed,
            {name: Path(out) / f / f"seed-{seed}" for name, f in folders.items()},
            overrides,
            path,
        )
        for row in rows
        for seed in (ladder.seeds if seeds is None else seeds)
    ]
    metrics = ladder.metrics or (ladder.paper.metrics if ladder.paper else ["mAP", "R-1"])
    figures = {row.name: row.paper for row in rows if row.paper is not None}
    title = ladder.title or path.name.removesuffix(LADDER).removesuffix(path.suffix)
    return Plan(title, tuple(row.name for row in rows), tuple(metrics), tuple(runs), ladder.paper, figures)


def _with_recipe(ladder: Ladder, recipe: str, path: Path) -> Ladder:
    own = [row.name for row in ladder.rows if row.recipe is not None]
    if own:
        raise UserError(
            f"row '{own[0]}' of {path} has a recipe of its own, which --recipe would not reach.",
            "Copy the file and write the recipes into it.",
        )
    return ladder.model_copy(update={"recipe": recipe})


def _grid_rows(grid: dict[str, list[Any]], train_once: bool) -> list[Row]:
    """One row for each combination, the last key changing fastest; named by the shortest words that tell keys apart."""
    words = [key.rpartition(".")[2] for key in grid]
    names = [word if words.count(word) == 1 else key for word, key in zip(words, grid, strict=True)]
    rows: list[Row] = []
    for values in product(*grid.values()):
        name = ", ".join(as_override(name, value) for name, value in zip(names, values, strict=True))
        tests = rows[0].name if train_once and rows else None
        rows.append(Row(name=name, set=dict(zip(grid, values, strict=True)), unset=[], tests=tests))
    return rows


def _no_overlap(rows: Sequence[Row], overrides: Sequence[str], path: Path) -> None:
    varied = {key for row in rows for key in (*row.set, *row.unset)}
    for override in overrides:
        key = override.partition("=")[0].strip()
        hit = sorted(v for v in varied if key == v or v.startswith(f"{key}."))
        if hit:
            raise UserError(
                f"--set {override} would undo what the rows of {path} differ in: {hit[0]}.", "Leave that --set out."
            )
        if key == "training.seed":
            raise UserError("--set training.seed is what --seeds is for.", "Write e.g.: --seeds 0,1,2")


def _planned(
    ladder: Ladder,
    row: Row,
    rows: Sequence[Row],
    seed: int,
    folders: Mapping[str, Path],
    overrides: Sequence[str],
    path: Path,
) -> PlannedRun:
    trained = row  # whose recipe counts
    settings: dict[str, Any] = {}
    while trained.tests is not None:
        settings = {**trained.set, **settings}
        trained = next(other for other in rows if other.name == trained.tests)
    settings = {**ladder.set, **trained.set, **settings}
    parent = row.starts if row.tests is None else trained.name
    if parent is not None:
        settings["training.init_from"] = str(folders[parent])
    if row.tests is not None:
        settings["training.test_only"] = True
    source = trained.recipe or ladder.recipe
    every = [
        *_without(source, trained.unset, f"row '{row.name}' of {path}"),
        *(as_override(key, value) for key, value in settings.items()),
        *overrides,
        f"training.seed={seed}",
    ]
    try:
        recipe = load_recipe(source, every)
        _check_options(recipe)
    except UserError as error:
        raise UserError(f"row '{row.name}' of {path}: {error.problem}", error.hint) from error
    folder, needed = folders[row.name], None if parent is None else folders[parent]
    return PlannedRun(row.name, seed, folder, source, tuple(every), recipe, needed)


def _without(source: str, keys: Sequence[str], where: str) -> list[str]:
    """Overrides that give the sections of these keys without them, so that ``--set`` alone can say it."""
    if not keys:
        return []
    content, changed = read_sections(find_recipe(source)), {}
    for key in keys:
        *above, word = key.split(".")
        section: Any = content
        for part in above:
            section = section.get(part) if isinstance(section, dict) else None
        if not isinstance(section, dict) or word not in section:
            raise UserError(f"{where}: the recipe {source} does not set '{key}'.", "Leave it out of unset.")
        del section[word]
        changed[".".join(above) or key] = section if above else {}
    return [as_override(key, value) for key, value in changed.items()]


def _check_options(recipe: Recipe) -> None:
    known = method_options(recipe.method.name)
    for option in recipe.method.options:
        if option not in known:
            raise UserError(f"{recipe.method.name} has no option '{option}'.", did_you_mean(option, known))


def _folder_names(rows: Sequence[str]) -> list[str]:
    names: list[str] = []
    for row in rows:
        plain = re.sub(r"[^a-z0-9.=]+", "-", row.lower()).strip("-.") or "row"
        number = sum(re.fullmatch(rf"{re.escape(plain)}(-\d+)?", name) is not None for name in names)
        names.append(f"{plain}-{number + 1}" if number else plain)
    return names
