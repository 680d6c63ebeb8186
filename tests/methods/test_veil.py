import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from occreid.errors import UserError
from occreid.models import create_model
from occreid.records import Batch

OFF = {"noda": False, "gate": False}


def build(**options):
    torch.manual_seed(0)
    model = create_model("veil", 3, backbone="resnet10t", pretrained="none", **options)
    model.input_size = (128, 32)
    return model


def taught(**options):
    """A model whose head no longer says the same of every position."""
    model = build(**options)
    torch.nn.init.normal_(model.head[-1].weight)
    return model


def batch(n=6, masks=None):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (n, 3, 128, 32), generator=generator, dtype=torch.uint8)
    return Batch(images, torch.arange(n) // 2 % 3, torch.zeros(n), torch.arange(n), masks)


def test_with_everything_off_it_is_the_baseline():
    model, b = build(**OFF, metric_loss="triplet").eval(), batch()
    baseline = create_model("baseline", 3, backbone="resnet10t", pretrained="none", pooling="gem").eval()
    own = {name.replace("last.", "backbone.layer4."): tensor for name, tensor in model.state_dict().items()}
    baseline.load_state_dict(own)
    with torch.no_grad():
        assert torch.equal(model.describe(b.images).features, baseline.describe(b.images).features)
        ours, theirs = model.losses(model.augment(b, torch.Generator())), baseline.losses(b)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert model.explain(b.images) == {}


@pytest.mark.parametrize("masks", [None, torch.cat([torch.zeros(6, 64, 32), torch.ones(6, 64, 32)], 1).to(torch.uint8)])
def test_the_head_learns_what_was_pasted_and_what_is_not_the_person(masks):
    model = build()
    b = model.augment(batch(masks=masks), torch.Generator().manual_seed(3))
    assert len(b) == 12 and b.masks.shape == (12, 128, 32)
    hidden = (b.masks == 0).float().mean((1, 2))
    assert (hidden[6:] >= (0.25 if masks is None else 0.5)).all()  # the second copy stands behind something
    assert hidden[:6].min() < 0.5 or masks is not None
    _, logits, _ = model.maps(b.images)
    cells = torch.stack([(m.view(8, 16, 2, 16) > 0).float().mean((1, 3)) for m in b.masks])
    expected = 0.5 * binary_cross_entropy_with_logits(logits, cells)
    torch.testing.assert_close(model.losses(b)["visibility"], expected, rtol=1e-3, atol=1e-4)


def test_dropped_stripes_reach_neither_the_last_stage_nor_the_feature():
    model, b = taught(keep=0.5).eval(), batch()
    with torch.no_grad():
        x, logits, rows = model.maps(b.images)
        assert logits.shape == (6, 8, 2) and rows.shape == (6, 4) and x.shape[2:] == (4, 2)
        score = logits.sigmoid().mean(2)
        for image in range(6):
            kept = set(rows[image].tolist())
            assert min(score[image, r] for r in kept) >= max(score[image, r] for r in set(range(8)) - kept)
        shown = model.explain(b.images)
        assert [set(r) for r in rows.tolist()] == [{r for r in range(8) if k[r].any()} for k in shown["kept"]]
        assert shown["visible"].shape == (6, 8, 2)


def test_the_metric_loss_is_contrastive_unless_an_older_card_says_nothing():
    b = batch()
    assert set(build(**OFF).eval().losses(b)) == {"id", "contrastive"}
    assert type(build()).older == {"metric_loss": "triplet", "keep": 0.75}


def test_a_head_that_has_learned_nothing_changes_no_descriptor_and_can_learn():
    b = batch()
    gated, plain = build(), build(gate=False)
    weights = {k: v for k, v in gated.state_dict().items() if not k.startswith("head.")}
    plain.load_state_dict(weights)
    with torch.no_grad():
        ours, theirs = gated.eval().describe(b.images), plain.eval().describe(b.images)
    torch.testing.assert_close(ours.features, theirs.features, rtol=1e-4, atol=1e-5)
    gated.train().losses(gated.augment(b, torch.Generator().manual_seed(3)))["visibility"].backward()
    assert gated.head[-1].weight.grad.abs().max() > 0


def test_the_gate_weighs_positions_by_their_visibility():
    model, b = taught(pooling="avg").eval(), batch()
    with torch.no_grad():
        x, logits, _ = model.maps(b.images)
        v = logits.double().sigmoid()
        weights = torch.nn.functional.adaptive_avg_pool2d(v[:, None], x.shape[2:])[:, 0].clamp_min(0.05)
        expected = [
            [sum(float(w) * float(y) for w, y in zip(ws.flatten(), c.flatten(), strict=True)) / float(ws.sum())
             for c in image[:3]]
            for image, ws in zip(x.double(), weights, strict=True)
        ]  # fmt: skip
        found, _ = model.pooled(b.images)
    torch.testing.assert_close(found[:, :3], torch.tensor(expected, dtype=torch.float32), rtol=1e-4, atol=1e-5)


def test_the_momentum_effect_is_taken_away():
    model = build(me=True)
    assert not model.momentum.mean.any()
    model.losses(model.augment(batch(), torch.Generator().manual_seed(0)))
    assert model.momentum.mean.any()
    model.eval()
    with torch.no_grad():
        f, _ = model.pooled(batch().images)
        torch.testing.assert_close(model.describe(batch().images).features[:, 0], normalize(f) - model.momentum.mean)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": 0.0}, "cannot keep 0 of the stripes"),
        ({"keep": 1.5}, "cannot keep 1.5"),
        ({"noda": False, "gate": False, "keep": 0.5}, "by a visibility that nothing teaches"),
        ({"visibility_weight": 0.0, "gate": False, "keep": 0.5}, "by a visibility that nothing teaches"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        build(**options)


def test_a_missing_folder_of_occluders_is_said_before_training(tmp_path):
    with pytest.raises(UserError):
        build(occluders=str(tmp_path / "none")).stages()
