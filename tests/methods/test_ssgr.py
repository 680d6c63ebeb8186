import pytest
import torch
from torch.nn.functional import log_softmax, normalize

from occreid.distances import distances
from occreid.errors import UserError
from occreid.losses import BatchHardTripletLoss, BoundedExponentialLoss
from occreid.models import create_model
from occreid.nn import DisentangledNonLocal, NonLocal
from occreid.records import Batch

SWITCHES = ("cbe", "bed", "dnl", "rp", "me")
OFF = dict.fromkeys(SWITCHES, False)
LADDER = [  # the rows of Table 5
    {**OFF, **dict.fromkeys(SWITCHES[:count], True)} for count in range(len(SWITCHES) + 1)
]


def build(backbone="resnet18", **options):
    torch.manual_seed(0)
    return create_model("ssgr", 5, backbone=backbone, pretrained="none", **options)


def batch(n=6, labels=None):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (n, 3, 64, 32), generator=generator, dtype=torch.uint8)
    return Batch(images, torch.arange(n) // 2 % 5 if labels is None else labels, torch.zeros(n), torch.arange(n))


def blocks(model, kind):
    return [name for name, module in model.backbone.named_modules() if isinstance(module, kind)]


@pytest.mark.parametrize("options", LADDER, ids=lambda o: "+".join(k for k, v in o.items() if v) or "baseline")
def test_every_row_of_table_5_trains_and_describes(options):
    model = build(**options)
    b = model.augment(batch(), torch.Generator().manual_seed(2))
    assert len(b) == (12 if options["cbe"] else 6)
    losses = model.losses(b)
    name = "bed" if options["bed"] else "triplet"
    assert set(losses) == {name, "id"} | ({f"{name}_rp"} if options["rp"] else set())
    sum(losses.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters() if p.requires_grad)
    assert bool(blocks(model, DisentangledNonLocal)) == options["dnl"]
    assert bool(blocks(model, NonLocal)) == (not options["dnl"])
    assert model.eval().describe(b.images[:2]).features.shape == (2, 1, 512)


@pytest.mark.parametrize("reduction", ["mean", "balanced", "sum"])
def test_the_distance_loss_brings_pairs_together_as_asked(reduction):
    model, b = build(bed_reduction=reduction, alpha=0.05).eval(), batch()
    with torch.no_grad():
        f_g = model.pool(model.feature_map(b.images))
        found = model.losses(b)["bed"]
    ways = {way: BoundedExponentialLoss(0.05, way)(f_g, b.labels) for way in ("mean", "balanced", "sum")}
    assert found == ways[reduction] and len({round(value.item(), 5) for value in ways.values()}) == 3


def test_with_everything_off_it_is_the_baseline_with_gem_and_idle_blocks():
    """At step 0 the plain non-local blocks are the identity, so that all else can be compared."""
    model, b = build(**OFF).eval(), batch()
    baseline = create_model("baseline", 5, backbone="resnet18", pretrained="none", pooling="gem").eval()
    baseline.load_state_dict({k: v for k, v in model.state_dict().items() if ".block" not in k})
    with torch.no_grad():
        assert torch.equal(model.describe(b.images).features, baseline.describe(b.images).features)
        ours, theirs = model.losses(b), baseline.losses(b)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert isinstance(model.distance_loss, BatchHardTripletLoss) and model.distance_loss.margin == 0.3


def test_random_erasing_stays_when_compound_erasing_is_off():
    b, erased = batch(40), build(cbe=False).augment(batch(40), torch.Generator().manual_seed(0))
    share = (erased.images != b.images).flatten(1).any(1).float().mean()
    assert 0.25 < share < 0.75
    assert torch.equal(build(cbe=False, erase_probability=0.0).augment(b, torch.Generator()).images, b.images)


def test_equation_5_is_the_sum_of_its_three_terms_in_float64():
    model, b = build(label_smoothing=0.0).eval(), batch()
    with torch.no_grad():
        losses = model.losses(b)
        feature_map = model.feature_map(b.images)
        f_g, f_r = model.pool(feature_map), model.reconstruct(feature_map)
        bed = BoundedExponentialLoss(0.3, model.distance_loss.reduction, model.distance_loss.normalize)
        assert losses["bed"] == bed(f_g, b.labels) and losses["bed_rp"] == bed(f_r, b.labels)
        assert losses["bed"] != losses["bed_rp"]
        x, w = model.heads_norm(f_g).double().view(6, 2, 256), model.heads.weight.double()
    x, w = x / x.norm(dim=2, keepdim=True), w / (w.norm(dim=2, keepdim=True) + 1 / 32)
    expected = 0.0
    for head in range(2):  # L_c: one cross-entropy a head, summed
        log_p = log_softmax(16 * x[:, head] @ w[head].T, 1)
        expected -= sum(log_p[i, label].item() for i, label in enumerate(b.labels)) / 6
    assert losses["id"].item() == pytest.approx(expected, rel=1e-5)


def test_reconstructive_pooling_plays_no_part_at_inference():
    model, images = build().eval(), batch().images
    with torch.no_grad():
        before = model.describe(images).features
        for p in model.reconstruct.parameters():
            p.uniform_(-9, 9)
        assert torch.equal(model.describe(images).features, before)
        model.reconstruct = None
        assert torch.equal(model.describe(images).features, before)


def test_the_pretrained_network_is_unchanged_at_step_0():
    model, images = build().eval(), batch().images
    plain = build(dnl=False, non_local=False).eval()
    plain.backbone.load_state_dict({k: v for k, v in model.backbone.state_dict().items() if ".block" not in k})
    with torch.no_grad():
        assert torch.equal(model.feature_map(images), plain.feature_map(images))


@pytest.mark.parametrize(("backbone", "names"), [
    ("resnet18", ["layer2.block0", "layer2.block1", "layer3.block0", "layer3.block1"]),
    ("resnet50", ["layer2.block2", "layer2.block3", "layer3.block3", "layer3.block4", "layer3.block5"]),
])  # fmt: skip
def test_two_blocks_in_stage_2_and_three_in_stage_3_as_far_as_there_are_units(backbone, names):
    assert blocks(build(backbone, two_heads=False), DisentangledNonLocal) == names


class TestMomentum:
    def test_the_mean_moves_in_training_only_and_equals_equation_6(self):
        model, b = build(beta=0.75), batch()
        model.eval().losses(b)
        assert not model.momentum.mean.any()
        model.train()
        with torch.no_grad():
            f_g = model.pool(model.feature_map(b.images))
            model.losses(b)
        torch.testing.assert_close(model.momentum.mean, 0.25 * normalize(f_g, dim=1).mean(0), rtol=1e-4, atol=1e-6)
        assert model.momentum.mean.any()

    def test_the_descriptor_is_the_normalised_feature_less_the_mean(self):
        model, images = build().eval(), batch().images
        model.momentum.mean.copy_(torch.rand(512) / 20)
        with torch.no_grad():
            expected = normalize(model.pool(model.feature_map(images)), dim=1) - model.momentum.mean
            torch.testing.assert_close(model.describe(images).features[:, 0], expected)

    def test_it_changes_rankings_under_the_metric_of_the_method_and_none_under_euclidean(self):
        model, images = build().eval(), batch(10).images
        with torch.no_grad():
            plain = model.describe(images)
            model.momentum.mean.copy_(normalize(plain.features[:, 0], dim=1).mean(0))
            moved = model.describe(images)
        assert model.metric == "cosine"
        assert not torch.equal(*(distances(d, d, "cosine").argsort(1) for d in (plain, moved)))
        near = [distances(d, d, "euclidean") for d in (plain, moved)]
        torch.testing.assert_close(*near, rtol=1e-3, atol=2e-3)

    def test_without_it_the_descriptor_is_what_the_classifier_sees(self):
        images = batch().images
        heads, neck = build(me=False, two_heads=True).eval(), build(me=False).eval()
        with torch.no_grad():
            f_g = heads.pool(heads.feature_map(images))
            assert torch.equal(heads.describe(images).features[:, 0], heads.heads_norm(f_g))
            bare = build(me=False, two_heads=True, neck="none").eval()
            assert torch.equal(bare.describe(images).features[:, 0], bare.pool(bare.feature_map(images)))
            f_g = neck.pool(neck.feature_map(images))
            assert torch.equal(neck.describe(images).features[:, 0], neck.neck(f_g))


def test_the_two_heads_come_with_me_unless_said_otherwise():
    assert build().heads is not None and build().neck is None
    assert build(me=False).heads is None and build(me=False, two_heads=True).heads is not None
    assert build(two_heads=False).neck is not None


def test_a_norm_before_the_heads_lets_them_tell_images_apart():
    """GeM's features of any two images point the same way: without the norm all get the same logits."""
    images = batch(10).images

    def spread(**options):
        model = build(**options)
        with torch.no_grad():
            f_g = model.pool(model.feature_map(images))
            assert (normalize(f_g, dim=1) @ normalize(f_g, dim=1).T).min() > 0.75, "what the norm is for"
            return model.heads(model._necked(f_g)).std(0).mean().item()

    assert spread() > 1.5 * spread(neck="none")
    assert build().heads_norm is not None and not build().heads_norm.bias.requires_grad


def test_the_id_loss_of_the_reconstructed_feature_is_an_option():
    b, model = batch(), build(id_on_reconstructed=True)
    losses = model.losses(b)
    assert losses.keys() == {"bed", "bed_rp", "id", "id_rp"} and losses["id_rp"] != losses["id"]
    losses["id_rp"].backward()
    assert model.reconstruct.value.weight.grad.abs().sum() > 0
    assert model.heads_norm.weight.grad is None, "statistics and scale of f_g are its own"
    assert "id_rp" not in build().losses(b)
    with pytest.raises(UserError, match="rp is off"):
        build(id_on_reconstructed=True, rp=False)


def test_a_model_from_before_the_norm_loads_as_it_was(tmp_path):
    import json

    from occreid.models import load_model, save_model

    model = build(neck="none").eval()
    model.input_size = (64, 32)
    save_model(model, tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    for new in ("neck", "id_on_reconstructed", "betas"):
        del card["options"][new]
    (tmp_path / "model.json").write_text(json.dumps(card))
    loaded = load_model(tmp_path)
    assert loaded.heads_norm is None and loaded.spec.options["neck"] == "none"
    with torch.no_grad():
        assert torch.equal(loaded.describe(batch().images).features, model.describe(batch().images).features)


def test_one_training_keeps_the_means_of_several_betas():
    several, b = build(beta=0.9, betas=(0.25, 0.9)), batch()
    alone = build(beta=0.25)
    for model in (several, alone):
        for _ in range(3):
            model.losses(b)
    torch.testing.assert_close(several.momentum.means[0], alone.momentum.mean)
    torch.testing.assert_close(several.momentum.means[1], several.momentum.mean)
    chosen = build(beta=0.25, betas=(0.25, 0.9))
    chosen.load_state_dict(several.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(
            chosen.eval().describe(b.images).features, alone.eval().describe(b.images).features, rtol=1e-3, atol=1e-4
        )


def test_a_batch_without_positives_stays_finite():
    model = build()
    losses = model.losses(batch(labels=torch.arange(5).repeat(2)[:5], n=5))
    assert all(torch.isfinite(v) for v in losses.values())
    with torch.no_grad():
        model.eval()
        alone = model.losses(batch(n=1))
    assert alone["bed"] == 0 and alone["bed_rp"] == 0 and torch.isfinite(alone["id"])


class TestExplain:
    def test_both_terms_of_the_last_blocks_and_the_pooling(self):
        model = build().eval()
        with torch.no_grad():
            maps = model.explain(batch(3).images)
        shapes = {name: tuple(m.shape) for name, m in maps.items()}
        assert shapes == {
            "stage2_pairwise": (3, 8, 4), "stage2_salient": (3, 8, 4), "stage3_pairwise": (3, 4, 2),
            "stage3_salient": (3, 4, 2), "reconstructive": (3, 4, 2),
        }  # fmt: skip
        for name, m in maps.items():
            assert torch.equal(m.amin((1, 2)), torch.zeros(3)) and torch.equal(m.amax((1, 2)), torch.ones(3)), name

    def test_a_map_shows_where_the_block_looks(self):
        model = build().eval()
        block = model.backbone.layer2.block1
        with torch.no_grad():
            block.mask.weight.fill_(1.0)  # salience is now the sum of the channels
            seen = []
            block.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
            shown = model.explain(batch(2).images)["stage2_salient"]
        assert torch.equal(shown.flatten(1).argmax(1), seen[0].sum(1).flatten(1).argmax(1))

    def test_only_what_was_built_is_shown_and_nothing_is_left_behind(self):
        model = build(dnl=False, rp=False).eval()
        assert model.explain(batch(1).images) == {}
        model = build().eval()
        model.explain(batch(1).images)
        assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_network_without_such_stages_is_refused():
    with pytest.raises(UserError, match="has no stem and four stages"):
        build("densenet121")


def test_a_few_steps_fit_a_batch():
    model, b = build(), batch(10)
    optimizer = torch.optim.Adam(model.parameter_groups(1e-3)[0]["params"], lr=1e-3)
    history = []
    for step in range(12):
        losses = model.losses(model.augment(b, torch.Generator().manual_seed(step)))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        history.append(losses["id"].item())
    assert history[-1] < 0.6 * history[0]
    assert model.backbone.layer2.block1.norm.weight.abs().max() > 0, "the blocks have begun to take part"


def test_what_the_losses_leave_for_the_log_tells_a_saturated_distance_loss_from_one_at_work():
    b = batch(labels=torch.tensor([0, 0, 1, 1, 2, 2]))
    pulls = {}
    for unit in (False, True):
        model = build(bed_normalize=unit)
        with torch.no_grad():
            model.pool.p.fill_(1.0)
        f_g = 100 * torch.rand(6, 512, generator=torch.Generator().manual_seed(0))  # as long as fresh features are
        f_g.requires_grad_(True)
        model._watch(f_g, {"bed": model.distance_loss(f_g, b.labels), "id": f_g.sum()})
        pulls[unit] = {name: value.item() for name, value in model.watched.items()}
    assert pulls[False]["gradient_bed"] == 0 < pulls[True]["gradient_bed"]
    assert pulls[False]["alpha_d"] > 100 > 1 > pulls[True]["alpha_d"] > 0
    assert pulls[True]["gradient_id"] == pytest.approx((6 * 512) ** 0.5)


def test_nothing_is_watched_without_gradients():
    model = build()
    with torch.no_grad():
        model.losses(batch())
    assert not model.watched


def test_the_heads_start_as_short_as_the_option_says():
    assert build(heads_std=0.01).heads.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert build().heads.weight.std().item() == pytest.approx(256**-0.5 / 3**0.5, rel=0.1)
