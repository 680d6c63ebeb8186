"""What is timed: a model described in words, and made ready for a device, a precision and a compiler.

Letters: B images, H × W pixels.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.errors import UserError
from occreid.export import Describe
from occreid.extraction import computing_in
from occreid.methods import Method
from occreid.models import create_model, load_model, method_options
from occreid.models.locate import is_named
from occreid.nn.computing import MEMORY_FORMATS, PLAIN, Computing
from occreid.yaml_files import parse_yaml

CLASSES = 751
"""Identities of an untrained model, as in Market-1501: they change its parameters, hardly its speed."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the user names it.

    Attributes:
        name: what the table calls it.
        source: a method's name, or a trained model as `occreid.models.load_model` takes it.
        options: of a method; a trained model has its own.
        size: (height, width) in pixels, or None: the model's own.
        paper: a published throughput in images a second to stand beside ours, or None.
    """

    name: str
    source: str
    options: dict[str, Any]
    size: tuple[int, int] | None = None
    paper: float | None = None

    @staticmethod
    def parse(words: str) -> Model:
        """Read ``"sureid backbone=deit_small_patch16_224 keep_ratio=0.7"`` or a trained model.

        Raises:
            UserError: a word that is no key=value.
        """
        if _is_trained(words):
            return Model(Path(words.partition("#")[0]).name, words, {})
        source, *rest = shlex.split(words) or [""]
        options: dict[str, Any] = {}
        for word in rest:
            key, equals, value = word.partition("=")
            if not (key and equals):
                raise UserError(
                    f"'{word}' in '{words}' is no key=value.", "Write e.g.: 'baseline backbone=resnet18 last_stride=2'"
                )
            options[key] = parse_yaml(value, f"the option {word}")
        return Model(words, source, options)

    def build(self) -> Method:
        """The model in eval mode on the CPU; a method's name gives random weights, which cost the same time.

        Raises:
            UserError: no such method, model or option, or options for a trained model.
        """
        if _is_trained(self.source):
            if self.options:
                raise UserError(
                    f"{self.source} is a trained model and takes no options.", "Give a method's name, or no options."
                )
            model = load_model(self.source)
        else:
            known, options = method_options(self.source), dict(self.options)
            if "pretrained" in known:
                options.setdefault("pretrained", "none")
            if self.size is not None and {"height", "width"} <= known.keys():
                options = {"height": self.size[0], "width": self.size[1], **options}
            model = create_model(self.source, CLASSES, **options)
        if self.size is not None:
            model.input_size = self.size
        return model.eval()


def _is_trained(source: str) -> bool:
    """Whether this is a model that is there, by path, name or address, and not a method to be built."""
    return Path(source).exists() or is_named(source)


def prepare(
    model: Method,
    images: Tensor,
    *,
    way: Computing = PLAIN,
    compiled: bool = False,
) -> Callable[[], object]:
    """What one measurement calls: describe these images once, normalisation included.

    Args:
        model: on the device of the images; left in eval mode.
        images: (B, 3, H, W) uint8.
        way: precision, under autocast, and memory format of weights and images.
        compiled: let ``torch.compile`` have the network.
    """
    network: Any = Describe(model).eval()
    memory_format = MEMORY_FORMATS[way.memory_format]
    network, images = network.to(memory_format=memory_format), images.contiguous(memory_format=memory_format)
    if compiled:
        network = torch.compile(network)

    def once() -> object:
        with torch.inference_mode(), computing_in(way.precision, images.device):
            return network(images)

    return once
