import math
from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn.functional import adaptive_max_pool2d

from occreid.errors import UserError
from occreid.methods.han import MeanExtractor, MultiPoolExtractor, Order
from occreid.models import create_model
from occreid.nn import window_spans
from occreid.records import Batch

CLASSES = 4


def build(**options):
    torch.manual_seed(0)
    options = {"height": 96, "width": 32, **options}
    return create_model("han", CLASSES, backbone="resnet18", pretrained="none", **options)


def batch(n=8, height=96, width=32):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (n, 3, height, width), generator=generator, dtype=torch.uint8)
    return Batch(images, torch.arange(n) // 2 % CLASSES, torch.zeros(n), torch.arange(n))


class Separate(nn.Module):
    """The paper's Figure 5 as it is drawn: one head, for one window cut out of the map."""

    def __init__(self, model, place):
        super().__init__()
        channels = model.extractor.reduce.weight.shape[2] // 2
        dim, reduced = model.extractor.linear.weight.shape[1:]
        self.conv = nn.Conv2d(2 * channels, reduced, 1, bias=False)
        self.norm, self.act = nn.BatchNorm2d(reduced), nn.LeakyReLU(0.1)
        self.linear, self.last = nn.Linear(reduced, dim), nn.BatchNorm1d(dim)
        self.classifier = nn.Linear(dim, CLASSES, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(model.extractor.reduce.weight[place][:, :, None, None])
            self.linear.weight.copy_(model.extractor.linear.weight[place])
            self.linear.bias.copy_(model.extractor.linear.bias[place, :, 0])
            self.classifier.weight.copy_(model.classifier.weight[place])

    def forward(self, window):
        pooled = torch.cat([adaptive_max_pool2d(window, 1), nn.functional.adaptive_avg_pool2d(window, 1)], 1)
        feature = self.linear(self.act(self.norm(self.conv(pooled))).flatten(1))
        normalised = self.last(feature)
        return feature, normalised, self.classifier(normalised)


def heads_and_map(k, dtype):
    """The method on a given map, and the same heads one by one."""
    model = build(k=k).to(dtype)
    model.fused = lambda images: images
    fused = torch.randn(8, 960, 12, 2, dtype=dtype)
    return model, [Separate(model, place).to(dtype) for place in range(k * (k + 1) // 2)], fused


def test_batched_heads_equal_separate_modules():
    model, heads, fused = heads_and_map(6, torch.float32)
    model.eval()
    with torch.no_grad():
        feature, normalised = model.features(fused)
        logits = model.classifier(normalised)
        for place, (top, bottom) in enumerate(window_spans(6)):
            expected = heads[place].eval()(fused[:, :, 2 * top : 2 * bottom])
            for ours, theirs in zip((feature[place], normalised[place], logits[place]), expected, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 6])
def test_batched_heads_train_as_separate_modules(k):
    """Batch statistics, running statistics and gradients; in float64, as a norm over 8 images magnifies rounding."""
    model, heads, fused = heads_and_map(k, torch.float64)
    fused.requires_grad_()
    upstream, h = torch.randn(len(heads), 8, 512, dtype=torch.float64), 12 // k
    for training in (True, False):
        normalised = model.train(training).features(fused)[1]
        windows = [fused[:, :, h * top : h * bottom] for top, bottom in window_spans(k)]
        separate = torch.stack([head.train(training)(x)[1] for head, x in zip(heads, windows, strict=True)])
        torch.testing.assert_close(normalised, separate, rtol=1e-9, atol=1e-9)
        ours, theirs = (torch.autograd.grad((out * upstream).sum(), fused)[0] for out in (normalised, separate))
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


def smoothed_loop(logits, label, epsilon):
    """Eq. 3 of one image with label smoothing, in float64."""
    top = max(logits)
    log_sum = top + math.log(sum(math.exp(v - top) for v in logits))
    target = [epsilon / len(logits) + (1 - epsilon) * (c == label) for c in range(len(logits))]
    return -sum(t * (v - log_sum) for t, v in zip(target, logits, strict=True))


def triplet_loop(features, labels, margin):
    """Eq. 4 with the hardest positive and negative of each anchor, in float64."""
    losses = []
    for a in range(len(features)):
        distance = [math.dist(features[a], other) for other in features]
        positives = [d for i, d in enumerate(distance) if labels[i] == labels[a] and i != a]
        negatives = [d for i, d in enumerate(distance) if labels[i] != labels[a]]
        losses.append(max(0.0, max(positives) - min(negatives) + margin))
    return sum(losses) / len(losses)


@pytest.mark.parametrize(("k", "epsilon", "margin"), [(1, 0.0, 0.3), (3, 0.1, 1.0), (6, 0.1, 1.0)])
def test_equation_5_equals_the_float64_loop(k, epsilon, margin):
    model, b = build(k=k, label_smoothing=epsilon, margin=margin).eval(), batch()
    with torch.no_grad():
        model.classifier.weight.mul_(300)  # at its start it says the same of everybody
        losses = model.losses(b)
        feature, normalised = model.features(b.images)
        logits = model.classifier(normalised).double().tolist()
    labels = b.labels.tolist()
    ids = [
        sum(smoothed_loop(row, label, epsilon) for row, label in zip(window, labels, strict=True)) / len(labels)
        for window in logits
    ]
    assert losses["id"].item() == pytest.approx(sum(ids) / len(ids), rel=1e-5)
    triplets, first = [], 0
    for level in range(1, k + 1):
        windows = feature[first : first + level].double().tolist()
        joined = [[v for window in windows for v in window[i]] for i in range(len(labels))]
        triplets.append(triplet_loop(joined, labels, margin))
        first += level
    assert first == len(feature) == len(ids)
    assert losses["triplet"].item() == pytest.approx(sum(triplets) / k, rel=1e-4, abs=1e-6)


def test_another_metric_loss_takes_the_place_of_the_triplet_on_every_level():
    model, b, tau = build(k=3, metric_loss="contrastive", temperature=0.2).eval(), batch(), 0.2
    with torch.no_grad():
        losses, feature = model.losses(b), model.features(b.images)[0]
    assert set(losses) == {"id", "contrastive"}
    labels, levels, first = b.labels.tolist(), [], 0
    for level in (1, 2, 3):
        joined = feature[first : first + level].double().transpose(0, 1).flatten(1)
        unit, first = (joined / joined.norm(dim=1, keepdim=True)).tolist(), first + level
        anchors = []
        for i, x in enumerate(unit):
            like = [math.exp(math.fsum(map(math.prod, zip(x, y, strict=True))) / tau) for y in unit]
            others = sum(like) - like[i]
            same = [like[j] for j in range(len(unit)) if j != i and labels[j] == labels[i]]
            anchors.append(-sum(math.log(own / others) for own in same) / len(same))
        levels.append(sum(anchors) / len(anchors))
    assert losses["contrastive"].item() == pytest.approx(sum(levels) / 3, rel=1e-5)


@pytest.mark.parametrize("k", range(1, 9))
def test_every_k_gives_its_windows_at_unit_length(k):
    height = 16 * k
    model = build(k=k, height=height, dim=8, reduced=4).eval()
    with torch.no_grad():
        d = model.describe(batch(3, height).images)
    assert d.features.shape == (3, 1, 8 * k * (k + 1) // 2)
    torch.testing.assert_close(d.features.flatten(1).norm(dim=1), torch.ones(3))


def test_the_descriptor_is_the_windows_after_the_last_norm_in_order():
    model, b = build(dim=16).eval(), batch(3)
    with torch.no_grad():
        normalised = model.features(b.images)[1]
        feature = model.describe(b.images).features[:, 0]
        one = torch.cat([normalised[place, 1] for place in range(21)])
    assert model.metric == "cosine" and feature.shape == (3, 21 * 16)
    torch.testing.assert_close(feature[1], one / one.norm())


def test_the_triplet_losses_may_work_behind_the_last_norm_as_the_authors_code_does():
    b, margin = batch(), 1.0
    model = build(k=2, triplet_feature="post", margin=margin).eval()
    with torch.no_grad():
        model.norm.bn.running_var.uniform_(0.1, 9.0, generator=torch.Generator().manual_seed(3))
        found, (feature, normalised) = model.losses(b)["triplet"], model.features(b.images)
        assert not torch.allclose(feature, normalised)
    for name, compared in (("post", normalised), ("pre", feature)):
        levels = [compared[:1].double(), compared[1:].double()]
        joined = [[[v for window in level.tolist() for v in window[i]] for i in range(8)] for level in levels]
        wanted = sum(triplet_loop(one, b.labels.tolist(), margin) for one in joined) / 2
        assert (found.item() == pytest.approx(wanted, rel=1e-4)) == (name == "post")
    assert build().triplet_feature == "pre", "the paper's text"


def test_windows_can_be_switched_off_at_test_time():
    b, whole = batch(3), build(k=3, dim=16).eval()
    chosen = build(k=3, dim=16, levels=(1, 3)).eval()
    chosen.load_state_dict(whole.state_dict())
    with torch.no_grad():
        normalised = whole.features(b.images)[1]
        feature = chosen.describe(b.images).features[:, 0]
        one = torch.cat([normalised[place, 1] for place in (0, 3, 4, 5)])
    torch.testing.assert_close(feature[1], one / one.norm())
    for levels in ((), (3, 1), (1, 4)):
        with pytest.raises(UserError, match="han has the levels 1 to 3"):
            build(k=3, levels=levels)


def by_hand(order, model, maps):
    """Table IX's orders, read letter by letter."""
    words = order.split("-")
    at = words.index("concat")
    shrink = {1: 4, 2: 2, 3: 1, 4: 1}
    done = []
    for stage, x, steps in zip(model.fused_stages, maps, model.before, strict=True):
        for word, step in zip(words[:at], steps, strict=True):
            assert type(step.attention).__name__ == {"S": "SpatialAttention", "C": "ChannelAttention"}[word]
            x = x * step.attention(x)
        done.append(adaptive_max_pool2d(x, (x.shape[2] // shrink[stage], x.shape[3] // shrink[stage])))
    fused = torch.cat(done, 1)
    for word, step in zip(words[at + 1 :], model.after, strict=True):
        assert type(step.attention).__name__ == {"S": "SpatialAttention", "C": "ChannelAttention"}[word]
        fused = fused * step.attention(fused)
    return fused


@pytest.mark.parametrize("order", get_args(Order))
def test_attention_orders(order):
    model, b = build(attention=order).eval(), batch(2)
    with torch.no_grad():
        fused = model.fused(b.images)
        torch.testing.assert_close(fused, by_hand(order, model, model._stage_maps(b.images)))
        maps = model.explain(b.images)
    assert fused.shape == (2, 64 + 128 + 256 + 512, 6, 2)
    before, _, after = order.partition("concat")
    expected = ["stage1", "stage2", "stage3", "stage4"] if "S" in before else ["fused"] if "S" in after else []
    assert sorted(maps) == sorted(expected)
    if "stage1" in maps:
        assert [tuple(maps[f"stage{s}"].shape) for s in (1, 2, 3, 4)] == [(2, 24, 8), (2, 12, 4), (2, 6, 2), (2, 6, 2)]


def test_the_nine_orders_are_all_different():
    assert len(get_args(Order)) == len(set(get_args(Order))) == 9
    sizes = {order: len(build(attention=order).state_dict()) for order in ("concat", "S-concat", "concat-C")}
    assert sizes["S-concat"] - sizes["concat"] == 4 and sizes["concat-C"] - sizes["concat"] == 4


def test_the_explanation_is_the_attention_that_is_used():
    model, b = build(attention="C-S-concat").eval(), batch(2)
    with torch.no_grad():
        x = model._stage_maps(b.images)[0]
        channel, spatial = model.before[0]
        torch.testing.assert_close(model.explain(b.images)["stage1"], spatial.attention(channel(x))[:, 0])


@pytest.mark.parametrize(
    ("stages", "channels"),
    [([1], 64), ([2], 128), ([3], 256), ([4], 512), ([1, 2], 192), ([3, 1, 2], 448), ([2, 3, 4], 896)],
)
def test_stage_subsets_build_and_run_no_later_stage(stages, channels):
    model, b = build(fused_stages=stages), batch(4)
    assert model.fused(b.images).shape == (4, channels, 6, 2)
    names = {name.split(".")[1] for name, _ in model.named_parameters() if name.startswith("backbone.layer")}
    assert names == {f"layer{stage}" for stage in range(1, max(stages) + 1)}
    sum(model.losses(b).values()).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_fused_stages_keep_their_own_maps():
    """A pretrained trunk gives the same last map with and without the other stages."""
    alone, all_four = build(fused_stages=[4], attention="concat").eval(), build(attention="concat").eval()
    alone.backbone.load_state_dict(all_four.backbone.state_dict())
    images = batch(2).images
    with torch.no_grad():
        torch.testing.assert_close(alone.fused(images), all_four.fused(images)[:, -512:])


def test_without_its_components_it_is_the_baseline():
    model = build(k=1, mpfe=False, attention="concat", fused_stages=[4], margin=0.3).eval()
    baseline = create_model("baseline", CLASSES, backbone="resnet18", pretrained="none").eval()
    model.backbone.load_state_dict(baseline.backbone.state_dict())
    with torch.no_grad():
        model.classifier.weight.copy_(baseline.neck.classifier.weight[None])
        b = batch()
        for name, loss in baseline.losses(b).items():
            torch.testing.assert_close(model.losses(b)[name], loss, rtol=1e-4, atol=1e-5)
        expected = nn.functional.normalize(baseline.describe(b.images).features[:, 0], dim=1)
        torch.testing.assert_close(model.describe(b.images).features[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_the_extractor_pools_twice_and_its_absence_once():
    stripes = torch.randn(2, 5, 6)
    assert MeanExtractor()(stripes, stripes).shape == (3, 5, 6)
    extractor = MultiPoolExtractor(3, 6, 4, 7)
    assert extractor(stripes, stripes).shape == (3, 5, 7)
    assert not torch.allclose(extractor(stripes, 0 * stripes), extractor(0 * stripes, stripes))


def test_a_k_that_does_not_divide_the_rows_is_said_before_any_training():
    with pytest.raises(UserError, match=r"8 rows of its feature map \(image height 128\) into k = 6") as caught:
        build(height=128)
    assert "1, 2, 4, 8" in caught.value.hint
    with pytest.raises(UserError, match="k = 0"):
        build(k=0)
    with pytest.raises(UserError, match="8 rows cannot be cut into 6"):  # another height than it was built for
        build().describe(batch(2, 128).images)


@pytest.mark.parametrize("stages", [[], [1, 1]])
def test_stages_are_named_once(stages):
    with pytest.raises(UserError, match="fused_stages"):
        build(fused_stages=stages)


def test_unknown_orders_stages_and_backbones_are_refused():
    with pytest.raises(UserError, match="attention"):
        build(attention="S-C")
    with pytest.raises(UserError, match="fused_stages"):
        build(fused_stages=[5])
    with pytest.raises(UserError, match="no stem and four stages"):
        create_model("han", CLASSES, backbone="densenet121", pretrained="none")


@pytest.mark.parametrize("backbone", ["resnet10t", "skresnet18", "resnet50"])
def test_other_resnets(backbone):
    small = {"height": 96, "width": 32, "dim": 8, "reduced": 4}
    model = create_model("han", CLASSES, backbone=backbone, pretrained="none", **small).eval()
    with torch.no_grad():
        assert model.describe(batch(1).images).features.shape == (1, 1, 168)


def test_a_few_steps_fit_a_batch():
    model, b = build(k=3, dim=32, reduced=16), batch()
    optimizer = torch.optim.SGD(model.parameter_groups(0.02)[0]["params"], lr=0.02, momentum=0.9, nesterov=True)
    history = []
    for _ in range(10):
        loss = sum(model.losses(b).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.7 * history[0]
