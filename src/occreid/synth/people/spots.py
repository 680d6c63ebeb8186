"""Where on a person each pixel lies. Letters: M pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth.people.bodies import FloatArray


@dataclass(frozen=True, slots=True)
class Spots:
    """What pixels know of the surface they see.

    Attributes:
        place: (M, 3) on the neutral body.
        arm: (M,) 0 at the shoulder, 1 at the wrist, negative on the trunk.
        along: (M,) metres down the garment; around: (M,) metres about its axis.
    """

    place: FloatArray
    arm: FloatArray
    along: FloatArray
    around: FloatArray

    def take(self, index: np.ndarray) -> Spots:
        """Those pixels only."""
        return Spots(self.place[index], self.arm[index], self.along[index], self.around[index])
