import pytest
import torch

from occreid.errors import UserError
from occreid.losses import CameraTripletLoss
from occreid.models import create_model, shipped
from occreid.records import Batch


def build(height=64, width=32, **options):
    torch.manual_seed(0)
    small = {"backbone": "vit_tiny_patch16_224", "pretrained": "none"}
    return create_model("baseline_vit", 3, height=height, width=width, **small, **options)


@pytest.mark.parametrize("size", [(64, 32), (96, 48)])
def test_any_grid_of_patches(size):
    model = build(*size).eval()
    assert model.input_size == size
    with torch.no_grad():
        assert model.describe(torch.rand(2, 3, *size)).features.shape == (2, 1, 192)


def test_the_descriptor_is_the_class_token_after_the_neck():
    model = build().eval()
    images = torch.rand(2, 3, 64, 32)
    with torch.no_grad():
        tokens = model.backbone.forward_features(model.normalize(images))
        token = model.backbone.fc_norm(tokens[:, 0])
        torch.testing.assert_close(model.describe(images).features[:, 0], model.neck(token))


@pytest.mark.parametrize(
    ("backbone", "height", "prefix"),
    [("deit_tiny_distilled_patch16_224", 64, 2), ("vit_small_patch14_reg4_dinov2", 56, 5)],
)
def test_the_class_token_alone_is_the_feature_whatever_tokens_follow_it(backbone, height, prefix):
    model = create_model("baseline_vit", 3, backbone=backbone, pretrained="none", height=height, width=height // 2)
    assert model.backbone.num_prefix_tokens == prefix
    assert model.pixel_mean == (0.485, 0.456, 0.406)
    images = torch.rand(2, 3, *model.input_size)
    with torch.no_grad():
        tokens = model.eval().backbone.forward_features(model.normalize(images))
        assert torch.equal(model.class_token(images), tokens[:, 0])


def test_a_network_without_class_token_is_said():
    for backbone in ("vit_medium_patch16_gap_240", "resnet18"):
        with pytest.raises(UserError, match=f"'{backbone}' is no vision transformer with a class token"):
            create_model("baseline_vit", 3, backbone=backbone, pretrained="none")


def test_pixels_are_normalised_by_one_half():
    images = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(build().normalize(images), images * 2 - 1)


def test_drop_path_is_random_in_training_only():
    model = build(drop_path=0.5)
    images = torch.rand(2, 3, 64, 32)
    with torch.no_grad():
        assert not torch.equal(model.class_token(images), model.class_token(images))
        model.eval()
        assert torch.equal(model.class_token(images), model.class_token(images))


def test_both_losses_are_there():
    model = build()
    images = torch.randint(0, 256, (6, 3, 64, 32), dtype=torch.uint8)
    losses = model.losses(Batch(images, torch.arange(6) % 3, torch.zeros(6), torch.arange(6)))
    assert set(losses) == {"id", "triplet"}
    assert losses["id"].item() == pytest.approx(torch.log(torch.tensor(3.0)).item(), rel=0.05)  # an untrained guess


def test_a_teacher_learns_from_cameras_and_occluders():
    torch.manual_seed(1)
    images = torch.randint(0, 256, (8, 3, 64, 32), dtype=torch.uint8)
    batch = Batch(images, torch.arange(8) // 4, torch.arange(8) % 2, torch.arange(8))
    plain, teacher = build(drop_path=0.0), build(drop_path=0.0, triplet="camera", noda=True)
    feature = teacher.class_token(images)
    expected = CameraTripletLoss(0.3)(feature, batch.labels, batch.camids)
    torch.testing.assert_close(teacher.losses(batch)["triplet"], expected)
    assert teacher.losses(batch)["triplet"] != plain.losses(batch)["triplet"]
    doubled = teacher.augment(batch, torch.Generator().manual_seed(0))
    assert len(doubled) == 16 and plain.augment(batch, torch.Generator()) is batch


def test_a_bad_occluder_folder_shows_before_training(tmp_path):
    with pytest.raises(UserError, match="holds no picture"):
        build(noda=True, occluders=str(tmp_path)).stages()


TEACHER = {"teacher": "resnet10t", "teacher_weights": "none", "teacher_dim": 512}


def test_a_teacher_tells_tokens_what_it_sees_where_they_are():
    torch.manual_seed(1)
    model = build(**TEACHER, distill_weight=0.5)
    b = Batch(
        torch.randint(0, 256, (4, 3, 64, 32), dtype=torch.uint8), torch.arange(4) // 2, torch.zeros(4), torch.arange(4)
    )
    losses = model.eval().losses(b)
    assert set(losses) == {"id", "triplet", "distill_patches", "distill_class"}
    with torch.no_grad():
        tokens = model.backbone.forward_features(model.normalize(b.images))
        told = model.ask_teacher(b.images)
    assert told.shape == (4, 512, 4, 2)  # as fine as the patches
    trunk = model.teacher()
    pixels = (b.images.float() / 255 - torch.tensor(trunk.pixel_mean).view(3, 1, 1)) / torch.tensor(
        trunk.pixel_std
    ).view(3, 1, 1)
    torch.testing.assert_close(told, trunk(pixels))
    expected = model.distill(tokens[:, 0], tokens[:, 1:], told, (4, 2))
    torch.testing.assert_close(losses["distill_patches"], 0.5 * expected["distill_patches"])
    assert not any(name.startswith("_teacher") for name in model.state_dict())


def test_a_named_model_teaches(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    packed = create_model("baseline", 9, backbone="resnet18", pretrained="none")
    shipped.pack(packed, "ours", "a test's", {}, tmp_path / "package")
    teacher = build(**{**TEACHER, "teacher": "resnet18", "teacher_weights": "ours"}).teacher()
    named = {f"backbone.{name}": tensor for name, tensor in teacher.state_dict().items()}
    expected = {name: tensor for name, tensor in packed.state_dict().items() if name in named and tensor.dim() == 4}
    assert len(expected) == 20
    assert all(torch.equal(named[name], tensor.half().float()) for name, tensor in expected.items())


def test_without_labels_the_teacher_alone_counts_and_every_parameter_that_learns_is_reached():
    model = build(**TEACHER, labels=False)
    images = torch.randint(0, 256, (4, 3, 64, 32), dtype=torch.uint8)
    losses = model.losses(Batch(images, torch.arange(4) // 2, torch.zeros(4), torch.arange(4)))
    assert set(losses) == {"distill_patches", "distill_class"}
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    assert all(p.grad is None for p in model.teacher().parameters())


def test_teachers_that_cannot_be_are_refused_before_training():
    with pytest.raises(UserError, match="without labels and without a teacher"):
        build(labels=False)
    with pytest.raises(UserError, match="resnet10t has 512 channels, teacher_dim is 1280") as caught:
        build(**{**TEACHER, "teacher_dim": 1280}).stages()
    assert "teacher_dim to 512" in caught.value.hint
