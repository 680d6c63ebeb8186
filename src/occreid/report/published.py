"""What papers report, as a file keeps it: one comparison table of one paper on one benchmark, all of its rows.

These figures were not measured here; every line of a page that shows them says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from occreid.errors import UserError
from occreid.report.markdown import row
from occreid.yaml_files import read_yaml

_FIRST = ("mAP", "R-1", "R-3", "R-5", "R-10")


class PublishedTable(BaseModel):
    """One table of a paper on one benchmark.

    Attributes:
        paper: the paper's method, as its own row is called.
        table: its number, as printed.
        benchmark: a name of `occreid data list`.
        columns: what the figures are, in the order that they are printed in.
        rows: method → figures in per cent; None: not printed.
        page: counted from the paper's first, where it is known.
        protocol: what sets it apart from other tables on this benchmark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: str
    table: str
    benchmark: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float | None, ...]]
    page: int | None = None
    protocol: str = ""

    @model_validator(mode="after")
    def _fits(self) -> PublishedTable:
        uneven = [name for name, figures in self.rows.items() if len(figures) != len(self.columns)]
        if uneven:
            raise ValueError(f"{self.paper}, Table {self.table}: {uneven[0]} has not {len(self.columns)} figures")
        if self.paper not in self.rows:
            raise ValueError(f"{self.paper}, Table {self.table}: the paper's own row is missing")
        return self

    @property
    def place(self) -> str:
        """Where it is printed."""
        words = (f"Table {self.table}", f"p. {self.page}" if self.page else "", self.protocol)
        return f"{self.paper}, {', '.join(word for word in words if word)}"


@dataclass(frozen=True, slots=True)
class Published:
    """All tables of a file."""

    tables: tuple[PublishedTable, ...] = ()

    def on(self, benchmark: str) -> list[str]:
        """Lines of a page: every row on a benchmark, one table for each of the papers'; empty where there is none."""
        lines = []
        for table in (table for table in self.tables if table.benchmark == benchmark):
            shown = sorted(table.columns, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
            lines += [f"As published, **not measured here** ({table.place}):", ""]
            lines += [row(["method", *shown]), row(["---", *["---:"] * len(shown)])]
            for name, figures in table.rows.items():
                told = dict(zip(table.columns, figures, strict=True))
                label = name.replace("*", r"\*")
                label = f"**{label}**" if name.startswith(table.paper) else label
                lines.append(row([label, *_cells(told, shown)]))
            lines.append("")
        return lines

    def elsewhere(self, benchmarks: Sequence[str]) -> list[str]:
        """Lines on all benchmarks but these."""
        lines = []
        for name in sorted({table.benchmark for table in self.tables} - set(benchmarks)):
            lines += [f"### {name}", "", *self.on(name)]
        return lines


def read_published(file: Path) -> Published:
    """The tables of a file; none where there is no file.

    Raises:
        UserError: it holds something else.
    """
    if not file.is_file():
        return Published()
    content: Any = read_yaml(file)
    try:
        return Published(TypeAdapter(tuple[PublishedTable, ...]).validate_python(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        raise UserError(
            f"{file} is no list of published figures ({where}: {problem}).", "See docs/reports.md."
        ) from error


def _cells(told: dict[str, float | None], shown: Sequence[str]) -> list[str]:
    figures = [(name, told[name]) for name in shown]
    return ["–" if x is None else f"{x:.0f}" if name == "images/s" else f"{x:.1f}" for name, x in figures]
