"""What a demo was asked to do, and how long its stages took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Size = Literal["tiny", "demo"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a demo was asked to do.

    Attributes:
        out: the folder that takes everything.
        size: of the generated benchmark.
        seed: of data and training.
        epochs: None for the recipe's own.
        workers: processes for generating and loading; None: one per core, and the recipe's own.
    """

    out: Path
    size: Size = "demo"
    seed: int = 0
    epochs: int | None = None
    workers: int | None = None

    @property
    def is_trial(self) -> bool:
        """Whether the benchmark is too small to judge a method by."""
        return self.size == "tiny"

    @property
    def recipe(self) -> str:
        """The name of the recipe of this size."""
        return f"baseline/occsynth_{self.size}"

    @property
    def data(self) -> Path:
        """Where the benchmark is generated."""
        return self.out / "occsynth"

    @property
    def run(self) -> Path:
        """The run folder."""
        return self.out / "run"

    @property
    def report(self) -> Path:
        """The page."""
        return self.out / "report.html"

    @property
    def command(self) -> str:
        """The command line that asks for the same."""
        given = f" --epochs {self.epochs}" if self.epochs is not None else ""
        return f"occreid demo --size {self.size} --seed {self.seed}{given}"


@dataclass(slots=True)
class Clock:
    """Says which stage runs and remembers how long each took, in seconds; ``kept`` are those done before."""

    say: Callable[[str], None]
    stages: int
    seconds: dict[str, float] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def stage(self, name: str, doing: str, done: bool = False) -> Iterator[None]:
        """Announce a stage; its time is kept under ``name``, unless it was ``done`` before and is only looked at."""
        number = len(self.seconds) + len(self.kept) + 1
        self.say(f"[{number}/{self.stages}] {doing}{' (done before, kept)' if done else ''}")
        started = time.perf_counter()
        yield
        if done:
            self.kept.append(name)
        else:
            self.seconds[name] = time.perf_counter() - started
