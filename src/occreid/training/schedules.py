"""The learning-rate factor as a pure function of the step: nothing to save, nothing to restore wrongly."""

from __future__ import annotations

import math

from occreid.training.recipe import ScheduleSection


def lr_factor(schedule: ScheduleSection, step: int, steps_per_epoch: int, epochs: int) -> float:
    """What the base learning rate is multiplied by at an optimiser step.

    Args:
        schedule: the recipe's section.
        step: optimiser steps done so far, 0 at the start.
        steps_per_epoch: optimiser steps in an epoch.
        epochs: epochs of this leg of training; where the cosine ends.

    >>> section = ScheduleSection(name="step", by="epoch", milestones=[2.0])
    >>> [lr_factor(section, step, 10, 4) for step in (0, 19, 20)]
    [1.0, 1.0, 0.1]
    """
    now = step / steps_per_epoch if schedule.by == "iteration" else float(step // steps_per_epoch)
    if now < schedule.warmup:
        return schedule.warmup_factor + (schedule.warmup_end - schedule.warmup_factor) * now / schedule.warmup
    if schedule.name == "constant":
        return 1.0
    if schedule.name == "step":
        return schedule.gamma ** sum(now >= milestone for milestone in schedule.milestones)
    start = max(schedule.warmup, schedule.flat)
    if now <= start:
        return 1.0
    done = min((now - start) / (epochs - start), 1.0)
    return schedule.final_factor + (1 - schedule.final_factor) * (1 + math.cos(math.pi * done)) / 2
