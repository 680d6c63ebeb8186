"""The contracts: what every trainable network is, and what it is for.

`Trainable` turns a training batch into named losses. Two contracts stand on it: a `Method` tells people apart (a
paper's, one file ``methods/<name>.py`` or folder), a `PartParser` says which pixel shows which part of a body
(``annotate/parser.py``); HPNet fulfils both. None of them knows of files, recipes, optimisers or galleries.

Letters: B images, H × W pixels, P parts, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.errors import UserError
from occreid.models.embedding import compare, embed
from occreid.models.pictures import Pictures, check_images
from occreid.nn.freezing import first_layers
from occreid.records import Batch


@dataclass(frozen=True, slots=True)
class Stage:
    """One leg of a network's training.

    Attributes:
        name: what the run folder and the logs call it.
        losses: batch → named losses of this leg.
        modules: what this leg trains; everything else is frozen and in eval mode meanwhile.
        prepare: called once before the leg with the descriptors of all training images (None: not needed).
        observe: called before the leg with the masks (B, H, W) of all training images, batch by batch, as a test would
            see them: neither shifted nor erased (None: not needed).
    """

    name: str
    losses: Callable[[Batch], dict[str, Tensor]]
    modules: tuple[nn.Module, ...]
    prepare: Callable[[Descriptors], None] | None = None
    observe: Callable[[Tensor], None] | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What it takes to build a model again: `create_model(name, num_classes, **options)`."""

    name: str
    num_classes: int
    options: dict[str, Any]


class MaskMaker(Protocol):
    """Makes masks of pictures, as `occreid.models.masker.Masker` does."""

    @property
    def key(self) -> str:
        """What the masks depend on; equal keys, equal masks."""
        ...

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 or float in [0, 1] → (B, H, W) masks, 0 where nobody is."""
        ...


class Trainable(nn.Module):
    """What training asks of a network, whatever it is for.

    A subclass's ``__init__(self, num_classes, *, ...)`` takes typed keyword-only options with defaults:
    that signature is its option schema. It implements `losses`, and overrides a hook only where its paper asks for it.
    """

    input_size: tuple[int, int] = (256, 128)
    """Height and width in pixels the network was made for; an instance may set its own."""
    fixed_size: bool = False
    """Whether images of another size than `input_size` are refused: `load_model` sets it, the weights are of that."""
    learns_parts: bool = False
    """Whether training masks must tell the parts of a body apart; an instance may set its own."""
    older: ClassVar[dict[str, Any]] = {}
    """Values of options that a model saved before they existed was made with, where that is not today's default."""
    pixel_mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """Of pixels in [0, 1], three numbers; an instance takes its backbone's, see `expect_pixels`."""
    pixel_std: tuple[float, ...] = (0.229, 0.224, 0.225)
    watched: Mapping[str, Tensor] = MappingProxyType({})
    """Figures that the last `losses` left for the log, no losses themselves: 0-d tensors by name, without graph."""
    _pixel_mean: Tensor
    _pixel_std: Tensor
    spec: ModelSpec | None = None
    """How to build this model again; set by `create_model`."""

    def __init__(self) -> None:
        super().__init__()
        self.expect_pixels(self.pixel_mean, self.pixel_std)

    def expect_pixels(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Make `normalize` give pixels this mean and deviation, those that the backbone's weights were trained with."""
        self.pixel_mean, self.pixel_std = mean, std
        # buffers move with the model: a tensor made in `normalize` would make the GPU wait at every step
        self.register_buffer("_pixel_mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("_pixel_std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalar losses, already weighted: training minimises their sum."""
        raise TypeError(f"{type(self).__name__} does not define losses(batch)")

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Augment a training batch as a whole (CBE, NODA double it). Default: unchanged."""
        return batch

    def parsing_losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a second stream of images that have part masks and no identities (recipe: ``data.parsing``)."""
        raise UserError(f"{self._name()} has no use for a second stream of images.", "Set data.parsing to null.")

    def stages(self) -> tuple[Stage, ...]:
        """The legs of training, in order. Default: one leg over the whole network."""
        return (Stage("main", self.losses, (self,)),)

    def backbone_layers(self, stages: int = 4) -> list[nn.Module]:
        """The layers that start from the backbone's weights, of its stem and first stages; see `occreid.nn.freezing`.

        Raises:
            UserError: there is no backbone, or its stages are not known.
        """
        backbone = getattr(self, "backbone", None)
        if not isinstance(backbone, nn.Module):
            raise UserError(
                f"the method {self._name()} has no 'backbone' to freeze or to train at another rate.",
                "Leave training.freeze_stages null, training.keep_statistics false and optimizer.backbone_factor 1.",
            )
        return first_layers(backbone, stages)

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """Optimiser groups; a group may carry its own ``lr``. Default: one group of all parameters."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": lr}]

    def _name(self) -> str:
        return self.spec.name if self.spec else type(self).__name__

    def normalize(self, images: Tensor) -> Tensor:
        """Images as the backbone wants them: uint8 becomes [0, 1], then (x − mean) / std per channel. Copies.

        Raises:
            UserError: outside of training, images of another type or range, of a loaded model of another size.
        """
        if not self.training:
            check_images(images, self.input_size if self.fixed_size else None, self._name())
        pixels = images.float() / 255 if images.dtype == torch.uint8 else images
        return (pixels - self._pixel_mean.to(pixels.dtype)) / self._pixel_std.to(pixels.dtype)


class Method(Trainable):
    """A network that tells people apart: base of all papers' methods. A subclass implements `losses` and `describe`."""

    metric: Metric = "euclidean"
    """How its descriptors are compared; an instance may set its own."""
    refined: Mapping[str, Any] = MappingProxyType({})
    """What the last `refine` found, for results; set by methods that look at the gallery."""
    needs_masks: bool = False
    """Whether `describe` cannot do without masks; an instance may set its own."""
    masker: MaskMaker | None = None
    """Makes the masks of pictures that come without, see `occreid.models.masker`; of use where `needs_masks`."""
    flip_test: bool = False
    """Whether pictures are compared by what image and mirror image are described by, see `occreid.models.mirror`."""
    flip_inside: bool = False
    """Whether `describe` averages already, as an exported network does."""
    mirrored_parts: tuple[int, ...] | None = None
    """Which part of a mirror image shows a part of the image; None: the same one, as with parts from top to bottom."""
    card: Mapping[str, Any] = MappingProxyType({})
    """What its file says of it: recipe, weights' sha256, versions; set by `load_model`, empty for a new one."""

    def _name(self) -> str:
        return str(self.card.get("name") or super()._name())

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """Descriptors of (B, 3, H, W) images of `input_size`, uint8 or float in [0, 1].

        ``masks`` (B, H, W) if a method uses them. `embed` takes pictures of any size.
        """
        raise TypeError(f"{type(self).__name__} does not define describe(images, masks)")

    def masks_for(self, images: Tensor, masks: Tensor | None) -> Tensor | None:
        """The masks that were given, else those that `masker` makes where the method needs any, else None."""
        if masks is None and self.needs_masks and self.masker is not None:
            return self.masker(images)
        return masks

    def embed(
        self,
        pictures: Pictures,
        *,
        bgr: bool = False,
        batch_size: int = 64,
        normalize: bool = False,
        flip_test: bool | None = None,
    ) -> Descriptors:
        """Descriptors of pictures of any kind and size: files, Pillow, arrays, tensors, or anything that yields them.

        See `occreid.models.embedding.embed`.
        """
        return embed(self, pictures, bgr=bgr, batch_size=batch_size, normalize=normalize, flip_test=flip_test)

    def compare(self, a: Pictures, b: Pictures, *, bgr: bool = False, batch_size: int = 64) -> Tensor:
        """(A, B) distances between all pictures of two sides under `metric`, smaller for the same person."""
        return compare(self, a, b, bgr=bgr, batch_size=batch_size)

    def refine(self, descriptors: Descriptors, gallery: Descriptors) -> Descriptors:
        """Improve descriptors by looking at the gallery (OR-GNN). Default: unchanged."""
        return descriptors

    def judge(self, descriptors: Descriptors, truth: Tensor) -> dict[str, float]:
        """How right the method is about visibility, for results; ``truth`` (N, Q) fractions. Default: nothing."""
        return {}

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """Where the method looked: named maps (B, h, w) float32 in [0, 1] on any grid, for reports and the service.

        The grid covers the whole image; a map is shown stretched over it. Default: no maps of its own.
        """
        return {}


class PartParser(Trainable):
    """A network that says which pixel shows which part of a body. A subclass implements `losses` and `parse`.

    The parser is one and no method; a method that learns to parse is both.
    """

    def parse(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 1 + P, h, w) scores of background and parts; the largest is a position's label."""
        raise TypeError(f"{type(self).__name__} does not define parse(images)")
