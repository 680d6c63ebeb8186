import threading

import torch

from occreid.nn.denormals import flushes_denormals, flushing_denormals

TINY = torch.finfo(torch.float32).tiny


def half() -> float:
    return (torch.full((1,), TINY) * 0.5).item()


def test_denormal_numbers_are_0_within_the_block_and_on_threads_started_there():
    torch.set_flush_denormal(False)
    assert half() == TINY / 2
    seen = []
    with flushing_denormals():
        assert flushes_denormals()
        assert half() == 0
        thread = threading.Thread(target=lambda: seen.append(half()))
        thread.start()
        thread.join()
    assert seen == [0]
    assert half() == TINY / 2


def test_who_flushed_before_flushes_afterwards():
    torch.set_flush_denormal(True)
    try:
        with flushing_denormals():
            pass
        assert flushes_denormals()
    finally:
        torch.set_flush_denormal(False)
    assert not flushes_denormals()


def test_numbers_that_are_not_denormal_stay():
    with flushing_denormals():
        assert (torch.full((1,), TINY) * 1.0).item() == TINY
