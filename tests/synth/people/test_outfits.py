from dataclasses import fields

import numpy as np

from occreid.synth.people import textiles
from occreid.synth.people.appearance import Appearance
from occreid.synth.people.figure import build_figure, pose_figure
from occreid.synth.people.outfits import any_colour, draw_person, similar_person
from occreid.synth.people.patterns import PATTERN_NAMES
from occreid.synth.people.poses import draw_livelier_pose

PEOPLE = [draw_person(np.random.default_rng(k)) for k in range(300)]


def test_people_are_a_function_of_the_generator():
    assert draw_person(np.random.default_rng(3)) == PEOPLE[3]
    assert len({repr(p) for p in PEOPLE}) == len(PEOPLE)


def test_everything_is_worn_by_somebody():
    assert {p.upper.kind for p in PEOPLE} >= {"tshirt", "coat", "dress", "hoodie", "blouse"}
    assert {p.lower.kind for p in PEOPLE} == {"trousers", "jeans", "shorts", "leggings", "skirt"}
    assert {p.bag for p in PEOPLE} == {"none", "backpack", "shoulder", "handbag", "plastic"}
    assert any(p.extras.tights for p in PEOPLE) and any(p.extras.mask for p in PEOPLE)
    assert any(p.upper.inner for p in PEOPLE) and any(p.extras.carried == "parcel" for p in PEOPLE)
    known = {*textiles.KNOWN, *PATTERN_NAMES}
    assert {c.pattern for p in PEOPLE for c in (p.upper.cloth, p.lower.cloth, p.extras.bag) if c} <= known


def test_colours_are_colours_and_spread_over_all_hues():
    rng = np.random.default_rng(0)
    colours = np.array([any_colour(rng) for _ in range(500)])
    assert colours.min() >= 0 and colours.max() <= 1
    assert len(np.unique(np.round(colours * 8), axis=0)) > 120
    assert 0.25 < (np.ptp(colours, axis=1) < 0.1).mean() < 0.75, "many are black, white and grey"


def test_similar_people_share_most_and_not_all():
    def shared(a: Appearance, b: Appearance) -> int:
        return sum(getattr(a, f.name) == getattr(b, f.name) for f in fields(Appearance))

    rng = np.random.default_rng(1)
    twins = [shared(p, similar_person(p, rng)) for p in PEOPLE[:60]]
    strangers = [shared(a, b) for a, b in zip(PEOPLE[:60], PEOPLE[60:120], strict=True)]
    assert np.mean(twins) > np.mean(strangers) + 3
    assert max(twins) < len(fields(Appearance))


def test_everybody_can_be_built_and_posed():
    for person in PEOPLE[:6]:
        figure = build_figure(person)
        posed = pose_figure(figure, draw_livelier_pose(np.random.default_rng(0)))
        assert np.isfinite(posed.vertices).all() and abs(posed.vertices[:, 2].min()) < 1e-6
        assert 1.3 < posed.vertices[:, 2].max() < 2.3
        assert set(np.unique(figure.part)) == {1, 2, 3, 4}
