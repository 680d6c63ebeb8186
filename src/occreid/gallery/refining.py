"""Answers of a method that looks at the gallery before it compares, as OR-GNN does.

A gallery holds pictures as they were described, for what a method makes of them depends on who else is there. So the
nearest by plain descriptors are candidates; query and candidates are refined from these, and ranked anew. With as many
candidates as entries this is the method's own ranking; with fewer, neighbours beyond the candidates have no say.

Letters: Q queries, N candidates of one query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.gallery.entries import Entry
from occreid.gallery.hit import Hit, score
from occreid.models.contract import Method
from occreid.models.networks import FileModel

CANDIDATES = 200
"""Entries that a query is refined with, unless more answers are asked for."""


def refines(model: Method | None) -> bool:
    """Whether a model refines; one in a file of its own (ONNX, …) only describes."""
    return model is not None and type(model).refine is not Method.refine and not isinstance(model, FileModel)


@torch.no_grad()
def refined(
    model: Method, query: Descriptors, found: Sequence[Sequence[Hit]], fetch: Callable[[list[str]], list[Entry]], k: int
) -> list[list[Hit]]:
    """The k nearest of each query's candidates after `Method.refine`.

    Args:
        model: refines; on any device.
        query: Q descriptors as they were described.
        found: each query's candidates.
        fetch: whole entries of ids, in their order, without those that are gone by now.
        k: answers.

    Returns:
        Q lists with distances between refined descriptors, nearest first, equal ones by id.
    """
    device = next(model.parameters()).device
    answers: list[list[Hit]] = []
    for row, hits in enumerate(found):
        entries = {entry.id: entry for entry in fetch([hit.id for hit in hits])}
        kept = [hit for hit in hits if hit.id in entries]
        if not kept:
            answers.append([])
            continue
        side = _descriptors([entries[hit.id] for hit in kept]).to(device)
        one = Descriptors(query.features[row : row + 1], query.visibility[row : row + 1]).to(device)
        away = distances(model.refine(one, side), model.refine(side, side), model.metric)[0].tolist()
        ranked = [
            replace(hit, distance=max(d, 0.0), score=score(max(d, 0.0), model.metric))
            for hit, d in zip(kept, away, strict=True)
            if d < torch.inf
        ]
        answers.append(sorted(ranked, key=lambda hit: (hit.distance, hit.id))[:k])
    return answers


def _descriptors(entries: Sequence[Entry]) -> Descriptors:
    """N entries as one side; their ids tell them apart, their persons count where all are known."""
    names = [entry.pid for entry in entries]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return Descriptors(
        torch.stack([entry.features for entry in entries]),
        torch.stack([entry.visibility for entry in entries]),
        None if None in numbers else torch.tensor([numbers[name] for name in names]),
        paths=[entry.id for entry in entries],
    )
