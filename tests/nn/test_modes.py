import pytest
from torch import nn

from occreid.nn import evaluating
from occreid.nn.denormals import flushes_denormals


def test_every_part_comes_back_to_its_own_mode():
    module = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())).train()
    module[1][0].eval()  # frozen
    with pytest.raises(ZeroDivisionError), evaluating(module):
        assert not any(part.training for part in module.modules())
        raise ZeroDivisionError
    assert [part.training for part in module.modules()] == [True, True, True, False, True]


def test_a_decayed_network_is_not_slow_to_describe():
    with evaluating(nn.Identity()):
        assert flushes_denormals()
    assert not flushes_denormals()
