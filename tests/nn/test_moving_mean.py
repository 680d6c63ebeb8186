import math
import os

import pytest
import torch
from torch import distributed, multiprocessing

from occreid.distances import cosine, euclidean
from occreid.errors import UserError
from occreid.nn import MovingMean


def batches():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(6, 4, generator=generator) + 1 for _ in range(5)]


def test_equals_equation_6_by_a_float64_loop():
    moving, mu = MovingMean(4, 0.8), [0.0] * 4
    for batch in batches():
        moving.update(batch)
        unit = [[v / math.hypot(*row) for v in row] for row in batch.double().tolist()]
        for d in range(4):
            mu[d] = 0.8 * mu[d] + 0.2 * sum(row[d] for row in unit) / len(unit)
    torch.testing.assert_close(moving.mean, torch.tensor(mu))


def test_the_mean_is_saved_but_not_trained():
    moving = MovingMean(3)
    x = torch.randn(2, 3, requires_grad=True)
    moving.update(x)
    assert not list(moving.parameters()) and list(moving.state_dict()) == ["mean"]
    assert not moving.mean.requires_grad and moving.mean.any()


def test_subtracting_it_changes_cosine_rankings_and_no_euclidean_distance():
    moving = MovingMean(4)
    moving.mean.copy_(torch.tensor([0.6, 0.5, 0.2, 0.1]))
    query, gallery = batches()[0], torch.cat(batches()[1:])
    unit = [torch.nn.functional.normalize(x, dim=1) for x in (query, gallery)]
    left = [moving(x) for x in (query, gallery)]
    torch.testing.assert_close(euclidean(*left), euclidean(*unit), rtol=1e-4, atol=1e-4)
    assert not torch.equal(cosine(*left).argsort(1), cosine(*unit).argsort(1))
    # without µ the two distances rank alike: d² = 2 (1 − cos)
    assert torch.equal(cosine(*unit).argsort(1), euclidean(*unit).argsort(1))


def test_large_half_precision_features_stay_finite():
    moving, x = MovingMean(4), torch.full((2, 4), 60000.0, dtype=torch.float16)
    moving.update(x)
    assert torch.isfinite(moving.mean).all()
    torch.testing.assert_close(moving(x), torch.full((2, 4), 0.5) - 0.05)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan")])
def test_a_momentum_without_sense_is_refused(momentum):
    with pytest.raises(UserError, match="momentum of a moving mean is"):
        MovingMean(3, momentum)


def take_part(rank, folder):
    """One of two processes, with unequal shares of the batches; leaves its mean in the folder."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    try:
        moving = MovingMean(4)
        for batch in batches():
            moving.update(batch[:2] if rank == 0 else batch[2:])
    finally:
        distributed.destroy_process_group()
    torch.save(moving.mean, os.path.join(folder, f"{rank}.pt"))


def test_two_processes_hold_the_mean_of_one(tmp_path):
    alone = MovingMean(4)
    for batch in batches():
        alone.update(batch)
    other = multiprocessing.get_context("spawn").Process(target=take_part, args=(1, str(tmp_path)))
    other.start()
    take_part(0, str(tmp_path))
    other.join()
    assert other.exitcode == 0
    for rank in range(2):
        torch.testing.assert_close(torch.load(tmp_path / f"{rank}.pt", weights_only=True), alone.mean)
