"""Tiny methods for the tests of training; `create_model("reid_toys:Toy")` with this folder on the path."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from occreid.descriptors import Descriptors
from occreid.models import Method, PartParser, Stage


class Toy(Method):
    """Convolution, batch norm, dropout, classifier: all that can go wrong when resuming."""

    metric = "cosine"

    def __init__(self, num_classes, *, width: int = 8, dropout: float = 0.5, poison: int = -1):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, num_classes)
        self.poison = poison
        self.calls = 0

    def features(self, images):
        return self.backbone(self.normalize(images)).mean((2, 3))

    def losses(self, batch):
        self.calls += 1
        loss = cross_entropy(self.classifier(self.dropout(self.features(batch.images))), batch.labels)
        return {"id": loss * (float("nan") if self.calls == self.poison else 1.0)}

    def describe(self, images, masks=None):
        return Descriptors(self.features(images))

    def augment(self, batch, generator):
        shift = torch.randint(-2, 3, (1,), generator=generator)
        batch.images = batch.images.roll(int(shift), -1)
        return batch


class TwoLegs(Toy):
    """First the network, then, from what it says of the training images, a second classifier."""

    def __init__(self, num_classes, *, width: int = 8, dropout: float = 0.5, poison: int = -1):
        super().__init__(num_classes, width=width, dropout=dropout, poison=poison)
        self.second = nn.Linear(width, num_classes)
        self.seen = None

    def stages(self):
        return (
            Stage("first", self.losses, (self.backbone, self.classifier, self.dropout)),
            Stage("second", self.second_losses, (self.second,), self.prepare),
        )

    def prepare(self, descriptors):
        self.seen = descriptors.features[:, 0].mean(0)

    def second_losses(self, batch):
        features = self.features(batch.images) - self.seen.to(batch.images.device)
        return {"second": cross_entropy(self.second(self.dropout(features)), batch.labels)}


class Streams(Toy):
    """Learns from a second stream how much of a picture is covered by parts; remembers what it was given."""

    def __init__(self, num_classes, *, width: int = 8, dropout: float = 0.5):
        super().__init__(num_classes, width=width, dropout=dropout)
        self.covered = nn.Linear(width, 1)
        self.seen = []

    def parsing_losses(self, batch):
        self.seen.append(batch.indices.tolist())
        share = (batch.masks > 0).float().mean((1, 2))
        return {"covered": (self.covered(self.dropout(self.features(batch.images)))[:, 0] - share).square().mean()}


class Segments(PartParser):
    """A parsing network: the colour decides the part."""

    def __init__(self, num_classes, *, width: int = 8):
        super().__init__()
        self.classify = nn.Conv2d(3, 5, 1)

    def parse(self, images):
        return self.classify(self.normalize(images))

    def losses(self, batch):
        return {"parsing": cross_entropy(self.parse(batch.images), batch.masks.long())}


class NoBackbone(Toy):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.layers = self.backbone
        del self.backbone
