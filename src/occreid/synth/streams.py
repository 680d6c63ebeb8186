"""Which stream of random numbers serves what: two things never share one, so that neither shifts the other."""

from __future__ import annotations

from enum import IntEnum


class Stream(IntEnum):
    """Second word of every seed sequence, behind the benchmark's (or a camera's) seed."""

    CAMERAS = 1
    SHOTS = 2
    OCCLUDERS = 3
    LOOKS = 4
    PICTURES = 5
    PASSERS_BY = 6
    DISTANT_PEOPLE = 7
    SITES = 21
    VIEWS = 22
    DISTANT_GROUPS = 24
