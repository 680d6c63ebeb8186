from dataclasses import replace

import pytest
import torch
from torch.nn.functional import interpolate

from occreid.errors import UserError
from occreid.models import (
    Method,
    PartParser,
    create_model,
    create_trainable,
    list_methods,
    load_model,
    load_parser,
    save_model,
)
from occreid.records import Batch


def build(**options):
    torch.manual_seed(0)
    return create_trainable("parser", 1, **{"backbone": "resnet18", "pretrained": "none", "channels": 16, **options})


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


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "convnext_atto", "mobilenetv3_small_100"])
def test_it_parses_on_every_kind_of_network(backbone):
    model = build(backbone=backbone)
    assert model.losses(batch())["parsing"].isfinite()
    with torch.no_grad():
        assert model.eval().parse(batch(2).images).shape == (2, 5, 16, 8)


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


def test_it_may_learn_from_people_who_are_partly_hidden():
    b = batch(40)
    model = build(occlude=0.5)
    changed = model.augment(b, torch.Generator().manual_seed(0))
    differs = (changed.masks != b.masks).flatten(1).any(1)
    assert 10 < differs.sum() < 30
    assert torch.equal(changed.images[~differs], b.images[~differs])
    assert (changed.masks[changed.masks != b.masks] == 0).all(), "what is hidden is no part"
    assert build().augment(b, torch.Generator()) is b
    with pytest.raises(UserError, match="no folder of occluders"):
        build(occlude=0.5, occluders="nowhere").stages()
    with pytest.raises(UserError, match=r"a share of 1\.5 occluded pictures"):
        build(occlude=1.5)


def test_a_second_stream_has_the_same_loss_under_another_name():
    model, b = build().eval(), batch()
    assert model.parsing_losses(b)["parsing_2"].item() == model.losses(b)["parsing"].item()


def test_what_it_cannot_work_with_is_named():
    b = batch()
    b.masks = None
    with pytest.raises(UserError, match="parser learns from part masks"):
        build().losses(b)


def test_it_parses_and_is_no_method(tmp_path):
    model = build().eval()
    assert isinstance(model, PartParser) and not isinstance(model, Method)
    assert "parser" not in list_methods()
    with pytest.raises(UserError, match=r"^parser parses people into parts and cannot tell them apart"):
        create_model("parser", 1, backbone="resnet18", pretrained="none")
    model.input_size = (64, 32)
    save_model(model, tmp_path)
    with pytest.raises(UserError, match=r"cannot tell them apart.*occreid parse"):
        load_model(tmp_path)
    with torch.no_grad():
        assert torch.equal(load_parser(tmp_path).parse(batch().images), model.parse(batch().images))


def test_a_method_that_does_not_parse_is_no_parser(tmp_path):
    save_model(create_model("baseline", 2, backbone="resnet18", pretrained="none"), tmp_path)
    with pytest.raises(UserError, match="is a baseline, which does not parse"):
        load_parser(tmp_path)


def test_what_every_network_promises_holds_for_the_parser_too():
    model, b = build(), batch()
    (stage,) = model.stages()
    sum(stage.losses(model.augment(b, torch.Generator())).values()).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    # twice the size: on processors with AMX, oneDNN's bfloat16 convolution of a map two pixels wide, at stride 2, reads
    # memory that nobody wrote
    large = replace(b, images=b.images.repeat_interleave(2, 2).repeat_interleave(2, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = stage.losses(large)
    for value in losses.values():
        assert value.ndim == 0 and value.dtype == torch.float32 and value.isfinite(), value
