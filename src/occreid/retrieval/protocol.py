"""`Protocol`: how a ranking is scored, and the one place that chooses what nobody has asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from occreid.data.masks.evaluation import oracle_of
from occreid.errors import UserError, did_you_mean
from occreid.records import Split
from occreid.retrieval.matches import check_rule
from occreid.retrieval.precision import APForm

RERANKINGS: Mapping[str, Mapping[str, float]] = {
    "k-reciprocal": {"k1": 20, "k2": 6, "lambda": 0.3},
    "aqe": {"neighbours": 5, "alpha": 0.0},
    "alpha-qe": {"neighbours": 5, "alpha": 3.0},
}
"""Ways of re-ranking and their settings; see `occreid.retrieval.rerank` and `occreid.retrieval.expansion`."""
SHOTS = ("multi", "single")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a ranking is, or was, scored. Two rankings compare only where all of this is equal.

    Attributes:
        metric: the distance; empty in a protocol that no model has met yet.
        same_camera: ``"junk"`` or ``"keep"``, see `occreid.retrieval.matches.SameCamera`.
        ap: ``"step"`` or ``"trapezoid"``, see `occreid.retrieval.precision.APForm`.
        shots: ``"multi"``, or ``"single"``: one gallery image per person, ``draws`` times from ``seed``.
        draws: number of galleries drawn, at least 1; always 1 for multi.
        seed: of the draws; always 0 for multi.
        rerank: what is done to distances or descriptors before, a name of `RERANKINGS` or e.g.
            ``{"method": "k-reciprocal", "k1": 20}``; settings left out are filled in.
        oracle: what the model was given that no one could know in use, e.g. ``"exact masks of the test images"``;
            empty for an honest result.
        flip_test: whether pictures were described together with their mirror images, see `occreid.models.mirror`.
        ranks: at which the CMC is given, each at least 1.

    Raises:
        UserError: a word that is not known, no rank, or a rank or number of draws below 1.
    """

    metric: str = ""
    same_camera: str = "junk"
    ap: str = "step"
    shots: str = "multi"
    draws: int = 10
    seed: int = 0
    rerank: Mapping[str, Any] | None = None
    oracle: str = ""
    ranks: tuple[int, ...] = (1, 3, 5, 10, 20)
    flip_test: bool = False

    def __post_init__(self) -> None:
        check_rule(self.same_camera)
        for what, value, known in (("AP form", self.ap, get_args(APForm)), ("shots", self.shots, SHOTS)):
            if value not in known:
                raise UserError(f"there is no {what} '{value}'.", did_you_mean(value, known))
        if not self.ranks or min(self.ranks) < 1:
            raise UserError(f"CMC at ranks {list(self.ranks)} is not defined.", "Give ranks of 1 or more.")
        if self.draws < 1:
            raise UserError(f"{self.draws} draws are too few.", "Draw at least one gallery.")
        settled: dict[str, Any] = {"ranks": tuple(int(k) for k in self.ranks), "rerank": _reranking(self.rerank)}
        if self.shots == "multi":  # what has no meaning must not make two protocols differ
            settled |= {"draws": 1, "seed": 0}
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, asked: Any, split: Split, **changes: Any) -> Protocol:
        """The protocol that a model is tested by on a benchmark: the one source of every default.

        What a recipe's ``evaluation`` section says counts, and its ``training.seed``; then the benchmark's camera
        rule and what `oracle_of` says of its masks; then the defaults of this class.

        Args:
            asked: a recipe (`occreid.training.Recipe`), its content, a model's card that holds it, or None.
            split: the benchmark.
            changes: fields of this class that count before all of these; None: not changed.

        Raises:
            UserError: as the class.
        """
        content = asked.model_dump() if hasattr(asked, "model_dump") else asked or {}
        recipe = content["recipe"] or {} if "recipe" in content else content
        section = recipe.get("evaluation") or {}
        own = {field.name for field in fields(cls)} - {"metric", "seed", "oracle"}
        given = {
            "same_camera": split.same_camera,
            "seed": (recipe.get("training") or {}).get("seed", 0),
            "oracle": oracle_of(split),
            **{key: section[key] for key in own if section.get(key) is not None},
            **({"flip_test": True} if content.get("flip_test") else {}),  # of a card: the model itself asks for it
            **{key: value for key, value in changes.items() if value is not None},
        }
        return cls(**given)

    def marked(self, *oracles: str) -> Protocol:
        """The same protocol, marked with further things that no one could know in use; none twice."""
        parts = [part for text in (self.oracle, *oracles) for part in text.split("; ") if part]
        return replace(self, oracle="; ".join(dict.fromkeys(parts)))

    def to_json(self) -> dict[str, Any]:
        """Its fields, ready for JSON; ``Protocol(**content)`` reads them back."""
        return {**asdict(self), "ranks": list(self.ranks)}

    def differences(self, other: Protocol) -> list[str]:
        """What differs, e.g. ``["ap: step / trapezoid"]``.

        The metric belongs to the method and may differ; the ranks change no score.
        """
        mine, theirs = asdict(self), asdict(other)
        free = ("metric", "ranks")
        return [f"{key}: {mine[key]} / {theirs[key]}" for key in mine if key not in free and mine[key] != theirs[key]]

    def sentence(self) -> str:
        """The protocol in one line."""
        shots = "all gallery images"
        if self.shots == "single":
            shots = f"one gallery image per person ({self.draws} draws, seed {self.seed})"
        camera = {"junk": "same-camera images of the person unseen", "keep": "same-camera images kept"}
        words = [f"{self.metric} distance", camera[self.same_camera], shots, f"{self.ap} AP"]
        if self.flip_test:
            words.append("averaged with mirror images")
        if self.rerank:
            settings = ", ".join(f"{k}={v}" for k, v in self.rerank.items() if k != "method")
            words.append(f"{self.rerank['method']} re-ranking ({settings})")
        if self.oracle:
            words.append(f"ORACLE: {self.oracle}")
        return "; ".join(words)


def _reranking(asked: Mapping[str, Any] | str | None) -> dict[str, Any] | None:
    """A way of re-ranking with all of its settings."""
    if asked is None or asked in ("none", ""):
        return None
    given = {"method": asked} if isinstance(asked, str) else dict(asked)
    method = str(given.pop("method", ""))
    _require(f"there is no re-ranking '{method}'.", method, ("none", *RERANKINGS))
    for key in given:
        _require(f"{method} re-ranking has no setting '{key}'.", key, [*RERANKINGS[method]])
    return {"method": method, **RERANKINGS[method], **given}


def _require(problem: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise UserError(problem, did_you_mean(word, known))
