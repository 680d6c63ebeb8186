"""OR-GNN's reconstruction as a step on saved descriptors, and the rows of its Tables 1 and 4."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation.measure import rank
from occreid.evaluation.saved import described_by, read_about, write_about
from occreid.methods.orgnn import MODES, OrGnn, Reconstruction
from occreid.methods.orgnn import reconstruct as rebuild
from occreid.models import load_model, read_card
from occreid.retrieval import Ranking

UPPER_BOUND = "true identities chose the neighbours"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was written: images of each part, images of the gallery they were rebuilt from, seconds it took."""

    images: dict[str, int]
    gallery: int
    seconds: float

    @property
    def rate(self) -> float:
        """Images a second."""
        return sum(self.images.values()) / self.seconds


@dataclass(frozen=True, slots=True)
class Rebuilder:
    """A trained network, and how it reconstructs.

    Attributes:
        model: the network.
        how: its settings.
        oracle: neighbours of other persons are dropped by their true ids: an upper bound.
        block: images at work at once.
    """

    model: OrGnn
    how: Reconstruction
    oracle: bool = False
    block: int = 256

    def rebuild(self, descriptors: Descriptors, gallery: Descriptors) -> Descriptors:
        """Descriptors with their hidden parts reconstructed from neighbours in a gallery."""
        return rebuild(descriptors, gallery, self.model.gnn, self.how, oracle=self.oracle, rows=self.block)

    def settings(self) -> dict[str, Any]:
        """What a result says of the reconstruction."""
        return {"mode": self.how.mode, "k": self.how.k, "theta": self.how.theta, "oracle": self.oracle}


def load_orgnn(weights: Path) -> OrGnn:
    """Load a run of orgnn.

    Raises:
        UserError: a run of another method, or what `load_model` raises.
    """
    model = load_model(weights)
    if not isinstance(model, OrGnn):
        name = model.spec.name if model.spec else type(model).__name__
        raise UserError(f"{weights} is a run of {name}, which does not reconstruct.", "Give a run of orgnn.")
    return model


def reconstruct_part(task: Rebuilder, query: Path, gallery: Path, out: Path) -> Rebuilt:
    """Reconstruct one part on disk from another.

    Args:
        task: network and settings.
        query: descriptors to reconstruct.
        gallery: descriptors they are reconstructed from, as they were extracted.
        out: the folder to write; new or empty.

    Raises:
        UserError: the folder is not empty, or descriptors are missing.
    """
    _claim(out)
    images, others = Descriptors.load(query), Descriptors.load(gallery)
    start = time.perf_counter()
    task.rebuild(images, others).save(out)
    return Rebuilt({"query": len(images)}, len(others), time.perf_counter() - start)


def reconstruct_folder(task: Rebuilder, source: Path, weights: Path, out: Path) -> Rebuilt:
    """Reconstruct query and gallery of a folder of `occreid extract`, both from the gallery.

    Args:
        task: network and settings.
        source: the folder.
        weights: where the network came from; its descriptors must be in the folder.
        out: the folder to write; new or empty.

    Raises:
        UserError: the folder is not empty, or the descriptors are of other weights or reconstructed already.
    """
    _claim(out)
    query, gallery, about = _extracted(source, weights)
    start = time.perf_counter()
    for part, images in (("query", query), ("gallery", gallery)):
        task.rebuild(images, gallery).save(out / part)
    seconds = time.perf_counter() - start
    described = described_by(about, query, gallery)
    oracle = described.protocol.marked(UPPER_BOUND if task.oracle else "").oracle
    write_about(out, {**about, "metric": task.how.metric, "oracle": oracle, "reconstruction": task.settings()})
    return Rebuilt({"query": len(query), "gallery": len(gallery)}, len(gallery), seconds)


def ladder(task: Rebuilder, source: Path, weights: Path) -> Iterator[tuple[str, Ranking]]:
    """Name and ranking of every mode, plain and re-ranked: Table 4, and Table 1's upper bound for an oracle.

    The protocol is the run's own, see `Protocol.of`; only the re-ranking changes from row to row.

    Args:
        task: network and settings; its mode is not looked at.
        source: a folder of `occreid extract`.
        weights: where the network came from; its descriptors must be in the folder.

    Raises:
        UserError: the descriptors are of other weights or reconstructed already.
    """
    query, gallery, about = _extracted(source, weights)
    steps = [replace(task, how=replace(task.how, mode=mode), oracle=False) for mode in MODES]
    if task.oracle:
        steps.append(replace(task, how=replace(task.how, mode="oan+orgnn")))
    for step in steps:
        sides = step.rebuild(query, gallery), step.rebuild(gallery, gallery)
        described = described_by({**about, "metric": step.how.metric, "reconstruction": step.settings()}, *sides)
        name = f"{step.how.mode}{' UPPER BOUND' * step.oracle}"
        for rerank in (None, "k-reciprocal"):
            protocol = replace(described.protocol, rerank=rerank).marked(UPPER_BOUND if step.oracle else "")
            yield f"{name}{' + re-ranking' if rerank else ''}", rank(replace(described, protocol=protocol))


def _extracted(source: Path, weights: Path) -> tuple[Descriptors, Descriptors, dict[str, Any]]:
    """Query, gallery and what their folder says of them; refuses those of other weights."""
    about = read_about(source)
    if about.get("weights_sha256") != read_card(weights).get("sha256"):
        raise UserError(
            f"the descriptors in {source} are of other weights ({about.get('method')}) than {weights}.",
            f"Extract them with: occreid extract {weights} --out FOLDER",
        )
    if "reconstruction" in about:
        raise UserError(f"the descriptors in {source} are reconstructed already.", "Give those of: occreid extract")
    return Descriptors.load(source / "query"), Descriptors.load(source / "gallery"), about


def _claim(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not empty.", "Choose a new folder with --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {out} ({error.strerror}).", "Choose a folder you can write to.") from error
