"""OR-GNN: neighbourhood-guided feature reconstruction.

Source: Yu et al., "Neighbourhood-guided Feature Reconstruction for Occluded Person Re-Identification"; sections,
equations and tables are the paper's.

Letters: B images, P = 6 parts (the paper's M), D dimensions of a part, K and θ of the neighbourhood, T layers.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods.orgnn.fen import HALVES, PARTS, STRIPES, FeatureExtractor, part_id_loss, part_triplet_loss
from occreid.methods.orgnn.memory import TrainingGraphs
from occreid.methods.orgnn.neighbourhood import NOBODY, neighbourhoods
from occreid.methods.orgnn.oan import OcclusionAwareNetwork, occlude_masks
from occreid.methods.orgnn.reconstruction import Mode, Reconstruction, Sizes, graphs, reconstruct
from occreid.models.contract import Method, Stage
from occreid.nn import BatchedLinear, Ibn, OutlierRemovableGNN
from occreid.nn.graph import confidences
from occreid.records import Batch

Leg = Literal["fen", "oan", "gnn"]

_NO_MASKS = (
    "Put a parser beside the model: occreid equip MODEL --masks PARSER --out FOLDER. Or make masks of a benchmark with "
    "'occreid parse' or 'occreid masks', and name their folder: --option test_masks=FOLDER, in a recipe "
    "data.options.test_masks. Without masks only the modes base and gnn work."
)


class OrGnn(Method):
    """Part network, occlusion-aware network on masks, and reconstruction of every image from its neighbours.

    Training has three legs: ``fen`` (Eq. 1), ``oan`` (Eq. 2), ``gnn`` (Eq. 7, the other two frozen). Retrieval
    calls `refine` on query and gallery descriptors.

    Args:
        num_classes: training identities.
        backbone: a convolutional timm network, see `occreid.nn.trunk`; of FEN and OAN.
        oan_backbone: another one for OAN; None takes ``backbone``.
        pretrained: ``"imagenet"``, ``"none"``, a weights file or a run folder, for FEN; OAN starts at random.
        ibn: instance normalisation in FEN's first stages, see `occreid.nn.instance_norm`; a mask has no style.
        last_stride: stride of the last stage, 1 or 2.
        dim: D.
        margin: η of Eq. 1.
        visibility_threshold: a part counts as visible from this visible fraction on, or from this share of the
            training set's mean coverage (see `OcclusionAwareNetwork`).
        occlude: share of the training masks of which a band is hidden, so that OAN sees occlusion.
        layers: T.
        confidence: False trains and uses a plain graph network, c ≡ 1.
        train_k: K for training, among the training images.
        train_theta: θ for training.
        k: K for retrieval; the paper: 10 on Occluded-Duke, 4 elsewhere. None: as the gallery is, see
            `Reconstruction.following`.
        theta: θ for retrieval; the paper: 0.7 on Occluded-Duke, 0.8 elsewhere. None: likewise.
        own: whether an image's own feature joins its neighbourhood, see `Reconstruction`.
        search_parts: search neighbours by these parts alone where any is visible: on sets without occlusion the
            paper searches by the upper body, ``[0, 1]``. Stripes 0…3 from the top, halves 4 and 5.
        mode: which row of Table 4 describes and refines, see `Reconstruction`.
        train: the legs to train, in this order; the others keep the weights they start from (``--init-from``).
    """

    metric = "cosine"
    mirrored_parts = (*range(STRIPES), *reversed(range(STRIPES, STRIPES + HALVES)))  # left is right in a mirror
    input_size = (384, 128)

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        oan_backbone: str | None = None,
        pretrained: str = "imagenet",
        ibn: Ibn = "none",
        last_stride: Literal[1, 2] = 1,
        dim: int = 256,
        margin: float = 0.3,
        visibility_threshold: float = 0.5,
        occlude: float = 0.5,
        layers: int = 2,
        confidence: bool = True,
        train_k: int = 30,
        train_theta: float = 0.7,
        k: int | None = None,
        theta: float | None = None,
        own: bool = False,
        search_parts: list[int] | None = None,
        mode: Mode = "oan+orgnn",
        train: list[Leg] | None = None,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise UserError(f"orgnn with {layers} layers is no graph network.", "Set layers to 1 or more.")
        self.fen = FeatureExtractor(num_classes, backbone, pretrained, last_stride, dim, ibn)
        self.expect_pixels(self.fen.trunk.pixel_mean, self.fen.trunk.pixel_std)
        self.oan = OcclusionAwareNetwork(oan_backbone or backbone, last_stride, dim, visibility_threshold)
        self.gnn = OutlierRemovableGNN(PARTS, dim, layers, confidence=confidence)
        self.gnn_classifiers = BatchedLinear(PARTS, dim, num_classes, bias=False)
        self.margin, self.occlude = margin, occlude
        self.search_parts = None if search_parts is None else tuple(search_parts)
        self.reconstruction = Reconstruction(mode, k, theta, self.search_parts, own)
        self.metric = self.reconstruction.metric
        self.needs_masks = self.reconstruction.needs_visibility
        self.train_k, self.train_theta = train_k, train_theta
        self.train_legs: tuple[Leg, ...] = ("fen", "oan", "gnn") if train is None else tuple(train)
        if not self.train_legs:
            raise UserError("orgnn has no leg to train.", "Name some of fen, oan, gnn, or leave 'train' out.")
        self.training_graphs: TrainingGraphs | None = None

    @property
    def backbone(self) -> torch.nn.Module:
        """FEN's trunk, what ``training.freeze_epochs`` freezes."""
        return self.fen.trunk

    def stages(self) -> tuple[Stage, ...]:
        """FEN, OAN and OR-GNN in the paper's order, or those of the option ``train``."""
        legs = {
            "fen": Stage("fen", self.fen_losses, (self.fen,)),
            "oan": Stage("oan", self.oan_losses, (self.oan,), observe=self.oan.observe),
            "gnn": Stage("gnn", self.gnn_losses, (self.gnn, self.gnn_classifiers), self.prepare_graphs),
        }
        return tuple(stage for name, stage in legs.items() if name in self.train_legs)

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Hide bands of masks, for OAN."""
        if batch.masks is None:
            return batch
        return occlude_masks(batch, generator, self.occlude)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The losses of all legs at once."""
        return {**self.fen_losses(batch), **self.oan_losses(batch), **self.gnn_losses(batch)}

    def fen_losses(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 1: ``id`` and ``triplet``, means over the parts."""
        if "oan" in self.train_legs:
            _masks_of(batch)  # said at the first step, not after the hours that FEN takes
        features = self.fen(self.normalize(batch.images))  # (P, B, D)
        return {
            "id": part_id_loss(self.fen.classifiers(features), batch.labels),
            "triplet": part_triplet_loss(features, batch.labels, self.margin),
        }

    def oan_losses(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 2: ``occlusion``."""
        return self.oan.losses(_masks_of(batch), batch.visibility)

    def prepare_graphs(self, descriptors: Descriptors) -> None:
        """Search the neighbours of all training images among them, by the frozen FEN and, if the mode asks it, OAN."""
        on_device = descriptors.to(self.gnn.W.device)
        if not self.reconstruction.needs_visibility:
            on_device.visibility = torch.ones_like(on_device.visibility)
        self.training_graphs = TrainingGraphs.build(
            on_device, self.train_k, self.train_theta, self.search_parts, self.reconstruction.own
        )

    def gnn_losses(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 7: ``reconstruction``, the mean over the parts of the ID loss on the reconstructed targets.

        Before `prepare_graphs` the batch itself is the gallery. An image without neighbours is never reconstructed:
        it has no say here.
        """
        if self.training_graphs is None:
            with torch.no_grad():
                found = Descriptors(self.fen(self.normalize(batch.images)).transpose(0, 1))
            nodes, mask = TrainingGraphs.build(found, self.train_k, self.train_theta).of(torch.arange(len(batch)))
        else:
            nodes, mask = self.training_graphs.of(batch.indices)
        rebuilt = self.gnn(nodes, mask)  # (B, P, D)
        logits = self.gnn_classifiers(rebuilt.transpose(0, 1))
        return {"reconstruction": part_id_loss(logits, batch.labels, mask[:, 1:].any(1))}

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """FEN's six parts, with the visibility that OAN sees in ``masks``; `refine` reconstructs them.

        Without ``masks`` the model's `masker`, if it has one, makes them of ``images``.

        Raises:
            UserError: the mode asks OAN and there are no masks, or masks of another size.
        """
        features = self.fen(self.normalize(images)).transpose(0, 1)  # (B, P, D)
        masks = self.masks_for(images, masks)
        if masks is None and not self.needs_masks:
            return Descriptors(features)
        if masks is None:
            raise UserError(f"orgnn in mode {self.reconstruction.mode} needs a mask of every image.", _NO_MASKS)
        if masks.shape != (images.shape[0], *images.shape[2:]):
            raise UserError(
                f"masks of shape {tuple(masks.shape)} do not fit images of shape {tuple(images.shape)}.",
                "Give one (H, W) mask of each image, at the images' size.",
            )
        return Descriptors(features, self.oan.visible(masks))

    def refine(self, descriptors: Descriptors, gallery: Descriptors) -> Descriptors:
        """Reconstruct descriptors from a gallery as `describe` gave it, see `reconstruct`.

        ``refined`` then says how large the neighbourhoods are.
        """
        sizes = Sizes()
        found = reconstruct(descriptors, gallery, self.gnn, self.reconstruction, sizes=sizes)
        self.refined = sizes.facts() if sizes.images else {}
        return found

    def judge(self, descriptors: Descriptors, truth: Tensor) -> dict[str, float]:
        """How often OAN is right about the four stripes, whose truth the body parts' (N, Q) visible fractions tell."""
        if not self.needs_masks:
            return {}
        right = self.oan.stripes(truth).to(descriptors.visibility.device) == descriptors.visibility[:, :STRIPES]
        return {"oan_accuracy": right.float().mean().item()}

    @torch.no_grad()
    def neighbours(self, descriptors: Descriptors, gallery: Descriptors) -> tuple[Tensor, Tensor]:
        """Whom an image is reconstructed from, and how far each is trusted (Eq. 4, first layer, mean of the parts).

        Returns:
            Gallery indices (N, m) int64, −1 fills the rows, and confidences (N, m) in [0, 1], 0 there.
        """
        how, found = self.reconstruction.following(gallery), []
        assert how.k is not None and how.theta is not None
        for block, near in neighbourhoods(descriptors, gallery, how.k, how.theta, search_parts=how.search_parts):
            nodes, mask = graphs(descriptors.features[block], gallery.features, near)  # without itself
            found.append((near, confidences(nodes, mask).mean(1)[:, 1:]))
        most = max(near.shape[1] for near, _ in found)
        indices = torch.full((len(descriptors), most), NOBODY)
        trust = torch.zeros(len(descriptors), most)
        start = 0
        for near, confidence in found:
            rows = slice(start, start := start + len(near))
            indices[rows, : near.shape[1]], trust[rows, : near.shape[1]] = near, confidence
        return indices, trust

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """``parts``: how strongly FEN's stripes answer where; with masks ``visible``, what OAN takes as seen."""
        answers = self.fen.trunk.maps(self.normalize(images))[0].float().norm(dim=1)  # (B, h, w)
        maps = {"parts": answers / answers.amax((1, 2), keepdim=True).clamp_min(1e-12)}
        masks = self.masks_for(images, masks)
        if masks is not None:
            y = self.oan(masks).float().sigmoid()  # (B, P)
            maps["visible"] = y[:, :STRIPES, None] * y[:, None, STRIPES : STRIPES + HALVES]  # (B, 4, 2)
        return maps


def _masks_of(batch: Batch) -> Tensor:
    if batch.masks is None:
        raise UserError(
            "orgnn trains its OAN on masks of the persons, and the training images have none.",
            "Make them with 'occreid parse' and set data.masks: true, or train FEN alone: method.options.train: [fen].",
        )
    return batch.masks
