import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from occreid.errors import UserError
from occreid.methods.orgnn.fen import PARTS, FeatureExtractor, TwoBranchTrunk, part_id_loss, part_triplet_loss


@pytest.fixture(scope="module")
def trunk():
    torch.manual_seed(0)
    return TwoBranchTrunk("resnet18", "none", 2).eval()


def test_the_branches_start_equal_and_share_no_weights(trunk):
    mine, theirs = dict(trunk.stripes.named_parameters()), dict(trunk.halves.named_parameters())
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert not {p.data_ptr() for p in mine.values()} & {p.data_ptr() for p in theirs.values()}


def test_it_splits_after_the_first_block_of_the_third_stage(trunk):
    from occreid.nn import create_backbone

    whole = create_backbone("resnet18", "none")
    assert len(trunk.shared) == 4 + 2 + 1 and len(trunk.stripes) == len(whole.layer3) - 1 + 1
    count = sum(p.numel() for p in trunk.shared.parameters()) + sum(p.numel() for p in trunk.stripes.parameters())
    assert count == sum(p.numel() for p in whole.parameters())


def test_parts_are_maxima_of_four_stripes_and_two_halves(trunk):
    images = torch.rand(2, 3, 256, 128)
    with torch.no_grad():
        (striped, halved), parts = trunk.maps(images), trunk(images)
    assert striped.shape == halved.shape == (2, 512, 8, 4) and parts.shape == (PARTS, 2, 512)
    for k in range(4):
        assert torch.equal(parts[k], striped[:, :, 2 * k : 2 * k + 2].amax((2, 3)))
    for k in range(2):
        assert torch.equal(parts[4 + k], halved[:, :, :, 2 * k : 2 * k + 2].amax((2, 3)))


def test_sub_features_are_not_negative_and_each_part_has_its_own_weights():
    fen = FeatureExtractor(5, "resnet18", "none", 1, 16).eval()
    with torch.no_grad():
        features = fen(torch.rand(3, 3, 64, 32))
        assert features.shape == (PARTS, 3, 16) and (features >= 0).all() and features.std() > 0
        assert fen.classifiers(features).shape == (PARTS, 3, 5)
    assert fen.reduce[0].weight.shape[0] == PARTS and not torch.equal(fen.reduce[0].weight[0], fen.reduce[0].weight[1])


def test_a_network_without_stages_is_refused():
    with pytest.raises(UserError, match="has no stem and four stages"):
        TwoBranchTrunk("vit_tiny_patch16_224", "none", 1)


def loop(features, logits, labels, margin):
    """Eq. 1 in float64: for each part ID loss and triplet loss over all anchors, the mean over the parts."""
    total = 0.0
    for x, z in zip(features.double().tolist(), logits.double(), strict=True):
        identity = [float(torch.logsumexp(row, 0) - row[label]) for row, label in zip(z, labels, strict=True)]
        hinges = []
        for a in range(len(x)):
            far = max(math.dist(x[a], x[p]) for p in range(len(x)) if labels[p] == labels[a] and p != a)
            near = min(math.dist(x[a], x[n]) for n in range(len(x)) if labels[n] != labels[a])
            hinges.append(max(far - near + margin, 0.0))
        total += sum(identity) / len(x) + sum(hinges) / len(x)
    return total / len(features)


@pytest.mark.parametrize("seed", range(5))
def test_eq_1_equals_the_float64_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(PARTS, 8, 4, generator=generator)
    logits = torch.randn(PARTS, 8, 5, generator=generator)
    labels = torch.tensor([0, 0, 2, 2, 2, 4, 4, 4])
    found = part_id_loss(logits, labels) + part_triplet_loss(features, labels, 0.3)
    assert found.item() == pytest.approx(loop(features, logits, labels.tolist(), 0.3), rel=1e-5)


def test_other_parts_are_never_negatives_and_gradients_are_finite():
    features = torch.zeros(PARTS, 4, 2)
    features[:, 2:] = 100.0  # the two persons are far apart in every part, the parts are all alike
    features.requires_grad_()
    loss = part_triplet_loss(features, torch.tensor([0, 0, 1, 1]), 0.3)
    loss.backward()
    assert loss == 0 and torch.isfinite(features.grad).all()


def test_a_batch_of_one_person_costs_nothing_and_gives_no_nan():
    features = torch.randn(PARTS, 3, 2, requires_grad=True)
    loss = part_triplet_loss(features, torch.zeros(3, dtype=torch.int64), 0.3)
    loss.backward()
    assert loss == 0 and torch.isfinite(features.grad).all()


def test_the_id_loss_is_in_float32():
    logits = torch.randn(PARTS, 4, 3).bfloat16()
    labels = torch.tensor([0, 1, 2, 0])
    expected = torch.stack([cross_entropy(z.float(), labels) for z in logits]).mean()
    torch.testing.assert_close(part_id_loss(logits, labels), expected)


def test_instance_normalisation_is_in_the_feature_extractor_alone():
    from occreid.models import create_model

    small = {"backbone": "resnet18", "oan_backbone": "resnet10t", "pretrained": "none", "dim": 8, "last_stride": 2}
    for ibn in ("a", "b", "none"):
        model = create_model("orgnn", 2, **small, ibn=ibn)
        fen, oan = ({type(module).__name__ for module in part.modules()} for part in (model.fen, model.oan))
        assert ("InstanceNorm2d" in fen) == (ibn != "none")
        assert "InstanceNorm2d" not in oan
