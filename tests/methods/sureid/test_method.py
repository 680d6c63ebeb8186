import json

import pytest
import torch

from occreid.errors import UserError
from occreid.models import create_model, load_model, save_model
from occreid.models.weights import WEIGHTS, read_weights
from occreid.nn.token_gather import kept_map
from occreid.records import Batch

SIZE = (96, 48)  # a grid of 6 × 3 patches


def build(seed=0, **options):
    torch.manual_seed(seed)
    small = {"backbone": "vit_tiny_patch16_224", "pretrained": "none", "height": SIZE[0], "width": SIZE[1]}
    return create_model("sureid", 3, **{**small, "noda": False, **options})


def pictures(n=4, seed=1, size=SIZE):
    return torch.rand(n, 3, *size, generator=torch.Generator().manual_seed(seed))


def batch_of(n=6):
    return Batch(pictures(n), torch.arange(n) % 3, torch.arange(n) % 2, torch.arange(n))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    torch.manual_seed(7)
    options = {"backbone": "vit_tiny_patch16_224", "pretrained": "none", "height": SIZE[0], "width": SIZE[1]}
    model = create_model("baseline_vit", 3, drop_path=0.5, **options)
    folder = tmp_path_factory.mktemp("teacher")
    save_model(model, folder)
    return folder


def masked_forward(model, images, kept):
    """Every token stays; the given positions, (B, M) of each stage, are the ones not masked."""
    decisions = [kept_map(positions, model.grid).flatten(1) for positions in kept]
    x, keep = model.patch_tokens(images), None
    for number, block in enumerate(model.backbone.blocks, start=1):
        if number in model.prune_before:
            keep = decisions[model.prune_before.index(number)]
        x = model.masked(number, block, x, keep)
    return model.pooled(x)


@pytest.mark.parametrize("options", [{}, {"keep_ratio": 0.4}, {"patch_step": 8}, {"prune_before": (1, 2, 12)}])
def test_dropped_for_real_equals_masked(options):
    model, images = build(**options).eval(), pictures()
    with torch.no_grad():
        feature, kept = model.kept_tokens(images)
        torch.testing.assert_close(masked_forward(model, images, kept), feature, rtol=1e-5, atol=1e-5)
        other = [(positions + 1) % positions.max() for positions in kept]
        assert (masked_forward(model, images, other) - feature).abs().max() > 1e-3, "decisions matter"


def test_decisions_of_training_are_those_of_inference_where_they_are_certain():
    model, images = build().eval(), pictures()
    with torch.no_grad():
        for predictor in model.predictors:  # probabilities of 0 and 1: nothing is left to chance
            predictor.decide[-1].weight.mul_(1e6)
        _, drawn = model.train_tokens(images)
        for stage, keep in enumerate(drawn):
            for image in range(len(images)):
                count = int(keep[image].sum())
                if count == 0:
                    continue
                model.budget.counts = tuple(int(d[image].sum()) or 1 for d in drawn)
                _, kept = model.kept_tokens(images[image : image + 1])
                assert kept[stage][0].tolist() == keep[image].nonzero()[:, 0].tolist()
                break


@pytest.mark.parametrize("p", [0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("size", [(96, 48), (64, 64)])
def test_counts_are_exact_for_every_ratio_and_grid(p, size):
    model = build(keep_ratio=p, height=size[0], width=size[1]).eval()
    n = size[0] * size[1] // 256
    with torch.no_grad():
        _, kept = model.kept_tokens(pictures(2, size=size))
    percent = round(100 * p)
    expected = [] if p == 1 else [max(n * percent**j // 100**j, 1) for j in (1, 2, 3)]
    assert [positions.shape for positions in kept] == [(2, count) for count in expected]
    assert all(len(set(row.tolist())) == len(row) for positions in kept for row in positions)


def test_without_pruning_it_is_the_plain_transformer():
    model, images = build(keep_ratio=1.0, reweighting=False).eval(), pictures()
    with torch.no_grad():
        torch.testing.assert_close(model.kept_tokens(images)[0], model.backbone(model.normalize(images)))
        torch.testing.assert_close(model.train_tokens(images)[0], model.backbone(model.normalize(images)))
    assert not any("predictors" in name or "strength" in name for name, _ in model.named_parameters())


def test_the_class_token_is_always_kept():
    model, images = build(keep_ratio=0.1).eval(), pictures()
    with torch.no_grad():
        x = torch.zeros(4, 19, 192)
        assert model.with_prefix(torch.zeros(4, 18), x).sum(1).tolist() == [1.0] * 4
        assert model.with_prefix(None, x).min() == 1
        assert torch.isfinite(model.describe(images).features).all()


def test_reweighting_is_for_training_only():
    images = pictures()
    model, without = build().eval(), build(reweighting=False).eval()
    assert model.strength.item() == 0.5
    weights = {k: v for k, v in model.state_dict().items() if k != "strength"}
    without.load_state_dict(weights)
    with torch.no_grad():
        assert torch.equal(model.describe(images).features, without.describe(images).features)
        model.strength.fill_(30.0)
        assert torch.equal(model.describe(images).features, without.describe(images).features)
        torch.manual_seed(3)
        plain, _ = without.train_tokens(images)
        model.backbone.eval()
        model.training = True  # train mode without stochastic depth: what differs is the reweighting
        torch.manual_seed(3)
        weighted, _ = model.train_tokens(images)
    assert not torch.allclose(plain, weighted, atol=1e-3)


def test_gradients_reach_every_predictor():
    model = build(ratio_weight=0.0)  # through the attention alone
    sum(model.losses(batch_of()).values()).backward()
    for predictor in model.predictors:
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in predictor.parameters())


def test_eq_14_weighs_its_terms(teacher):
    def losses(**options):
        model = build(teacher=str(teacher), drop_path=0.0, **options)
        model.stages()
        torch.manual_seed(5)
        return {k: v.item() for k, v in model.losses(batch_of()).items()}

    base, weighted = losses(), losses(alpha=2.0, beta=3.0, ratio_weight=5.0, kd_weight=0.4)
    factors = {"id": 3.0, "triplet": 3.0, "ratio": 2 * 5 / 2, "kd_logits": 2 * 0.4 / 0.1, "kd_feature": 2.0}
    assert base.keys() == factors.keys()
    for name, factor in factors.items():
        assert base[name] > 0 and weighted[name] == pytest.approx(factor * base[name], rel=1e-4), name


def test_the_ratio_term_is_eq_9_of_the_decisions():
    model = build(drop_path=0.0)
    torch.manual_seed(5)
    _, stages = model.train_tokens(batch_of().images)
    torch.manual_seed(5)
    found = model.losses(batch_of())["ratio"].item()
    shares = [[sum(row) / len(row) for row in keep.tolist()] for keep in stages]
    total = sum((0.7**j - share) ** 2 for j, row in enumerate(shares, start=1) for share in row)
    assert found == pytest.approx(2 * total / (3 * 6), rel=1e-5)


def test_the_teacher_is_frozen_in_eval_and_out_of_the_weights(teacher, tmp_path):
    model = build(teacher=str(teacher))
    without = build()
    before = {k: v.clone() for k, v in load_model(teacher).state_dict().items()}
    model.train()
    model.stages()
    first, second = (model.ask_teacher(pictures())[0] for _ in range(2))
    assert torch.equal(first, second), "stochastic depth would differ in train mode"
    sum(model.losses(batch_of()).values()).backward()
    own = model.teacher()
    assert not own.training and all(not p.requires_grad and p.grad is None for p in own.parameters())
    assert all(torch.equal(v, before[k]) for k, v in own.state_dict().items())
    assert model.state_dict().keys() == without.state_dict().keys()
    assert len(list(model.parameters())) == len(list(without.parameters()))
    save_model(model, tmp_path)
    assert read_weights(tmp_path / WEIGHTS).keys() == without.state_dict().keys()


def test_the_teachers_logits_and_feature(teacher):
    model = build(teacher=str(teacher))
    own = load_model(teacher)
    logits, feature = model.ask_teacher(pictures())
    with torch.no_grad():
        token = own.backbone(own.normalize(pictures()))
        torch.testing.assert_close(feature, token)
        torch.testing.assert_close(logits, own.neck.classifier(own.neck.bn(token)))


def test_a_trained_model_needs_neither_teacher_nor_occluders(teacher, tmp_path):
    model = build(teacher=str(teacher), noda=True, occluders=str(tmp_path / "gone"))
    save_model(model.eval(), tmp_path / "run")
    card = json.loads((tmp_path / "run/model.json").read_text())
    card["options"]["teacher"] = str(tmp_path / "gone too")
    (tmp_path / "run/model.json").write_text(json.dumps(card))
    loaded = load_model(tmp_path / "run")
    with torch.no_grad():
        assert torch.equal(loaded.describe(pictures()).features, model.describe(pictures()).features)
    with pytest.raises(UserError, match="gone"):
        loaded.stages()


@pytest.mark.parametrize("align_to", ["student", "teacher"])
def test_linear_alignment_learns(teacher, align_to):
    model = build(teacher=str(teacher), align="linear", align_to=align_to, teacher_dim=192)
    sum(model.losses(batch_of()).values()).backward()
    assert model.distill.project.weight.grad.abs().sum() > 0


def test_noda_doubles_the_batch_and_learns_from_both_halves():
    model = build(noda=True)
    doubled = model.augment(batch_of(), torch.Generator().manual_seed(0))
    assert len(doubled) == 12 and torch.isfinite(sum(model.losses(doubled).values()))
    assert build().augment(batch := batch_of(), torch.Generator()) is batch


def test_the_picture_shows_exactly_the_dropped_tokens():
    model, images = build().eval(), pictures()
    with torch.no_grad():
        _, kept = model.kept_tokens(images)
        maps = model.explain(images)
        assert list(maps) == ["kept after stage 1", "kept after stage 2", "kept after stage 3"]
        for positions, shown in zip(kept, maps.values(), strict=True):
            for row, picture in zip(positions, shown, strict=True):
                at = {(int(i) // 3, int(i) % 3) for i in row}
                assert at == {(y, x) for y, x in picture.nonzero().tolist()} and picture.max() == 1
        # what is painted over where nothing was kept after the first stage reaches the feature no more from there on
        changed = model.patch_tokens(images)
        dropped = maps["kept after stage 3"].flatten(1) == 0
        features = []
        for noise in (0.0, 5.0):
            x = changed.clone()
            for number, block in enumerate(model.backbone.blocks, start=1):
                keep = None if number < 10 else maps["kept after stage 3"].flatten(1)
                if number == 10:
                    x[:, 1:][dropped] += noise
                x = model.masked(number, block, x, keep)
            features.append(model.pooled(x))
        torch.testing.assert_close(*features)


def test_the_adaptive_budget_keeps_what_an_image_needs():
    model = build(budget="adaptive", bucket=3).eval()
    images = pictures(8)
    with torch.no_grad():
        maps = model.explain(images)
        counts = torch.stack([shown.flatten(1).sum(1) for shown in maps.values()], 1)
        whole = model.describe(images).features
        alone = torch.cat([model.describe(image[None]).features for image in images])
    assert ((counts % 3 == 0) | (counts == counts[:, :1])).all() and (counts.diff(dim=1) <= 0).all()
    torch.testing.assert_close(alone, whole, rtol=1e-4, atol=1e-5)
    assert not torch.equal(whole, build().eval().describe(images).features)


@pytest.mark.parametrize("bucket", [1, 3])
def test_the_adaptive_budget_in_place_is_the_same(bucket):
    model, images = build(budget="adaptive", bucket=bucket, drop_path=0.0), pictures(8)
    model.budget.tracking = 1.0
    with torch.no_grad():
        model.train().follow_thresholds(images)  # where images of an untrained network differ
        model.eval()
        feature, kept = model.kept_tokens(images)
        in_place, stages = model.kept_in_place(images)
    assert all(torch.equal(a, b) for a, b in zip(kept, stages, strict=True))
    assert len(torch.stack(kept).sum(2).unique()) > 3
    torch.testing.assert_close(in_place, feature, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bucket", [1, 3])
def test_the_adaptive_budget_keeps_the_fixed_number_on_average_and_not_in_every_image(bucket):
    model = build(budget="adaptive", bucket=bucket, drop_path=0.0).train()
    images = pictures(12)
    for _ in range(60):
        model.follow_thresholds(images)
    with torch.no_grad():
        kept = [shown.flatten(1).sum(1) for shown in model.eval().explain(images).values()]
    for count, own in zip(model.counts, kept, strict=True):
        assert abs(own.mean().item() - count) < 2
    assert all(own.unique().numel() > 1 for own in kept)


def test_following_draws_nothing_at_random_and_leaves_modes_alone():
    model, images = build(budget="adaptive", drop_path=0.5).train(), pictures(8)
    model.neck.eval()  # frozen
    start, modes, state = model.thresholds.clone(), [part.training for part in model.modules()], torch.get_rng_state()
    model.follow_thresholds(images)
    once = model.thresholds.clone()
    assert torch.equal(torch.get_rng_state(), state) and [part.training for part in model.modules()] == modes
    torch.manual_seed(7)
    model.thresholds.copy_(start)
    model.follow_thresholds(images)
    assert torch.equal(model.thresholds, once) and not torch.equal(once, start)


def test_thresholds_are_followed_in_half_precision():
    model = build(budget="adaptive").train().to(torch.bfloat16)
    model.follow_thresholds((pictures(4) / 255).to(torch.bfloat16))
    assert model.thresholds.isfinite().all() and (model.thresholds != 0).all()


def test_thresholds_follow_training_only_and_are_saved():
    model = build(budget="adaptive", noda=False, teacher="none").train()
    batch = Batch(pictures(8), torch.arange(8) // 4, torch.zeros(8, dtype=torch.long), torch.arange(8))
    model.losses(batch)
    followed = model.state_dict()["thresholds"].clone()
    assert (followed != 0).all()
    model.eval().losses(batch)
    assert torch.equal(model.thresholds, followed)
    fixed = build(noda=False, teacher="none").train()
    fixed.losses(batch)
    assert (fixed.thresholds == 0).all()


@pytest.mark.parametrize("backbone", ["deit_tiny_distilled_patch16_224", "deit3_small_patch16_224"])
def test_other_plain_transformers(backbone):
    model = build(backbone=backbone).eval()
    images = pictures(2)
    with torch.no_grad():
        feature, kept = model.kept_tokens(images)
        torch.testing.assert_close(masked_forward(model, images, kept), feature, rtol=1e-4, atol=1e-5)
        whole = build(backbone=backbone, keep_ratio=1.0).eval()
        tokens = whole.backbone.forward_features(whole.normalize(images))
        torch.testing.assert_close(whole.kept_tokens(images)[0], tokens[:, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_ratio": 0.0}, "a keep ratio of 0 is impossible"),
        ({"keep_ratio": 1.2}, "a keep ratio of 1.2 is impossible"),
        ({"prune_before": (4, 13)}, r"prune_before is \[4, 13\], the network has blocks 1 to 12"),
        ({"prune_before": (7, 4)}, r"prune_before is \[7, 4\]"),
        ({"patch_step": 40}, "a patch step of 40"),
        ({"align": "linear"}, "teacher_dim is not given"),
        ({"bucket": 0}, "a bucket of 0 tokens"),
        ({"backbone": "resnet18"}, "'resnet18' is no vision transformer"),
        ({"backbone": "vit_tony_patch16_224"}, "timm has no backbone 'vit_tony_patch16_224'"),
        ({"backbone": "vit_medium_patch16_gap_240"}, "no vision transformer with a class token"),
        ({"budget": "flexible"}, "'budget' cannot be 'flexible'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(UserError, match=message):
        build(**options)


def test_bad_teachers(teacher, tmp_path):
    def refused(message, run=teacher, classes=3, **options):
        torch.manual_seed(0)
        small = {"backbone": "vit_tiny_patch16_224", "pretrained": "none", "height": SIZE[0], "width": SIZE[1]}
        model = create_model("sureid", classes, **{**small, "teacher": str(run), **options})
        with pytest.raises(UserError, match=message):
            model.stages()

    refused("the teacher .* knows 3 identities, the student learns 5", classes=5)
    refused("the teacher .* sees 96×48 pixels, the student 64×32", height=64, width=32)
    refused("the teacher .* has features of width 192, teacher_dim is 768", align="linear", teacher_dim=768)
    refused("there is no model '.*nowhere'", run=tmp_path / "nowhere")
    save_model(create_model("baseline", 3, backbone="resnet18", pretrained="none"), tmp_path)
    refused("is a Baseline, not a ViT", run=tmp_path)


def test_a_bad_occluder_folder_shows_before_training(tmp_path):
    with pytest.raises(UserError, match="holds no picture"):
        build(noda=True, occluders=str(tmp_path)).stages()
