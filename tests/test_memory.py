import mmap

import pytest
import torch

from occreid import memory
from occreid.memory import large_empty

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(0, 5), (3, 4), (2049, 2, 2048)])
def test_a_tensor_of_any_size_can_be_written_and_outlives_what_made_it(shape):
    made = [large_empty(*shape, device=CPU) for _ in range(2)]
    for number, tensor in enumerate(made):
        assert tensor.shape == shape and tensor.dtype == torch.float32 and tensor.is_contiguous()
        tensor.fill_(number)
    assert all((tensor == number).all() for number, tensor in enumerate(made))


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="only Linux has huge pages to ask for")
def test_only_what_is_large_is_asked_for_in_huge_pages_and_a_system_without_them_gives_others(monkeypatch):
    asked = []

    class Memory(mmap.mmap):
        def madvise(self, *arguments):
            asked.append((len(self), *arguments))
            raise OSError("no such pages")

    monkeypatch.setattr(memory.mmap, "mmap", Memory)
    assert large_empty(5, 7, device=CPU).fill_(1).sum() == 35 and not asked
    assert large_empty(2**23, device=CPU).fill_(1).mean() == 1
    assert asked == [(2**25, mmap.MADV_HUGEPAGE)]
