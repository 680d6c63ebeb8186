"""Methods that may train behind occluders."""

from __future__ import annotations

import torch

from occreid.data.occlusion.noda import Noda
from occreid.models.contract import Method, Stage
from occreid.records import Batch


class OccludingMethod(Method):
    """A method whose batches are doubled with occluders where its ``noda`` is set (SUReID, Section III-C)."""

    noda: Noda | None = None

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """NODA, where asked for: B images → 2B."""
        return batch if self.noda is None else self.noda(batch, generator)

    def stages(self) -> tuple[Stage, ...]:
        """As `Method`; a folder of occluders is read here, so that what is wrong with it shows before it starts."""
        if self.noda is not None:
            _ = self.noda.library
        return super().stages()
