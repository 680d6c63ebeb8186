import pytest

from occreid.errors import UserError
from occreid.extraction import usable_device


def test_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="no device 'cuda'"):
        usable_device("cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert usable_device("auto").type == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert usable_device("auto").type == "cuda"
    with pytest.raises(UserError, match="cuda:3"):
        usable_device("cuda:3")
