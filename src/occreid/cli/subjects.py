"""What is scored: a model's descriptors of benchmarks, or descriptors on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occreid.errors import UserError
from occreid.files import read_json

if TYPE_CHECKING:
    from occreid.data.occlusion.stress import Stress
    from occreid.descriptors import Descriptors
    from occreid.evaluation import Occluders
    from occreid.records import Record, Split

ABOUT = "extraction.json"
"""Beside extracted descriptors: which weights and benchmark they are of."""
OCCLUDERS = "occluders"
"""In `ABOUT`: kinds and ids of what hides queries, then gallery; see `occreid.evaluation.Occluders`."""
REFINED = "refined"
"""Folder of the descriptors that a method has refined by the gallery."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One set of descriptors to score, and what belongs in its result."""

    name: str
    query: Descriptors
    gallery: Descriptors
    metric: Any
    same_camera: str
    labels: dict[str, list[str | None]]
    facts: dict[str, Any]
    oracle: str = ""
    occluders: tuple[Occluders, Occluders] | None = None  # of queries and gallery; None where nobody kept them


def is_extracted(source: Path) -> bool:
    """Whether this is a folder of `occreid extract`."""
    return (source / ABOUT).is_file()


def subjects(
    source: Path,
    benchmarks: list[Split] | None,
    device: str,
    precision: str,
    batch_size: int,
    workers: int,
    quiet: bool,
    stresses: Sequence[Stress] = (),
    stress_on: str = "query",
) -> Iterator[Subject]:
    """Describe each benchmark, or read the descriptors in ``source`` where ``benchmarks`` is None.

    After each benchmark as it is come the stressed ones.

    Raises:
        UserError: no model or descriptors there, unreadable images, stress on saved descriptors.
    """
    from occreid.data.masks.evaluation import has_test_masks
    from occreid.data.occlusion.stress import Stressor
    from occreid.evaluation import Occluders
    from occreid.extraction import extract
    from occreid.models import load_model, read_card
    from occreid.retrieval import query_labels

    if stress_on not in ("query", "gallery", "both"):
        raise UserError(f"stress cannot be on '{stress_on}'.", "Give query, gallery or both.")
    if benchmarks is None:
        if stresses:
            raise UserError(f"{source} holds descriptors: there are no pictures to stress.", "Give a run folder.")
        yield _saved(source)
        return
    card, model = read_card(source), load_model(source)

    def described(records: Sequence[Record], masks: bool, alter: Stressor | None = None) -> Descriptors:
        return extract(
            model,
            records,
            batch_size=batch_size,
            workers=workers,
            device=device,
            precision=precision,  # type: ignore[arg-type]  # checked there
            masks=masks,
            alter=alter,
            progress=not quiet,
        )

    for split in benchmarks:
        masks = has_test_masks(split)
        clean = {side: described(getattr(split, side), masks) for side in ("query", "gallery")}
        for stress in (None, *stresses):
            name, sides, said = split.name, dict(clean), facts(split, card, precision)
            if stress is not None:
                name = f"{name}, {stress_on} {stress}"
                said["stress"] = {"what": str(stress), "on": stress_on, "seed": stress.seed}
                for side in sides if stress_on == "both" else (stress_on,):
                    alter = Stressor(stress, (*split.query, *split.gallery))
                    sides[side] = described(getattr(split, side), masks, alter)
            yield Subject(
                name,
                model.refine(sides["query"], sides["gallery"]),
                model.refine(sides["gallery"], sides["gallery"]),
                model.metric,
                split.same_camera,
                query_labels(split.query),
                said,
                oracle_of(split, stressed=stress is not None),
                (Occluders.of(split.query), Occluders.of(split.gallery)),
            )


def oracle_of(split: Split, *, stressed: bool) -> str:
    """What a method is told of the test images that no one could know in use, or nothing.

    Masks are made of the pictures before the stress, and leave out what it hides.
    """
    from occreid.data.masks.evaluation import ORACLE, has_test_masks

    hides = "masks that leave out what the stress hides" if stressed and has_test_masks(split) else ""
    return "; ".join(text for text in (split.notes.get(ORACLE, ""), hides) if text)


def facts(split: Split, card: dict[str, Any], precision: str) -> dict[str, Any]:
    """What a result file says of weights and data."""
    return {
        "benchmark": split.name,
        "data": {"counts": split.counts(), "notes": split.notes},
        "method": card["method"],
        "weights_sha256": card.get("sha256"),
        "recipe": card.get("recipe"),
        "versions": card.get("versions"),
        "precision": precision,
    }


def _saved(source: Path) -> Subject:
    from occreid.descriptors import Descriptors
    from occreid.evaluation import Occluders

    about = read_json(source / ABOUT, hint="Write it again with: occreid extract")
    folder = source / REFINED if (source / REFINED).is_dir() else source
    query, gallery = (Descriptors.load(folder / part) for part in ("query", "gallery"))
    said = {key: value for key, value in about.items() if key not in ("metric", "same_camera", "labels", OCCLUDERS)}
    hides = [Occluders(tuple(kinds), tuple(ids)) for kinds, ids in about.get(OCCLUDERS, ())]
    return Subject(
        about["benchmark"],
        query,
        gallery,
        about["metric"],
        about["same_camera"],
        about["labels"],
        said,
        about.get("oracle", ""),
        (hides[0], hides[1]) if hides else None,
    )
