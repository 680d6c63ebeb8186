import numpy as np
import pytest

from occreid.synth.scene.cameras import draw_camera
from occreid.synth.scene.occluders import KINDS, PER_KIND, PERSON, make_occluder
from occreid.synth.scene.solids import Window, moved, silhouette


@pytest.mark.parametrize("kind", [k for k in KINDS if k != PERSON])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_thing_is_seen_and_is_no_giant(kind: str, number: int):
    thing = make_occluder(kind, number, "train", 0)
    camera = draw_camera(0, 0)
    cover = silhouette(
        moved(thing.facets, 0, 7, 1.0 if thing.overhead else 0), camera, Window(0, 0, 0.25, 0.25), 180, 320
    )
    assert 40 < cover.sum() < 180 * 320 * 0.9
    points = np.concatenate([f.points for f in thing.facets])
    assert points[:, 2].max() < 5
    if not thing.overhead:
        assert points[:, 2].min() > -0.2


def test_a_person_has_no_facets():
    assert make_occluder(PERSON, 3, "test", 0).facets == ()


@pytest.mark.parametrize("kind", ["bin", "sign", "car"])
def test_training_and_test_things_differ_in_id_and_shape(kind: str):
    train = {make_occluder(kind, n, "train", 0).ident for n in range(PER_KIND)}
    test = {make_occluder(kind, n, "test", 0).ident for n in range(PER_KIND)}
    assert len(train) == len(test) == PER_KIND
    assert not train & test
    a, b = make_occluder(kind, 0, "train", 0), make_occluder(kind, 0, "test", 0)
    assert len(a.facets) != len(b.facets) or any(
        not np.array_equal(f.points, g.points) for f, g in zip(a.facets, b.facets, strict=True)
    )


def test_an_occluder_is_a_function_of_its_name_and_the_seed():
    make_occluder.cache_clear()
    first = make_occluder("cartons", 4, "test", 9)
    make_occluder.cache_clear()
    again, other = make_occluder("cartons", 4, "test", 9), make_occluder("cartons", 4, "test", 10)
    assert all(np.array_equal(f.points, g.points) for f, g in zip(first.facets, again.facets, strict=True))
    assert not np.array_equal(first.facets[0].points, other.facets[0].points)


def test_things_of_all_kinds_exist():
    assert {"bin", "cart", "shelf", "sign", "car", "plant", "pillar", "cartons", PERSON} <= set(KINDS)
    assert {k for k in KINDS if make_occluder(k, 0, "train", 0).overhead} == {"banner", "branch", "umbrella"}
