"""The recipe's ``transform`` section as the transform that loaders call."""

from __future__ import annotations

from occreid.data.loading.photometric import Photometric
from occreid.data.loading.transforms import TrainTransform
from occreid.training.recipe import TransformSection


def train_transform(section: TransformSection, height: int, width: int) -> TrainTransform:
    """Pictures of (height, width) pixels, augmented as the section says.

    Raises:
        UserError: an option outside its range.
    """
    options = section.model_dump()
    camera = options.pop("photometric")
    for name in ("erase_area", "erase_ratio"):
        options[name] = tuple(options[name])
    return TrainTransform(height, width, **options, photometric=None if camera is None else Photometric(**camera))
