import pytest
import torch
from torch.nn.functional import log_softmax

from occreid.errors import UserError
from occreid.models import create_model
from occreid.records import Batch


def build(**options):
    torch.manual_seed(0)
    return create_model("baseline", 5, backbone="resnet18", pretrained="none", **options)


def batch(n=10):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (n, 3, 64, 32), generator=generator, dtype=torch.uint8)
    return Batch(images, torch.arange(n) % 5, torch.zeros(n), torch.arange(n))


def test_the_id_loss_smooths_over_all_classes():
    model, b = build(label_smoothing=0.1).eval(), batch()
    with torch.no_grad():
        losses = model.losses(b)
        log_p = log_softmax(model.neck.logits(model.neck(model.pooled(b.images))).double(), 1)
    target = torch.full((10, 5), 0.1 / 5, dtype=torch.float64)
    target[torch.arange(10), b.labels] += 0.9
    assert losses["id"].item() == pytest.approx(-(target * log_p).sum(1).mean().item(), rel=1e-5)


def test_the_triplet_loss_works_before_the_neck_and_the_descriptor_after_it():
    model, b = build().eval(), batch()
    with torch.no_grad():
        before = model.describe(b.images).features, model.losses(b)["triplet"]
        model.neck.bn.weight.mul_(3)
        after = model.describe(b.images).features, model.losses(b)["triplet"]
    torch.testing.assert_close(after[0], 3 * before[0])
    assert torch.equal(before[1], after[1])


def test_pooling_is_a_choice_of_two():
    average, gem = build(), build(pooling="gem")
    gem.load_state_dict({**average.state_dict(), "pool.p": torch.tensor(1.0)})
    images = batch().images
    with torch.no_grad():
        torch.testing.assert_close(average.eval().pooled(images), gem.eval().pooled(images), rtol=1e-4, atol=1e-5)


def test_a_few_steps_fit_a_batch():
    model, b = build(), batch()
    optimizer = torch.optim.Adam(model.parameter_groups(1e-3)[0]["params"], lr=1e-3)
    history = []
    for _ in range(15):
        loss = sum(model.losses(b).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.7 * history[0]


def test_the_contrastive_loss_takes_the_triplets_place():
    from occreid.losses import SupervisedContrastiveLoss

    model, b = build(metric_loss="contrastive", temperature=0.2).eval(), batch()
    with torch.no_grad():
        losses = model.losses(b)
        expected = SupervisedContrastiveLoss(0.2)(model.pooled(b.images), b.labels)
    assert set(losses) == {"id", "contrastive"} and losses["contrastive"] == expected


def test_occluders_double_the_batch_and_are_shared_by_persons(tmp_path):
    options = {"backbone": "resnet18", "pretrained": "none"}
    model = create_model("baseline", 4, **options, noda=True, shared_occluder=4)
    images = torch.full((8, 3, 64, 32), 77, dtype=torch.uint8)
    b = Batch(images, torch.arange(8) // 2, torch.zeros(8), torch.arange(8))
    doubled = model.augment(b, torch.Generator().manual_seed(0))
    assert doubled.labels.tolist() == [*b.labels.tolist()] * 2
    hidden = {tuple(image.flatten().tolist()) for image in model.noda.occlude(images, torch.Generator())[0]}
    assert len(hidden) == 2
    plain = create_model("baseline", 4, **options)
    assert plain.augment(b, torch.Generator()) is b
    with pytest.raises(UserError, match="for 0 pictures"):
        create_model("baseline", 4, **options, noda=True, shared_occluder=0)
    with pytest.raises(UserError, match="nowhere"):
        create_model("baseline", 4, **options, noda=True, occluders=str(tmp_path / "nowhere")).stages()
