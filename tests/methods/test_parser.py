import pytest
import torch
from torch.nn.functional import interpolate

from occreid.errors import UserError
from occreid.models import create_model
from occreid.records import PART_NAMES, Batch


def build(**options):
    torch.manual_seed(0)
    return create_model("parser", 1, **{"backbone": "resnet18", "pretrained": "none", "channels": 16, **options})


def batch(n=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, 3, 64, 32), generator=generator, dtype=torch.uint8)
    masks = torch.zeros(n, 64, 32, dtype=torch.uint8)
    masks[:, 4:12, 12:20], masks[:, 12:36, 8:24] = 1, 2
    masks[:, 36:48, 10:22], masks[:, 48:62, 10:22] = 3, 4
    return Batch(images, torch.zeros(n).long(), torch.zeros(n), torch.arange(n), masks)


def test_scores_are_log_probabilities_at_a_quarter_of_the_size():
    scores = build().eval().parse(batch(2).images)
    assert scores.shape == (2, 5, 16, 8)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(2, 16, 8))


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_the_loss_is_the_weighted_cross_entropy_of_every_pixel(balance):
    model, b = build(balance=balance).eval(), batch()
    with torch.no_grad():
        found = model.losses(b)["parsing"].item()
        scores = interpolate(model.parse(b.images), (64, 32), mode="bilinear").double().log_softmax(1)
    weight = [((b.masks == c).sum().item() / b.masks.numel()) ** -balance for c in range(5)]
    total = norm = 0.0
    for i in range(len(b.images)):
        for c in range(5):
            here = b.masks[i] == c
            total -= weight[c] * scores[i, c][here].sum().item()
            norm += weight[c] * here.sum().item()
    assert found == pytest.approx(total / norm, rel=1e-5)


def test_a_class_that_is_nowhere_does_not_spoil_the_weights():
    b = batch()
    b.masks[b.masks == 1] = 0
    assert build(balance=1.0).losses(b)["parsing"].isfinite()


def test_it_learns_where_the_parts_are():
    model, b = build(), batch()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(8):
        optimizer.zero_grad()
        model.losses(b)["parsing"].backward()
        optimizer.step()
    scores = interpolate(model.parse(b.images), (64, 32), mode="bilinear")
    assert (scores.argmax(1) == b.masks).float().mean() > 0.85


def test_descriptors_are_means_over_each_part():
    model, images = build().eval(), batch().images
    with torch.no_grad():
        found, features = model.describe(images), model.features(images)
        labels = model.parse(images).argmax(1)
    for i in range(4):
        for part in range(len(PART_NAMES)):
            inside = features[i][:, labels[i] == part + 1]
            assert found.visibility[i, part].item() == bool(inside.shape[1])
            wanted = inside.mean(1) if inside.shape[1] else torch.zeros(16)
            torch.testing.assert_close(found.features[i, part], wanted, rtol=1e-4, atol=1e-5)


def test_a_second_stream_has_the_same_loss_under_another_name():
    model, b = build().eval(), batch()
    assert model.parsing_losses(b)["parsing_2"].item() == model.losses(b)["parsing"].item()
    assert model.task == "parsing"


def test_what_it_cannot_work_with_is_named():
    b = batch()
    b.masks = None
    with pytest.raises(UserError, match="parser learns from part masks"):
        build().losses(b)
