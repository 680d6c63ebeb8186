import numpy as np
import pytest

from occreid.data.loading.photometric import Photometric
from occreid.data.loading.transforms import TrainTransform
from occreid.errors import UserError
from occreid.training.augmentation import train_transform
from occreid.training.recipe import PhotometricSection, TransformSection


def test_a_section_becomes_the_transform_it_describes():
    assert train_transform(TransformSection(flip=0.1, pad=3, erase=0.2, color_jitter=0.4), 8, 4) == TrainTransform(
        8, 4, flip=0.1, pad=3, erase=0.2, color_jitter=0.4
    )


def test_a_random_camera_is_handed_on():
    section = TransformSection(photometric=PhotometricSection(cast=0.2, grey=0.1))
    assert train_transform(section, 8, 4).photometric == Photometric(cast=0.2, grey=0.1)


def test_a_random_camera_leaves_the_other_draws_alone():
    image = np.random.default_rng(0).integers(0, 255, (8, 4, 3)).astype(np.uint8)
    plain = train_transform(TransformSection(pad=2), 8, 4)
    idle = train_transform(TransformSection(pad=2, photometric=PhotometricSection()), 8, 4)
    for seed in range(5):
        one, other = (t(image, None, np.random.default_rng(seed))[0] for t in (plain, idle))
        assert one.equal(other)


def test_the_erased_rectangle_is_the_recipe_s():
    section = TransformSection(erase_area=[0.1, 0.2], erase_ratio=[1.0, 2.0])
    transform = train_transform(section, 20, 10)
    assert (transform.erase_area, transform.erase_ratio) == ((0.1, 0.2), (1.0, 2.0))
    with pytest.raises(UserError, match="erase_area"):
        train_transform(TransformSection(erase_area=[0.2, 0.1]), 20, 10)
