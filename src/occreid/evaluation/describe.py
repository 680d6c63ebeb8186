"""Both sides of a benchmark as a model describes them, with the protocol they are to be ranked under.

Here it is decided whether a model sees masks of the test images, and every oracle is marked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from occreid.data.loading.dataset import Alter
from occreid.data.masks.evaluation import EXACT, ORACLE, TEST_MASKS, has_test_masks, oracle_of
from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import Stress, Stressor
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation.natural import Occluders
from occreid.extraction import AskedPrecision, Precision, extract, usable_device, way_for
from occreid.extraction.fastest import check_asked
from occreid.models.contract import Method
from occreid.models.masker import CARD_KEY
from occreid.records import Split
from occreid.retrieval import Protocol, query_labels

SIDES = ("query", "gallery")
ON = (*SIDES, "both")
"""Whose pictures are altered."""
PRECISIONS: Mapping[str, Precision] = {"float32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""A recipe's words for what `occreid.extraction` calls by torch's."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how pictures are described; checked at once, before anything is read.

    Attributes:
        device: where the model runs; ``"auto"``: the GPU where there is one.
        precision: what it computes in; ``"auto"``: what is fastest here, memory format included; None: both as its
            recipe trained and tested it, else float32.
        batch_size: images at once; None: its recipe's, else 64.
        workers: processes that load images.
        progress: show a bar on stderr.

    Raises:
        UserError: an unknown precision, or a device that is not there.
    """

    device: torch.device | str = "auto"
    precision: AskedPrecision | None = None
    batch_size: int | None = None
    workers: int = 0
    progress: bool = False

    def __post_init__(self) -> None:
        device = usable_device(self.device)
        if self.precision is not None:
            check_asked(self.precision, device)

    def options(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """What `extract` is called with for the model of a card."""
        recipe = card.get("recipe") or {}
        training = recipe.get("training") or {}
        trained = PRECISIONS[training.get("precision", "float32")]
        return {
            "device": usable_device(self.device),
            "precision": self.precision or trained,
            "memory_format": training.get("memory_format"),
            "batch_size": self.batch_size or (recipe.get("evaluation") or {}).get("batch_size", 64),
            "workers": self.workers,
            "progress": self.progress,
        }


@dataclass(frozen=True, slots=True)
class Described:
    """Descriptors of both sides, as they are ranked, and what belongs in their result.

    Attributes:
        name: what a table calls it: the benchmark, and what was done to its pictures.
        query, gallery: refined, where the method refines.
        protocol: how to rank them; carries the mark of an oracle.
        labels: divisions of the queries, see `occreid.retrieval.query_labels`.
        facts: what a result file says of weights and data.
        occluders: what hides the persons of queries and gallery; None where nobody kept it.
    """

    name: str
    query: Descriptors
    gallery: Descriptors
    protocol: Protocol
    labels: dict[str, list[str | None]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    occluders: tuple[Occluders, Occluders] | None = None


class Describer:
    """A model on a benchmark: describes it as it is and under stress, each side as it is only once.

    Args:
        model: is moved to the settings' device.
        split: the benchmark.
        protocol: how to rank; left out, what `Protocol.of` says of the model's card.
        settings: device, precision, batch size, ….
        masks: whether the model sees masks of the test images; None: where the benchmark was read with them.
        card: of the model; left out, the one it was loaded with.

    Raises:
        UserError: masks of a benchmark that was read without them.
    """

    def __init__(
        self,
        model: Method,
        split: Split,
        protocol: Protocol | None = None,
        settings: Settings | None = None,
        *,
        masks: bool | None = None,
        card: Mapping[str, Any] | None = None,
    ) -> None:
        self.model, self.split = model, _with_masks(split, masks)
        self.card = model.card if card is None else card
        asked = Protocol.of(self.card, self.split) if protocol is None else protocol
        self.protocol = replace(asked, metric=model.metric, flip_test=asked.flip_test or model.flip_test)
        self.options = {
            **(settings or Settings()).options(self.card),
            "masks": has_test_masks(self.split),
            "flip_test": self.protocol.flip_test,
        }
        if self.options["precision"] == "auto":
            way = way_for(model, self.options["device"], "auto", batch_size=self.options["batch_size"])
            self.options |= way._asdict()
            if self.options["progress"]:
                print(f"auto: {way.precision}, {way.memory_format} is the fastest here", file=sys.stderr)
        self._clean: dict[str, Descriptors] = {}

    def side(self, name: str, alter: Alter | None = None) -> Descriptors:
        """Descriptors of ``"query"`` or ``"gallery"``, not refined; pictures as they are, or altered."""
        records = getattr(self.split, name)
        if alter is not None:
            # masks of the pictures as they were know what is hidden now: who can look for themselves does
            options: dict[str, Any] = {**self.options, "masks": self.options["masks"] and not self._looks}
            return extract(self.model, records, alter=alter, **options)
        if name not in self._clean:
            self._clean[name] = extract(self.model, records, **self.options)
        return self._clean[name]

    def marked(self, *, stressed: bool = False) -> Protocol:
        """The protocol with the mark of what the model is given that no one could know in use."""
        return self.protocol.marked(oracle_of(self.split, stressed=stressed and not self._looks))

    @property
    def _looks(self) -> bool:
        """Whether the model makes masks of altered pictures itself: it has a parser, and none asks for exact masks."""
        able = self.model.needs_masks and self.model.masker is not None
        return able and self.split.notes.get(TEST_MASKS) != EXACT

    def described(self, alter: Alter | None = None, on: str = "both") -> Described:
        """Both sides, refined.

        Args:
            alter: changes each picture as it is read.
            on: whose pictures it changes, see `ON`.

        Raises:
            UserError: an unknown side, or what `extract` raises.
        """
        check_on(on)
        query, gallery = (self.side(name, alter if on in (name, "both") else None) for name in SIDES)
        refined = {name: self._refined(name, side, gallery) for name, side in (("query", query), ("gallery", gallery))}
        about = {name: figures for name, (_, figures) in refined.items() if figures}
        return Described(
            self.split.name,
            refined["query"][0],
            refined["gallery"][0],
            self.marked(stressed=alter is not None),
            query_labels(self.split.query),
            facts(self.split, self.card, self.options["precision"]) | ({"refined": about} if about else {}),
            (Occluders.of(self.split.query), Occluders.of(self.split.gallery)),
        )

    def _refined(self, name: str, side: Descriptors, gallery: Descriptors) -> tuple[Descriptors, dict[str, Any]]:
        """A side refined, and what the method says of it, about visibility too where the truth is known."""
        found, truth = self.model.refine(side, gallery), [record.visibility for record in getattr(self.split, name)]
        known = [each for each in truth if each is not None]
        judged = self.model.judge(side, torch.tensor(known)) if known and len(known) == len(truth) else {}
        return found, {**self.model.refined, **judged}

    def stressed(self, stress: Stress, on: str = "query", library: OccluderLibrary | None = None) -> Described:
        """Both sides under stress; the name and the facts say so.

        Args:
            stress: what is done to the pictures.
            on: whose, see `ON`.
            library: the cut-outs of the kind ``object``.
        """
        found = self.described(Stressor(stress, (*self.split.query, *self.split.gallery), library), on)
        about = {"what": str(stress), "on": on, "seed": stress.seed}
        return replace(found, name=f"{found.name}, {on} {stress}", facts={**found.facts, "stress": about})


def check_on(on: str) -> None:
    """Raise a `UserError` unless this is a member of `ON`."""
    if on not in ON:
        raise UserError(f"stress cannot be on '{on}'.", "Give query, gallery or both.")


def facts(split: Split, card: Mapping[str, Any], precision: str) -> dict[str, Any]:
    """What a result file says of weights and data."""
    return {
        "benchmark": split.name,
        "data": {"counts": split.counts(), "notes": split.notes},
        "method": card.get("method"),
        "weights_sha256": card.get("sha256"),
        "recipe": card.get("recipe"),
        "versions": card.get("versions"),
        "precision": precision,
        **({"masks_by": card[CARD_KEY]} if CARD_KEY in card else {}),
    }


def _with_masks(split: Split, masks: bool | None) -> Split:
    """The benchmark, without what is noted of masks that the model is not shown."""
    if masks is False:
        return replace(split, notes={k: v for k, v in split.notes.items() if k not in (TEST_MASKS, ORACLE)})
    if masks and not has_test_masks(split):
        raise UserError(
            f"{split.name} was read without masks of its test images.",
            "Say where they are when it is read: test_masks=FOLDER, or exact.",
        )
    return split
