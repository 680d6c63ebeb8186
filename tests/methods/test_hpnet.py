import math

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.errors import UserError
from occreid.losses import FocalParsingLoss, VisibleTripletLoss
from occreid.models import create_model
from occreid.nn import part_targets
from occreid.records import PART_NAMES, Batch

CLASSES = 3


def build(**options):
    torch.manual_seed(0)
    options = {"backbone": "resnet18", "pretrained": "none", "parsing_channels": 16, **options}
    return create_model("hpnet", CLASSES, **options)


@pytest.fixture(scope="module")
def model():
    return build().eval()


def batch(n=6, masks=True):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (n, 3, 64, 32), generator=generator, dtype=torch.uint8)
    labels = torch.arange(n) % CLASSES
    drawn = torch.randint(0, 5, (n, 64, 32), generator=generator, dtype=torch.uint8)
    return Batch(images, labels, torch.zeros(n), torch.arange(n), drawn if masks else None)


def maps_of(seed=0, n=5):
    """Feature maps and parsing logits as the network could give them; image 0 shows nothing, image 1 no part 2."""
    generator = torch.Generator().manual_seed(seed)
    features = [torch.rand(n, 512, 4, 2, generator=generator) for _ in range(4)]
    logits = torch.randn(n, 4, 4, 2, generator=generator)
    logits[0], logits[1, 2] = -5, -5
    return features, logits


def test_visibility_is_the_maximum_of_the_binary_mask(model):
    features, logits = maps_of()
    h, v = model.pooled(features, logits)
    mask = (logits.sigmoid() > 0.5).float()
    assert torch.equal(v, mask.amax((2, 3)).bool())
    assert not v[0].any() and not v[1, 2]
    for j in range(4):  # h = GMP(F ⊗ Ĝ)
        assert torch.equal(h[:, j], (features[j] * mask[:, j, None]).amax((2, 3)))


def test_equation_1_of_its_descriptors_equals_the_float64_loop(model):
    with torch.no_grad():
        h, v = model.pooled(*maps_of(n=6))
        f = torch.stack([neck(part) for neck, part in zip(model.necks, h.unbind(1), strict=True)], 1)
    v[3], v[4] = torch.tensor([True, False, False, False]), torch.tensor([False, True, True, True])
    found = distances(Descriptors(f, v), Descriptors(f, v), model.metric)
    unit = [[(part / part.norm()).tolist() for part in image] for image in f.double()]
    for a in range(6):
        for b in range(6):
            shared = [j for j in range(4) if v[a, j] and v[b, j]]
            wanted = sum(math.dist(unit[a][j], unit[b][j]) for j in shared) / len(shared) if shared else math.inf
            assert found[a, b].item() == pytest.approx(wanted, abs=2e-3)  # near 0 float32 squares cancel
    assert found[3, 4] == math.inf and found[0, 1] == math.inf


def test_equation_2_equals_the_float64_loop(model):
    h, v = model.pooled(*maps_of())
    labels = torch.tensor([0, 1, 2, 0, 1])
    with torch.no_grad():
        found = model._identification(h, v, labels)
        logits = [neck.logits(neck(h[:, j])).double() for j, neck in enumerate(model.necks)]
    total = 0.0
    for i in range(5):
        for j in range(4):
            if v[i, j]:
                total -= (logits[j][i, labels[i]] - torch.logsumexp(logits[j][i], 0)).item()
    assert found.item() == pytest.approx(total / 5, rel=1e-5)


def test_the_total_is_weighted_as_in_equation_10(model):
    b = batch()
    with torch.no_grad():
        plain = build(lambda_tri=1.0).eval().losses(b)
        weighted = build(lambda_ide=3.0, lambda_tri=0.5, lambda_seg=2.0, lambda_coco=7.0).eval()
        found = weighted.losses(b) | weighted.parsing_losses(b)
        _, logits = weighted.maps(b.images)
    seg = FocalParsingLoss(0.25, 2.0)(logits, part_targets(b.masks, 4, (4, 2), 0.25))
    assert found.keys() == {"id", "triplet", "seg", "seg_coco"}
    assert found["id"].item() == pytest.approx(3 * plain["id"].item(), rel=1e-5)
    assert found["triplet"].item() == pytest.approx(0.5 * plain["triplet"].item(), rel=1e-4)
    assert found["seg"].item() == pytest.approx(2 * seg.item(), rel=1e-5)
    assert found["seg_coco"].item() == pytest.approx(7 * seg.item(), rel=1e-5)


def test_triplets_are_of_the_features_before_the_neck_and_all_else_of_those_after():
    model, b = build(lambda_tri=1.0, margin=0.7).eval(), batch()
    for number, neck in enumerate(model.necks):
        neck.bn.running_var.fill_(9 + number)  # so that a neck does something, and each another thing
    with torch.no_grad():
        h, v = model.pooled(*model.maps(b.images))
        found, described = model.losses(b), model.describe(b.images)
        f = torch.stack([neck(h[:, j]) for j, neck in enumerate(model.necks)], 1)
        logits = torch.stack([neck.classifier(f[:, j]) for j, neck in enumerate(model.necks)], 1)
    torch.testing.assert_close(described.features, f)
    assert torch.equal(described.visibility, v) and not torch.allclose(f, h)
    assert found["triplet"].item() == pytest.approx(VisibleTripletLoss(0.7)(h, v, b.labels).item(), rel=1e-5)
    right = logits.log_softmax(2)[torch.arange(6), :, b.labels]
    assert found["id"].item() == pytest.approx(-(right * v).sum(1).mean().item(), rel=1e-5)


def test_the_network_sees_normalised_pictures(model):
    seen, images = [], batch(2).images
    with torch.no_grad(), model.backbone.conv1.register_forward_pre_hook(lambda _, given: seen.append(given[0])):
        model.describe(images)
    assert torch.equal(seen[0], model.normalize(images)) and seen[0].min() < -1


def test_options_reach_what_they_are_about():
    model, b = build(threshold=0.52, coverage=0.3, alpha=0.4, gamma=1.0, parsing_channels=8).eval(), batch()
    with torch.no_grad():
        features, logits = model.maps(b.images)
        _, v = model.pooled(features, logits)
        seg, scores = model.losses(b)["seg"], model.parse(b.images)
    assert torch.equal(v, (logits.sigmoid() > 0.52).flatten(2).any(2)) and (scores[:, 0] == 0.52).all()
    assert not torch.equal(v, (logits.sigmoid() > 0.5).flatten(2).any(2))
    wanted = FocalParsingLoss(0.4, 1.0)(logits, part_targets(b.masks, 4, (4, 2), 0.3))
    assert seg.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert model.heads[0][0].out_channels == 8
    assert (model.input_size, model.metric) == ((384, 128), "visible_parts")


def test_a_batch_in_which_no_part_is_seen_trains_the_parsing_heads_only():
    model, b = build(), batch()
    for head in model.heads:
        head[-1].bias.data.fill_(-50)  # everything background
    losses = model.losses(b)
    assert losses["id"].item() == 0 and losses["triplet"].item() == 0
    sum(losses.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert model.heads[0][-1].bias.grad.abs() > 0
    assert not model.necks[0].classifier.weight.grad.any()


def test_parsing_shapes_the_shared_layers_and_the_mask_stops_the_identity_gradient():
    model = build(lambda_ide=0.0, lambda_tri=0.0)
    model.losses(batch())["seg"].backward()
    assert model.backbone.conv1.weight.grad.any() and all(c[0].bn2.weight.grad.any() for c in model.conv5)
    model.zero_grad()
    losses = build().losses(batch())
    (losses["id"] + losses["triplet"]).backward()  # through Ĝ, a step, no gradient reaches the heads
    assert all(p.grad is None for p in model.heads.parameters())


def test_branches_are_four_copies_of_the_last_stage_or_one():
    model, shared = build(), build(share_conv5=True)
    assert len(model.conv5) == 4 and len(shared.conv5) == 1
    for branch in model.conv5[1:]:
        assert torch.equal(branch[0].conv1.weight, model.conv5[0][0].conv1.weight)
        assert branch[0].conv1.weight is not model.conv5[0][0].conv1.weight
    features, logits = shared.maps(batch().images)
    assert len(features) == 4 and all(f is features[0] for f in features) and logits.shape == (6, 4, 4, 2)
    assert len(shared.heads) == len(shared.necks) == 4


def test_the_last_stride_is_one_unless_asked():
    assert build().maps(batch(1).images)[0][0].shape[2:] == (4, 2)
    assert build(last_stride=2).maps(batch(1).images)[0][0].shape[2:] == (2, 1)


def test_the_papers_baseline_is_one_global_max_pooled_branch():
    model = build(parsing=False).eval()
    b = batch(masks=False)
    with torch.no_grad():
        features, logits = model.maps(b.images)
        described = model.describe(b.images)
        losses = model.losses(b)
    assert logits is None and len(model.conv5) == len(model.necks) == 1 and not model.heads
    torch.testing.assert_close(described.features[:, 0], model.necks[0](features[0].amax((2, 3))))
    assert described.visibility.all() and losses.keys() == {"id", "triplet"}
    assert model.explain(b.images) == {}
    for use in (model.parse, lambda images: model.parsing_losses(batch())):
        with pytest.raises(UserError, match="hpnet without parsing"):
            use(b.images)


def test_without_visibility_all_parts_are_compared_and_nothing_else_changes(model):
    blind, b = build(visibility=False).eval(), batch()
    with torch.no_grad():
        ours, theirs = model.describe(b.images), blind.describe(b.images)
    assert torch.equal(ours.features, theirs.features)
    assert theirs.visibility.all() and not ours.visibility.all()


def test_masks_given_at_test_time_are_not_looked_at(model):
    b = batch()
    with torch.no_grad():
        assert torch.equal(model.describe(b.images, b.masks).features, model.describe(b.images).features)


def test_a_position_belongs_to_the_likeliest_part_above_the_threshold(model):
    images = batch(2).images
    with torch.no_grad():
        scores, shown = model.parse(images), model.explain(images)
    assert scores.shape == (2, 5, 4, 2) and (scores[:, 0] == 0.5).all()
    assert list(shown) == list(PART_NAMES)
    for j, name in enumerate(PART_NAMES):
        assert torch.equal(scores[:, 1 + j], shown[name])


def test_missing_masks_are_named_unless_nothing_asks_for_them():
    with pytest.raises(UserError, match=r"no part masks.*occreid parse"):
        build().losses(batch(masks=False))
    assert build(lambda_seg=0.0).losses(batch(masks=False)).keys() == {"id", "triplet"}


def test_masks_must_tell_parts_apart_where_the_parsing_loss_reads_them():
    assert build().learns_parts
    assert not build(lambda_seg=0.0).learns_parts and not build(parsing=False).learns_parts


def test_new_layers_learn_at_twice_the_rate():
    model = build()
    old, new = model.parameter_groups(0.01)
    assert (old["lr"], new["lr"]) == (0.01, 0.02)
    heads_and_necks = {id(p) for module in (model.heads, model.necks) for p in module.parameters() if p.requires_grad}
    assert {id(p) for p in new["params"]} == heads_and_necks
    everything = {id(p) for p in model.parameters() if p.requires_grad}
    assert {id(p) for p in old["params"]} == everything - heads_and_necks
