import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.occlusion.library import OccluderLibrary
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation import clever_hans, draw_trials
from occreid.evaluation.clever_hans import describe_pictures, pictures
from occreid.models import Method
from occreid.records import Record

THINGS = OccluderLibrary(
    [np.full((4, 4, 4), (c, 255 - c, 40 * i, 255), np.uint8) for i, c in enumerate((0, 90, 170, 250))], list("abcd")
)


@pytest.fixture
def people(tmp_path):
    """Query and gallery of six persons, three pictures each, a person being a plain colour."""
    sides = ([], [])
    for pid in range(6):
        for shot in range(3):
            path = tmp_path / f"{pid}_c{shot}.png"
            Image.new("RGB", (20, 40), (40 * pid, 200 - 30 * pid, 128 + shot)).save(path)
            sides[shot > 0].append(Record(path, pid, shot))
    return sides


def middle(image):
    return image[image.shape[0] // 2, image.shape[1] // 2].astype(np.float32)


def sees_the_person(images):
    """What no thing reaches: the middle of the picture."""
    return Descriptors(torch.from_numpy(np.stack([middle(i)[:2] for i in images])))


def sees_the_thing(images):
    """What is unlike the middle, and nothing else."""
    things = [i[(i != middle(i).astype(np.uint8)).any(2)].mean(0) for i in images]
    return Descriptors(torch.from_numpy(np.stack(things).astype(np.float32)))


def sees_both(images):
    both = [
        torch.cat([d.features, 0.3 * e.features], 2) for d, e in [(sees_the_person(images), sees_the_thing(images))]
    ]
    return Descriptors(both[0])


def outcome(describe, people, count=60, **options):
    return clever_hans(describe, draw_trials(*people, count, len(THINGS)), THINGS, "euclidean", **options)


def test_a_model_that_ignores_the_things_scores_nought(people):
    found = outcome(sees_the_person, people)
    assert found.score == 0 and found.fooled == found.fooled_anyway == 0 and found.consistency == 1
    assert not found.margin.any() and found.interval() == (0, 0)


def test_a_model_that_sees_nothing_else_scores_one(people):
    found = outcome(sees_the_thing, people)
    assert found.score == 1 and found.fooled == 1 and found.consistency == 0
    assert found.fooled_anyway == 0.5  # right and wrong wear the same thing: a tie
    assert found.interval() == (1, 1)


def test_one_that_sees_both_lies_between_and_its_interval_holds_its_score(people):
    found = outcome(sees_both, people, count=120)
    low, high = found.interval()
    assert 0 < found.score < 1 and low < found.score < high
    worst = found.telling(5)
    assert all(found.shared[i] > found.other[i] for i in worst) and len(set(worst)) == 5
    assert found.margin[worst[0]] == found.margin[(found.shared - found.other) == 1].max()


def test_ordinary_errors_are_not_blamed_on_the_things(people):
    def mistaken(images):  # another person is always nearer, whatever anyone wears
        features = sees_the_person(images).features
        features[1::5] += 500
        return Descriptors(features)

    found = outcome(mistaken, people)
    assert found.fooled == found.fooled_anyway == 1 and found.score == 0


def test_batches_change_nothing(people):
    whole, pieces = (outcome(sees_both, people, count=17, batch=batch) for batch in (64, 5))
    for name in ("shared", "other", "steady", "margin"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))


def test_the_five_pictures_wear_what_they_should(people):
    (trial,) = draw_trials(*people, 1, len(THINGS), seed=3)
    query_a, right_b, wrong_a, wrong_b, query_b = pictures(trial, THINGS, 0.4)

    def worn(image):
        return tuple(np.unique(image[(image != middle(image).astype(np.uint8)).any(2)], axis=0)[0].tolist())

    a, b = (tuple(THINGS[i][0, 0, :3].tolist()) for i in (trial.a, trial.b))
    assert [worn(i) for i in (query_a, right_b, wrong_a, wrong_b, query_b)] == [a, b, a, a if a == b else b, b]
    assert a != b and tuple(middle(query_a)) == tuple(middle(query_b)) != tuple(middle(wrong_a))


def test_trials_take_every_query_another_camera_and_somebody_else(people):
    query, gallery = people
    trials = draw_trials(query, gallery, 12, 4)
    assert [t.query.pid for t in trials] == [*range(6), *range(6)]
    for trial in trials:
        assert trial.right.pid == trial.query.pid != trial.wrong.pid
        assert trial.right.camid != trial.query.camid and trial.a != trial.b
    assert trials == draw_trials(query[::-1], gallery[::-1], 12, 4) != draw_trials(query, gallery, 12, 4, seed=1)


def test_pictures_that_are_hidden_already_are_avoided(people):
    query, gallery = people
    marked = [Record(r.path, r.pid, r.camid, occluded=r.camid == 2) for r in gallery]
    trials = draw_trials(query, marked, 30, 4)
    assert all(t.right.camid == 1 and t.wrong.camid == 1 for t in trials)


def test_a_method_is_asked_for_resized_pictures():
    seen = []

    class Mean(Method):
        input_size = (32, 16)

        def describe(self, images, masks=None):
            seen.append(images)
            return Descriptors(images.float().mean((2, 3)))

    describe = describe_pictures(Mean(), "cpu")
    found = describe([np.full((40, 20, 3), c, np.uint8) for c in (10, 200)])
    assert seen[0].shape == (2, 3, 32, 16) and seen[0].dtype == torch.uint8
    assert found.features[:, 0, 0].tolist() == [10, 200]


def test_what_cannot_be_tried_is_said(people):
    query, gallery = people
    with pytest.raises(UserError, match="nothing to try"):
        draw_trials(query, [r for r in gallery if r.pid == 0], 5, 4)
    with pytest.raises(UserError, match="nothing to try"):
        draw_trials(query, query, 5, 4)
    for count, things in ((0, 4), (5, 1)):
        with pytest.raises(UserError, match="too few"):
            draw_trials(query, gallery, count, things)
    with pytest.raises(UserError, match="out of range"):
        outcome(sees_both, people, share=0.95)
