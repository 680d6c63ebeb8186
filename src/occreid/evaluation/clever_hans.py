"""Does the ranking follow the person, or the thing in front of the person?

A trial takes a query picture, a right one (the same person, where possible from another camera) and a wrong one
(somebody else), and pastes things over all three. The query always wears A and the right picture B. The wrong
picture wears A once and B once: in nothing else do the two conditions differ, so a model that ranks the wrong
picture before the right one only while it wears A has matched the thing. The name is that of the horse that
seemed to count and read its master's face.

The question is that of the SSGR paper, whose second half warns that models may match obstacles. The score
is ours.

Letters: T trials.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from occreid.data.images import Pixels, read_image
from occreid.data.loading.transforms import EvalTransform
from occreid.data.occlusion.library import OccluderLibrary, paste
from occreid.data.occlusion.stress import SIDES, hiding_rectangle
from occreid.descriptors import Descriptors
from occreid.distances import Metric, paired_distances
from occreid.errors import UserError
from occreid.evaluation.clever_hans_score import Scored, comes_first
from occreid.extraction import usable_device
from occreid.models import mirror
from occreid.models.contract import Method
from occreid.records import Record

T = TypeVar("T")
Describe = Callable[[list[Pixels]], Descriptors]
"""Pictures (h, w, 3) uint8 → descriptors in their order."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Three pictures and two things.

    Attributes:
        query, right, wrong: whose pictures.
        a, b: numbers of the two things in the library, different.
        side: where they are pasted, on all three pictures.
    """

    query: Record
    right: Record
    wrong: Record
    a: int
    b: int
    side: str


@dataclass(frozen=True, slots=True)
class CleverHans(Scored):
    """The outcome of T trials.

    Attributes:
        trials: what was tried.
        shared: (T,) 1 where the wrong picture came before the right one while it shared the query's thing, ½ for
            a tie, else 0.
        other: (T,) the same while it wore the other thing.
        steady: (T,) 1 where the query is closer to itself behind the other thing than to somebody else behind
            the same thing, ½ for a tie, else 0.
        margin: (T,) how much closer the shared thing brought the wrong picture, as a share of the right one's distance.
        distances: (T, 3) of the query to the right picture, to the wrong one behind the query's thing, and to the
            wrong one behind the other.
    """

    trials: tuple[Trial, ...]
    shared: NDArray[np.float64]
    other: NDArray[np.float64]
    steady: NDArray[np.float64]
    margin: NDArray[np.float64]
    distances: NDArray[np.float64]

    @property
    def persons(self) -> NDArray[np.int64]:
        """(T,) whose query each trial was."""
        return np.array([trial.query.pid for trial in self.trials], np.int64)

    @property
    def consistency(self) -> float:
        """How often a person behind another thing is still more like themself than somebody else is, 0 to 1."""
        return float(self.steady.mean())

    def summary(self, seed: int = 0) -> dict[str, Any]:
        """Its figures, ready for JSON; ``seed`` is of the interval."""
        return {
            "trials": len(self.trials),
            "score": self.score,
            "interval": self.interval(seed=seed),
            "fooled": self.fooled,
            "fooled_anyway": self.fooled_anyway,
            "consistency": self.consistency,
        }

    def telling(self, count: int = 6) -> list[int]:
        """Numbers of the trials to look at: turned wrong by the thing first, by how far it moved them."""
        turned = self.shared - self.other
        return sorted(range(len(self.trials)), key=lambda i: (-turned[i], -self.margin[i], i))[:count]


def draw_trials(
    query: Sequence[Record], gallery: Sequence[Record], count: int, things: int, seed: int = 0
) -> tuple[Trial, ...]:
    """Draw T trials, going round the queries.

    Pictures that the benchmark says are not occluded are taken where a person has any, so that what is pasted is all
    that hides them.

    Args:
        query: of whose persons the trials are.
        gallery: where right and wrong pictures come from.
        count: T.
        things: how many things there are to paste.
        seed: the same seed, the same trials.

    Raises:
        UserError: fewer than two things, one trial or two persons, or no query with another picture in the gallery.
    """
    if count < 1 or things < 2:
        raise UserError(f"{count} trials with {things} things are too few.", "Give one trial and two things or more.")
    pool: dict[int, list[Record]] = defaultdict(list)
    for record in sorted(gallery, key=lambda r: str(r.path)):
        pool[record.pid].append(record)
    pool = {pid: [r for r in own if r.occluded is False] or own for pid, own in pool.items()}
    usable = [r for r in sorted(query, key=lambda r: str(r.path)) if _others(pool.get(r.pid, []), r)]
    if not usable or len(pool) < 2:
        raise UserError(
            "there is nothing to try: no query's person has another picture in the gallery, or nobody else has.",
            "Choose a benchmark with several pictures of several persons.",
        )
    rng, pids, trials = np.random.default_rng(seed), sorted(pool), []
    for number in range(count):
        one = usable[number % len(usable)]
        somebody = _pick([pid for pid in pids if pid != one.pid], rng)
        a, b = rng.choice(things, 2, replace=False)
        side = SIDES[int(rng.integers(4))]
        right = _pick(_others(pool[one.pid], one), rng)
        trials.append(Trial(one, right, _pick(pool[somebody], rng), int(a), int(b), side))
    return tuple(trials)


def clever_hans(
    describe: Describe,
    trials: Sequence[Trial],
    library: OccluderLibrary,
    metric: Metric,
    share: float = 0.4,
    batch: int = 64,
) -> CleverHans:
    """Carry out trials.

    Args:
        describe: the model, see `describe_pictures`.
        trials: from `draw_trials`.
        library: the things.
        metric: how the model compares pictures.
        share: of the picture's area that a thing's rectangle covers, 0 < share ≤ 0.9.
        batch: trials at once.

    Raises:
        UserError: a share out of range, or an unreadable picture.
    """
    check_share(share)
    columns: list[NDArray[np.float64]] = []
    for start in range(0, len(trials), batch):
        some = trials[start : start + batch]
        seen = [pictures(trial, library, share) for trial in some]
        described = describe([picture for five in seen for picture in five])
        columns.append(_outcomes(described, len(some), metric))
    shared, other, steady, margin, *distances = np.concatenate(columns, axis=1)
    return CleverHans(tuple(trials), shared, other, steady, margin, np.stack(distances, axis=1))


def check_share(share: float) -> None:
    """Raise a `UserError` unless this share of a picture can be covered."""
    if not 0 < share <= 0.9:
        raise UserError(f"a share of {share:g} is out of range.", "Give more than 0 and at most 0.9.")


def pictures(trial: Trial, library: OccluderLibrary, share: float) -> list[Pixels]:
    """Query with A, right with B, wrong with A, wrong with B, query with B."""
    query, right, wrong = (read_image(r.path) for r in (trial.query, trial.right, trial.wrong))
    worn = ((query, trial.a), (right, trial.b), (wrong, trial.a), (wrong, trial.b), (query, trial.b))
    return [
        paste(image, library[thing], *hiding_rectangle(image.shape[0], image.shape[1], share, trial.side))
        for image, thing in worn
    ]


def describe_pictures(model: Method, device: torch.device | str = "cpu") -> Describe:
    """A `Describe` of a method's, which is moved to the device."""
    transform, where = EvalTransform(*model.input_size), usable_device(device)
    model.to(where)

    def describe(images: list[Pixels]) -> Descriptors:
        with torch.no_grad():
            return mirror.describe(model, torch.stack([transform(image)[0] for image in images]).to(where)).to("cpu")

    return describe


def _outcomes(described: Descriptors, count: int, metric: Metric) -> NDArray[np.float64]:
    """Rows shared, other, steady, margin and three of distances, of ``count`` trials of five pictures each."""
    query, right, wrong_a, wrong_b, query_b = (torch.arange(count) * 5 + place for place in range(5))

    def between(x: torch.Tensor, y: torch.Tensor) -> NDArray[np.float64]:
        return paired_distances(described, described, metric, x, y).double().numpy()

    to_right, to_a, to_b = between(query, right), between(query, wrong_a), between(query, wrong_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = np.nan_to_num((to_b - to_a) / to_right, nan=0.0, posinf=0.0, neginf=0.0)
    steady = comes_first(between(query, query_b), to_a)
    return np.stack([comes_first(to_a, to_right), comes_first(to_b, to_right), steady, margin, to_right, to_a, to_b])


def _others(own: Sequence[Record], record: Record) -> list[Record]:
    """A person's other pictures, those of other cameras where there are any."""
    others = [r for r in own if r.path != record.path]
    return [r for r in others if r.camid != record.camid] or others


def _pick(choices: Sequence[T], rng: Generator) -> T:
    return choices[int(rng.integers(len(choices)))]
