"""What `occreid extract` says of the descriptors in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from occreid.errors import UserError
from occreid.files import read_json


def part_facts(part: Path) -> dict[str, Any]:
    """The facts beside a part's folder, e.g. of ``descriptors/gallery``: metric, weights_sha256, benchmark, ….

    Raises:
        UserError: there are none, or they are damaged.
    """
    from occreid.evaluation.saved import ABOUT

    file = part.parent / ABOUT
    if not file.is_file():
        raise UserError(f"no file {file}.", "Give a part's folder, e.g. descriptors/gallery, of: occreid extract")
    facts = read_json(file, hint="Write descriptors with: occreid extract")
    try:
        return {**facts, **{name: facts[name] for name in ("metric", "weights_sha256", "benchmark")}}
    except (KeyError, TypeError) as error:
        raise UserError(f"cannot read {file} ({error}).", "Write descriptors with: occreid extract") from error
