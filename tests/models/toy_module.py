"""A method from outside the package, as a user would write it."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from occreid.descriptors import Descriptors
from occreid.methods import Method


class Toy(Method):
    input_size = (16, 8)

    def __init__(self, num_classes: int, *, dim: int = 4, scale: float = 1.0, word: str | None = None) -> None:
        super().__init__()
        self.project = nn.Linear(3, dim)
        self.classify = nn.Linear(dim, num_classes)
        self.scale = scale

    def feature(self, images):
        return self.scale * self.project(self.normalize(images).mean((2, 3)))

    def losses(self, batch):
        return {"id": cross_entropy(self.classify(self.feature(batch.images)), batch.labels)}

    def describe(self, images, masks=None):
        return Descriptors(self.feature(images))


class NotAMethod(nn.Module):
    pass


class Demanding(Toy):
    def __init__(self, num_classes: int, *, needed: int) -> None:
        super().__init__(num_classes, dim=needed)


class Diverging(Toy):
    def losses(self, batch):
        return {"id": super().losses(batch)["id"] * torch.inf}
