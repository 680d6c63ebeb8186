"""One small benchmark, made once for all tests that only look at the result."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from occreid.synth import generate as make
from occreid.synth import protocol
from occreid.synth.people.appearance import Appearance, draw_appearance
from occreid.synth.people.bodies import rest_vertices
from occreid.synth.people.figure import Figure, build_figure

SMALL = protocol.Size(train=2, query=3, others=1, cameras=3)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of about 40 images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(protocol.SIZES, "tiny", SMALL)
        return make(tmp_path_factory.mktemp("synth") / "occsynth", size="tiny", seed=3, progress=False)


@pytest.fixture(scope="session")
def rows(small: Path) -> list[dict[str, Any]]:
    """The rows of its sidecar."""
    return pq.read_table(small / "occsynth.parquet").to_pylist()


@pytest.fixture(scope="session")
def look() -> Appearance:
    """A person in trousers and a T-shirt."""
    rng = np.random.default_rng(0)
    while True:
        found = draw_appearance(rng)
        if found.upper.kind == "tshirt" and found.lower.kind == "jeans" and found.upper.sleeve < 0.5:
            return found


@pytest.fixture(scope="session")
def figure(look: Appearance) -> Figure:
    """The same person, dressed."""
    return build_figure(look)


@pytest.fixture(scope="session")
def rest(look: Appearance) -> np.ndarray:
    """The bare body of the same person."""
    return rest_vertices(look.body)
