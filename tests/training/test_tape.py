import math

import pytest
import torch

from occreid.training.tape import LossTape, NotFiniteLoss

INDICES = torch.tensor([3, 1])


def losses(one, two=0.0):
    return {"id": torch.tensor(one, requires_grad=True), "triplet": torch.tensor(two)}


def test_means_are_over_the_steps_since_the_last_call():
    tape = LossTape()
    tape.add(0, losses(1.0, 3.0), INDICES)
    tape.add(1, losses(2.0, 5.0), INDICES)
    assert tape.latest == 7.0
    assert tape.means() == {"id": 1.5, "triplet": 4.0}
    tape.add(0, losses(8.0), INDICES)
    assert tape.means() == {"id": 8.0, "triplet": 0.0}


def test_nothing_is_known_before_the_first_step():
    assert math.isnan(LossTape().latest)
    assert LossTape().means() == {}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_at_once_with_its_batch(value):
    tape = LossTape()
    tape.add(0, losses(1.0), INDICES)
    with pytest.raises(NotFiniteLoss) as caught:
        tape.add(1, losses(2.0, value), INDICES)
    assert caught.value.step == 1
    assert caught.value.indices == [3, 1]
    assert caught.value.losses["id"] == 2.0
    assert not math.isfinite(caught.value.losses["triplet"])


def test_half_precision_losses_are_summed_in_float32():
    tape = LossTape()
    for step in range(300):
        tape.add(step, {"id": torch.tensor(1.0 + 1 / 128, dtype=torch.bfloat16)}, INDICES)
    assert tape.means()["id"] == pytest.approx(1.0078125)


@pytest.mark.gpu
def test_on_a_gpu_a_bad_loss_stops_one_step_later_and_names_its_own_batch():
    tape = LossTape()
    bad = {"id": torch.tensor(math.nan, device="cuda")}
    tape.add(0, bad, torch.tensor([7], device="cuda"))
    with pytest.raises(NotFiniteLoss) as caught:
        tape.means()
    assert (caught.value.step, caught.value.indices) == (0, [7])


def test_watched_figures_are_averaged_apart_and_may_be_anything():
    tape = LossTape()
    tape.add(0, losses(1.0, 3.0), INDICES, {"alpha_d": torch.tensor(2.0)})
    tape.add(1, losses(1.0, 3.0), INDICES, {"alpha_d": torch.tensor(math.inf)})
    assert tape.latest == 4.0
    assert tape.means() == {"id": 1.0, "triplet": 3.0}
    assert tape.watched == {"alpha_d": math.inf}
    tape.add(0, losses(1.0), INDICES)
    tape.means()
    assert tape.watched == {}
