import itertools
import math

import pytest

from occreid.training import load_recipe
from occreid.training.recipe import ScheduleSection
from occreid.training.schedules import lr_factor

STEPS, EPOCHS = 10, 20


def curve(**section):
    schedule = ScheduleSection(**section)
    return [lr_factor(schedule, step, STEPS, EPOCHS) for step in range(STEPS * EPOCHS)]


def test_constant_is_one_throughout():
    assert set(curve(name="constant")) == {1.0}


def test_the_warm_up_is_a_straight_line_from_its_factor_to_one():
    factors = curve(name="constant", warmup=2.0, warmup_factor=0.1)
    assert factors[0] == pytest.approx(0.1)
    assert factors[10] == pytest.approx(0.55)
    assert factors[20] == 1.0
    assert factors[19] == pytest.approx(0.1 + 0.9 * 19 / 20)


def test_by_epoch_the_factor_changes_only_with_the_epoch():
    factors = curve(name="cosine", by="epoch", warmup=2.0)
    for epoch in range(EPOCHS):
        assert len(set(factors[epoch * STEPS : (epoch + 1) * STEPS])) == 1
    assert len(set(factors)) > 10


def test_steps_multiply_by_gamma_at_each_milestone():
    factors = curve(name="step", by="epoch", milestones=[5.0, 8.0], gamma=0.5)
    assert factors[49] == 1.0
    assert factors[50] == 0.5
    assert factors[79] == 0.5
    assert factors[80] == factors[-1] == 0.25


def test_the_cosine_falls_from_the_end_of_the_warm_up_to_the_final_factor():
    factors = curve(name="cosine", warmup=4.0, final_factor=0.2)
    half = 40 + (STEPS * EPOCHS - 40) // 2
    assert factors[40] == 1.0
    assert factors[half] == pytest.approx(0.6)
    assert factors[60] == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi * 20 / 160)) / 2)
    assert factors[-1] == pytest.approx(0.2, abs=1e-3)
    assert all(a >= b for a, b in itertools.pairwise(factors[40:]))
    schedule = ScheduleSection(name="cosine", warmup=4.0, final_factor=0.2)
    assert lr_factor(schedule, STEPS * EPOCHS, STEPS, EPOCHS) == pytest.approx(0.2)


def test_flat_cosine_stays_flat_and_then_falls():
    factors = curve(name="flat_cosine", warmup=1.0, flat=12.0)
    assert set(factors[10:121]) == {1.0}
    assert factors[121] < 1.0
    assert factors[160] == pytest.approx(0.5)


def test_a_flat_part_shorter_than_the_warm_up_starts_the_cosine_after_the_warm_up():
    assert curve(name="flat_cosine", warmup=5.0, flat=2.0) == curve(name="cosine", warmup=5.0)


def test_a_warm_up_that_leads_elsewhere_ends_in_a_jump():
    factors = curve(name="constant", warmup=4.0, warmup_factor=0.1, warmup_end=0.5)
    assert [factors[step] for step in (0, 20, 39)] == pytest.approx([0.1, 0.3, 0.1 + 0.4 * 39 / 40])
    assert set(factors[40:]) == {1.0}


def eq6(e):
    """HAN, Eq. 6: the learning rate of epoch e = 1 … 150, as the paper prints it."""
    if e <= 10:
        return 3e-4 * e / 10
    return next(rate for end, rate in ((60, 0.01), (90, 0.005), (120, 0.0025), (150, 0.00125)) if e <= end)


def test_the_schedule_of_han_at_every_epoch():
    recipe = load_recipe("han/market1501")
    assert recipe.training.epochs == 150
    rates = [recipe.optimizer.lr * lr_factor(recipe.schedule, 7 * (e - 1), 7, 150) for e in range(1, 151)]
    assert rates == pytest.approx([eq6(e) for e in range(1, 151)], rel=1e-9)
    assert rates[9] == pytest.approx(3e-4) and rates[10] == pytest.approx(0.01)  # the jump
    last_steps = [recipe.optimizer.lr * lr_factor(recipe.schedule, 7 * e - 1, 7, 150) for e in range(1, 151)]
    assert last_steps == rates  # constant within an epoch
