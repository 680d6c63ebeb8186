import numpy as np

from occreid.synth.population import appearance_of
from occreid.synth.render.crowd import BYSTANDERS, busy_background, passer_by
from occreid.synth.scene.cameras import draw_camera
from occreid.synth.scene.scenes import background


def test_the_three_populations_share_nobody_with_each_other_or_the_benchmark():
    looks = [passer_by(n, side, 0).look for side in ("train", "test", "scene") for n in range(2)]
    assert len(set(map(repr, looks))) == 6
    assert not {repr(appearance_of(pid, 0)) for pid in range(1, 40)} & set(map(repr, looks))
    assert BYSTANDERS >= 5


def test_the_same_passer_by_comes_again():
    first = passer_by(1, "train", 5).look
    passer_by.cache_clear()
    assert passer_by(1, "train", 5).look == first


def test_people_walk_behind_and_only_a_few():
    camera = draw_camera(1, 0)
    changed = (busy_background(camera, 0) != background(camera)).any(2)
    assert 0.002 < changed.mean() < 0.4
    nearest = camera.project(np.array([[0.0, camera.far, 0.0]]))[0][0, 1]
    assert not changed[min(int(nearest) + 60, 719) :].any(), "nobody stands where the benchmark's people walk"
