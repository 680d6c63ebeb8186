"""What a gallery remembers of itself: the shape of its descriptors and which weights made them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from occreid.distances import METRICS, Metric
from occreid.errors import UserError, did_you_mean

FORMAT = 2
"""Version of the layout: 1 kept persons and cameras as numbers (columns pid, camid), 2 keeps names (person, camera)."""
NUMBERED = 1
MANIFEST_FILE = "gallery.json"
"""By which a gallery in a folder is known."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts every entry of a gallery shares.

    Attributes:
        dim: dimensions D of a part's feature.
        parts: parts P of an image.
        metric: one of `occreid.distances.METRICS`.
        weights_hash: SHA-256 of the weights that described the entries.
        model_name: what the model is called, for people.
        format: version of the layout.
        flip_test: whether pictures are described together with their mirror images, entries and queries alike.
        masks: which parser makes the masks of a model that needs them, see `occreid.models.masker`; empty: none.

    Raises:
        UserError: a value that cannot be.
    """

    dim: int
    parts: int
    metric: Metric
    weights_hash: str
    model_name: str = ""
    format: int = FORMAT
    flip_test: bool = False
    masks: str = ""

    def __post_init__(self) -> None:
        for name in ("dim", "parts"):
            if getattr(self, name) < 1:
                raise UserError(f"descriptors with {name} {getattr(self, name)} cannot be.", "Give 1 or more.")
        if self.metric not in METRICS:
            raise UserError(f"there is no metric '{self.metric}'.", did_you_mean(self.metric, METRICS))
        if not self.weights_hash:
            raise UserError("a gallery must know its weights.", "Give weights_hash, the 'sha256' of the model's card.")

    @property
    def numbered(self) -> bool:
        """Whether persons and cameras are numbers on disk: galleries of earlier versions."""
        return self.format == NUMBERED

    @property
    def by_parts(self) -> bool:
        """Whether the search vector is an aggregate of the parts and not the whole descriptor."""
        return self.metric == "visible_parts"

    @property
    def width(self) -> int:
        """Dimensions of the vector that is searched: D for an aggregate, else P · D."""
        return self.dim if self.by_parts else self.parts * self.dim

    def require_weights(self, weights_hash: str | None, where: str) -> None:
        """Refuse weights other than the gallery's; None asks for nothing.

        Raises:
            UserError: the hashes differ.
        """
        if weights_hash is not None and weights_hash != self.weights_hash:
            raise UserError(
                f"the gallery {where} was made with other weights ({self.model_name or 'a model'} "
                f"{self.weights_hash[:12]}…, not {weights_hash[:12]}…).",
                "Use that model, or describe the pictures again into a new gallery.",
            )

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str, where: str) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            UserError: it is something else, or of a later layout.
        """
        try:
            facts = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{where} is damaged ({error}).", "Create one with: occreid gallery create") from error
        if isinstance(facts, dict):
            facts = {"flip_test": False, "masks": "", **facts}  # before there were such things
        if not isinstance(facts, dict) or facts.keys() != {field.name for field in fields(Manifest)}:
            raise UserError(f"{where} is not a gallery's.", "Create one with: occreid gallery create")
        if facts["format"] not in (NUMBERED, FORMAT):
            raise UserError(
                f"{where} is of format {facts['format']}, this program reads up to {FORMAT}.", "Update occreid."
            )
        kinds = {"dim": int, "parts": int, "format": int, "flip_test": bool}  # all others are texts
        for name, value in facts.items():
            if type(value) is not kinds.get(name, str):
                raise UserError(f"{where} is damaged ({name} is {str(value)[:60]!r}).", "Restore it from a snapshot.")
        return Manifest(**facts)
