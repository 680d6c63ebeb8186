from dataclasses import replace

import numpy as np

from occreid.synth.render.light import patchy, relight
from occreid.synth.scene.sites import draw_site

CANVAS = np.full((384, 192, 3), 120, np.uint8)


def test_relight_follows_the_light():
    site = replace(draw_site(0, 0), sun=0.5, sky=0.6)
    np.testing.assert_array_equal(relight(CANVAS, site, site), CANVAS)
    darker = relight(CANVAS, site, replace(site, sun=0.0))
    np.testing.assert_allclose(darker, 120 * 0.6 / 0.9, atol=1)


def test_shade_only_darkens_and_not_always():
    made = [patchy(CANVAS, np.random.default_rng(seed)) for seed in range(80)]
    assert all((m <= CANVAS).all() and m.min() > 40 for m in made)
    untouched = np.mean([np.array_equal(m, CANVAS) for m in made])
    assert 0.3 < untouched < 0.65
