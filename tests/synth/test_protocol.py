import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.errors import UserError
from occreid.synth.protocol import SECOND_SIZES, SIZES, Shot, Size, get_size, own_size, plan, plan_person

SIZE = Size(train=40, query=30, others=30, cameras=6)
ALL = [shot for shots in plan(SIZE, 0) for shot in shots]


def test_training_people_have_5_to_20_images_and_a_few_are_occluded():
    counts = [len(shots) for shots in plan(SIZE, 0)[:40]]
    assert min(counts) >= 5
    assert max(counts) <= 20
    train = [s for s in ALL if s.split == "train"]
    assert 0.10 < sum(s.occluded for s in train) / len(train) < 0.20
    assert all(len({s.camid for s in shots}) >= 2 for shots in plan(SIZE, 0)[:40])


def test_every_query_has_one_occluded_and_one_holistic_gallery_image_from_other_cameras():
    for shots in plan(SIZE, 0)[40:70]:
        query = [s for s in shots if s.split == "query"]
        gallery = [s for s in shots if s.split == "gallery"]
        assert [s.occluded for s in query] == [True]
        assert sorted(s.occluded for s in gallery) == [False, True]
        assert len({s.camid for s in shots}) == 3


def test_other_people_have_one_to_three_of_each():
    for shots in plan(SIZE, 0)[70:]:
        assert {s.split for s in shots} == {"gallery"}
        assert 1 <= sum(s.occluded for s in shots) <= 3
        assert 1 <= sum(not s.occluded for s in shots) <= 3


def test_training_and_test_share_no_person():
    train = {s.pid for s in ALL if s.split == "train"}
    test = {s.pid for s in ALL if s.split != "train"}
    assert not train & test
    assert train | test == set(range(1, 101))


def test_names_are_unique_and_market_like():
    assert len({s.name for s in ALL}) == len(ALL)
    shot = Shot("query", 7, 2, 3, True, 18.04)
    assert shot.name == "0007_c3s1_000451_03"
    assert shot.folder == "query"


@settings(max_examples=25)
@given(pid=st.integers(1, 100), seed=st.integers(0, 10))
def test_a_persons_plan_does_not_depend_on_the_others(pid: int, seed: int):
    assert plan_person(pid, SIZE, seed) == plan(SIZE, seed)[pid - 1]


@settings(max_examples=25)
@given(seed=st.integers(0, 1000))
def test_time_runs_forward(seed: int):
    for shots in plan(Size(2, 2, 2, 3), seed):
        times = [s.time for s in shots]
        assert times == sorted(times)
        assert len(set(times)) == len(times)


def test_sizes():
    assert SIZES["large"].train >= 700
    assert SIZES["large"].query + SIZES["large"].others >= 300
    assert SIZES["large"].cameras >= 8
    assert 1000 <= sum(map(len, plan(SIZES["demo"], 0))) <= 1400
    with pytest.raises(UserError, match="Did you mean 'demo'"):
        get_size("dmeo")


def test_study_can_tell_methods_apart():
    people = plan(SECOND_SIZES["study"], 0)
    shots = [shot for person in people for shot in person]
    queries = [shot for shot in shots if shot.split == "query"]
    assert len(queries) >= 600 and all(shot.occluded for shot in queries)
    assert len({shot.pid for shot in queries}) >= 300
    assert len({shot.pid for shot in shots if shot.split == "train"}) >= 400
    for pid in {shot.pid for shot in queries}:
        gallery = [shot for shot in shots if shot.pid == pid and shot.split == "gallery"]
        own = {shot.camid for shot in queries if shot.pid == pid}
        assert 4 <= len(gallery) <= 8 and len({shot.camid for shot in gallery}) >= 4
        assert not own & {shot.camid for shot in gallery} and len({shot.occluded for shot in gallery}) == 2


def test_own_sizes():
    size = own_size(300, images=8, cameras=20)
    people = plan(size, 0)
    train = [len(shots) for shots in people if shots[0].split == "train"]
    assert len(train) == 300 and abs(sum(train) / 300 - 8) < 0.5 and (min(train), max(train)) == (4, 12)
    assert (size.query, size.others) == (30, 15)
    assert get_size("300x8") == own_size(300, 8)
    for wrong in ({"ids": 0}, {"ids": 5, "images": 1}, {"ids": 5, "cameras": 2}):
        with pytest.raises(UserError, match="too few"):
            own_size(**wrong)
