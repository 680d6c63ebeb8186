import pytest

from occreid.errors import UserError
from occreid.methods.sureid.parts import check_teacher, checked_stages, distillation, plain_vit
from occreid.models import create_model


def test_a_network_that_is_no_plain_vit_is_refused():
    with pytest.raises(UserError, match="'resnet18' is no vision transformer"):
        plain_vit("resnet18", "none")
    assert plain_vit("vit_tiny_patch16_224", "none", img_size=(64, 32)).num_prefix_tokens == 1


@pytest.mark.parametrize("stages", [(0, 4), (4, 4), (7, 4), (4, 13)])
def test_stages_are_rising_block_numbers(stages):
    with pytest.raises(UserError, match="the network has blocks 1 to 12"):
        checked_stages(stages, 12)


def test_a_linear_alignment_needs_the_teachers_width():
    with pytest.raises(UserError, match="teacher_dim is not given"):
        distillation((192, None), "linear", "student", 0.1, "mean")
    assert distillation((192, 384), "linear", "student", 0.1, "mean").project is not None


def test_a_teacher_must_fit_the_student():
    teacher = create_model("baseline_vit", 3, backbone="vit_tiny_patch16_224", pretrained="none", height=64, width=32)
    check_teacher(teacher, "run", input_size=(64, 32), num_classes=3, width=192)
    with pytest.raises(UserError, match="the teacher run knows 3 identities, the student learns 4"):
        check_teacher(teacher, "run", input_size=(64, 32), num_classes=4, width=None)
