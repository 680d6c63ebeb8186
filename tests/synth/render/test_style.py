import numpy as np
import pytest

from occreid.synth.people.figure import Figure
from occreid.synth.render.compose import take
from occreid.synth.render.style import FIRST, SECOND, Style
from occreid.synth.scene.cameras import draw_camera
from occreid.synth.scene.sites import draw_site


@pytest.mark.parametrize("style, camera", [(FIRST, draw_camera(0, 0)), (SECOND, draw_site(0, 0))])
def test_both_editions_take_pictures_with_labels(figure: Figure, style: Style, camera):
    pictures = [take(figure, camera, None, "train", 0, np.random.default_rng(seed), style) for seed in range(3)]
    again = take(figure, camera, None, "train", 0, np.random.default_rng(0), style)
    np.testing.assert_array_equal(pictures[0].image, again.image)
    assert not np.array_equal(pictures[0].image, pictures[1].image)
    for picture in pictures:
        assert picture.image.shape == (256, 128, 3) and (picture.mask == 2).any()


def test_an_identity_is_seen_under_several_lightings(figure: Figure):
    site = draw_site(0, 0)
    hours = [SECOND.light(site, np.random.default_rng(seed)) for seed in range(20)]
    assert np.std([hour.sun for hour in hours]) > 0.02 and len({hour.light for hour in hours}) == 20
    assert {(hour.index, hour.height, hour.seed) for hour in hours} == {(site.index, site.height, site.seed)}
    assert FIRST.light(site, np.random.default_rng(0)) is site
