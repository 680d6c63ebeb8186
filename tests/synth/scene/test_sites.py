import numpy as np

from occreid.synth.scene.occluders import TEST_KINDS
from occreid.synth.scene.sites import FURNITURE, at_this_hour, draw_site, empty_view


def test_sites_differ_and_depend_on_the_seed():
    sites = [draw_site(k, 0) for k in range(24)]
    assert sites[3] == draw_site(3, 0) != draw_site(3, 1)
    assert len({site.scene for site in sites}) == 8
    for name, least in (("height", 0.5), ("saturation", 0.08), ("detail", 0.1), ("gamma", 0.08), ("noise", 0.8)):
        assert np.std([getattr(site, name) for site in sites]) > least, name


def test_views_of_one_place_share_their_ground():
    site = draw_site(2, 0)
    first, second = empty_view(site, 0), empty_view(site, 1)
    assert first.shape == (720, 1280, 3) and first.dtype == np.uint8
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, empty_view(site, 0))


def test_the_hour_changes_light_and_nothing_else():
    site = draw_site(0, 0)
    now = at_this_hour(site, np.random.default_rng(1))
    assert now != site
    assert (now.focal, now.pitch, now.seed, now.blur) == (site.focal, site.pitch, site.seed, site.blur)
    assert abs(np.linalg.norm(now.light) - 1) < 1e-6


def test_nothing_that_hides_people_in_the_test_stands_about():
    assert not set(FURNITURE) & set(TEST_KINDS)
