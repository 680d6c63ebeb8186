"""The model as the service uses it: pictures in, descriptors and maps out, all computed in one thread.

PyTorch keeps memory and helper threads for every thread that calls it, for as long as that lives.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from occreid.data.images import Pixels
from occreid.data.loading.dataset import stack_images
from occreid.data.loading.transforms import EvalTransform
from occreid.descriptors import Descriptors
from occreid.extraction import AskedPrecision, computing_in, usable_device, way_for
from occreid.gallery import Manifest
from occreid.methods import Method
from occreid.models import load_model, read_card
from occreid.models.explaining import explanations
from occreid.models.locate import called
from occreid.models.masker import masks_key
from occreid.models.mirror import describe
from occreid.nn.computing import MEMORY_FORMATS, PLAIN, Computing


@dataclass(slots=True)
class Engine:
    """A trained model on its device, in eval mode.

    Attributes:
        model: what describes.
        name: the method's name.
        weights_hash: SHA-256 of the weights, which the gallery and the calibration must match.
        device: where the model runs.
        way: precision and memory format that it computes in.
        called: what people call the model; left out, the method's name.
        shape: (P, D) of a descriptor.
    """

    model: Method
    name: str
    weights_hash: str
    device: torch.device
    way: Computing = PLAIN
    called: str = ""
    shape: tuple[int, int] = (0, 0)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "occreid-network"))

    def __post_init__(self) -> None:
        self.called = self.called or self.name
        self.model = self.model.to(self.device).to(memory_format=MEMORY_FORMATS[self.way.memory_format]).eval()
        height, width = self.model.input_size
        blank = self.describe([torch.zeros(3, height, width, dtype=torch.uint8)])[0]
        self.shape = (blank.features.shape[1], blank.features.shape[2])

    @property
    def manifest(self) -> Manifest:
        """What a gallery of this model's descriptors is like."""
        parts, dim = self.shape
        return Manifest(
            dim,
            parts,
            self.model.metric,
            self.weights_hash,
            self.called,
            flip_test=self.model.flip_test,
            masks=masks_key(self.model),
        )

    @staticmethod
    def load(source: str | Path, device: str = "cpu", precision: AskedPrecision = "float32") -> Engine:
        """The model of a run folder or weights file.

        Raises:
            UserError: no model there, no such device, or a precision that it cannot do.
        """
        card = read_card(source)
        model, where = load_model(source), usable_device(device)
        way = way_for(model, where, precision, batch_size=8)
        return Engine(model, card["method"], card.get("sha256", ""), where, way, called(card, source))

    def prepare(self, pixels: Pixels) -> Tensor:
        """(h, w, 3) pixels as the model's (3, H, W) uint8."""
        return EvalTransform(*self.model.input_size)(pixels)[0]

    def describe(self, images: list[Tensor]) -> list[Descriptors]:
        """Descriptors of N prepared pictures, one row each, on the CPU."""
        channels_last = self.way.memory_format == "channels_last"

        def work() -> Descriptors:
            pictures = stack_images(images, channels_last=channels_last).to(self.device)
            with torch.inference_mode(), computing_in(self.way.precision, self.device):
                return describe(self.model, pictures).to("cpu")

        found = self._thread.submit(work).result()
        rows = zip(found.features.split(1), found.visibility.split(1), strict=True)
        return [Descriptors(features.clone(), visibility.clone()).require_finite() for features, visibility in rows]

    def explain(self, image: Tensor) -> dict[str, NDArray[np.float32]]:
        """Maps (h, w) in [0, 1] of where the method looked in a prepared picture: its own, else `GRAD_CAM`.

        None of an exported model: it has no gradients.
        """

        def work() -> dict[str, NDArray[np.float32]]:
            maps = explanations(self.model, image[None])
            return {name: shown[0].float().cpu().numpy() for name, shown in sorted(maps.items())}

        return self._thread.submit(work).result()

    def warm_up(self, pictures: int) -> None:
        """Describe so many blank pictures at once and explain one: what memory that takes is taken from now on, and
        where there is not enough of it, nobody has asked for anything yet.
        """
        blank = torch.zeros(3, *self.model.input_size, dtype=torch.uint8)
        self.describe([blank] * pictures)
        self.explain(blank)
