import pytest
import torch

from occreid.data.occlusion.noda import Noda
from occreid.errors import UserError
from occreid.models import create_model
from occreid.models.occluding import OccludingMethod
from occreid.records import Batch


@pytest.fixture
def method():
    return create_model("baseline", 2, backbone="resnet10t", pretrained="none")


def test_a_batch_is_doubled_where_noda_is_set_and_handed_on_where_not(method):
    images = torch.randint(0, 256, (4, 3, 64, 32), dtype=torch.uint8)
    batch = Batch(images, torch.arange(4) // 2, torch.zeros(4), torch.arange(4))
    assert isinstance(method, OccludingMethod) and method.augment(batch, torch.Generator()) is batch
    method.noda = Noda()
    assert method.augment(batch, torch.Generator().manual_seed(0)).labels.tolist() == [0, 0, 1, 1] * 2


def test_a_folder_of_occluders_is_read_before_training(method, tmp_path):
    assert [stage.name for stage in method.stages()] == ["main"]
    method.noda = Noda(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="nowhere"):
        method.stages()


@pytest.mark.parametrize("name", ["baseline", "baseline_vit", "veil", "sureid"])
def test_every_method_with_noda_is_one(name):
    from occreid.models.registry import find_model

    assert issubclass(find_model(name), OccludingMethod)
