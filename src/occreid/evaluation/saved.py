"""Descriptors on disk: a folder for each part of a benchmark, and a file that says whose and of what they are."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation.describe import Described, Describer, facts
from occreid.evaluation.natural import Occluders
from occreid.extraction import Engine, extract_to_disk
from occreid.files import read_json, write_json
from occreid.models.contract import Method
from occreid.records import Split
from occreid.retrieval import Protocol, query_labels

ABOUT = "extraction.json"
"""Beside extracted descriptors: which weights and benchmark they are of."""
OCCLUDERS = "occluders"
"""In `ABOUT`: kinds and ids of what hides queries, then gallery; see `occreid.evaluation.Occluders`."""
REFINED = "refined"
"""Folder of the descriptors that a method has refined by the gallery."""
PARTS = ("query", "gallery", "train")
_NO_FACTS = ("metric", "flip_test", "same_camera", "labels", OCCLUDERS)


@dataclass(frozen=True, slots=True)
class Written:
    """One part that was written: its images, how many of them were described now, and in how many seconds."""

    part: str
    images: int
    described: int
    seconds: float

    @property
    def rate(self) -> float:
        """Images described a second."""
        return self.described / self.seconds


def is_extracted(source: Path) -> bool:
    """Whether this is a folder of `occreid extract`."""
    return (source / ABOUT).is_file()


def read_about(source: Path) -> dict[str, Any]:
    """What the descriptors in a folder are of.

    Raises:
        UserError: nothing says so, or the file is damaged.
    """
    return read_json(source / ABOUT, hint="Write it again with: occreid extract")


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write what `read_about` reads."""
    write_json(folder / ABOUT, about)


def part_folder(source: Path) -> Path:
    """Where the parts lie as they are ranked: refined ones, where the method refines."""
    return source / REFINED if (source / REFINED).is_dir() else source


def load_described(source: Path, **changes: Any) -> Described:
    """Read the query and gallery of a folder.

    Args:
        source: the folder.
        changes: of the protocol, as `Protocol.of` takes them.

    Raises:
        UserError: something is missing or damaged.
    """
    about, folder = read_about(source), part_folder(source)
    query, gallery = (Descriptors.load(folder / part) for part in ("query", "gallery"))
    return described_by(about, query, gallery, **changes)


def described_by(about: Mapping[str, Any], query: Descriptors, gallery: Descriptors, **changes: Any) -> Described:
    """Descriptors with what their folder says of them; see `load_described`."""
    nothing = Split(about["benchmark"], (), (), (), about["same_camera"])  # the benchmark, as far as it is kept
    made = {"metric": about["metric"], "flip_test": about.get("flip_test", False)}  # what no protocol can change now
    protocol = replace(Protocol.of({"recipe": about.get("recipe")}, nothing, **changes), **made)
    occluders = [Occluders(tuple(kinds), tuple(ids)) for kinds, ids in about.get(OCCLUDERS, ())]
    return Described(
        about["benchmark"],
        query,
        gallery,
        protocol.marked(about.get("oracle", "")),
        about["labels"],
        {key: value for key, value in about.items() if key not in _NO_FACTS},
        (occluders[0], occluders[1]) if occluders else None,
    )


def describe_to_disk(
    describer: Describer,
    out: Path,
    parts: Sequence[str] = PARTS[:2],
    *,
    chunk: int = 4096,
    engine: Engine | None = None,
) -> list[Written]:
    """Write the descriptors of a benchmark's parts, resumably, and refined ones beside them.

    Args:
        describer: model, benchmark and settings.
        out: the folder; an interrupted one is continued.
        parts: which of `PARTS`.
        chunk: images written at once.
        engine: who describes the chunks; left out, this process.

    Raises:
        UserError: a part without images, or what `extract_to_disk` raises.
    """
    split, model, card = describer.split, describer.model, describer.card
    for part in parts:
        if not getattr(split, part):
            raise UserError(f"{split.name} has no {part} images.", f"Leave {part} out of --parts.")
    key = {"weights_sha256": card.get("sha256"), "input_size": list(model.input_size)}
    key |= {} if model.masker is None else {"masks_by": model.masker.key}
    found, rows = dict[str, Descriptors](), list[Written]()
    for part in parts:
        start, records = time.perf_counter(), getattr(split, part)
        found[part], now = extract_to_disk(
            model, records, out / part, key=key, chunk=chunk, engine=engine, **describer.options
        )
        rows.append(Written(part, len(records), now, time.perf_counter() - start))
    if type(model).refine is not Method.refine and {"query", "gallery"} <= found.keys():
        for part in ("query", "gallery"):
            model.refine(found[part], found["gallery"]).save(out / REFINED / part)
    about = {
        **facts(split, card, describer.options["precision"]),
        "metric": model.metric,
        "flip_test": describer.protocol.flip_test,
        "same_camera": split.same_camera,
        "labels": query_labels(split.query),
        "oracle": describer.marked().oracle,
        OCCLUDERS: [astuple(Occluders.of(part)) for part in (split.query, split.gallery)],
    }
    write_about(out, about)
    return rows
