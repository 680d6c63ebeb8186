from dataclasses import fields

import numpy as np

from occreid.synth.people.appearance import Appearance
from occreid.synth.population import appearance_of, appearance_of_second, draw_occluder, draw_occluder_second
from occreid.synth.scene.occluders import KINDS, TEST_KINDS, TRAIN_KINDS


def test_looks_are_a_function_of_pid_and_seed():
    assert appearance_of(5, 1) == appearance_of(5, 1)
    assert appearance_of(5, 1) != appearance_of(5, 2)
    assert len({repr(appearance_of(pid, 0)) for pid in range(1, 60)}) == 59


def test_every_third_person_is_dressed_like_the_one_before():
    def shared(a: Appearance, b: Appearance) -> int:
        return sum(getattr(a, f.name) == getattr(b, f.name) for f in fields(Appearance))

    twins = [shared(appearance_of(pid, 0), appearance_of(pid - 1, 0)) for pid in range(3, 60, 3)]
    strangers = [shared(appearance_of(pid, 0), appearance_of(pid - 1, 0)) for pid in range(2, 60, 3)]
    assert np.mean(twins) > np.mean(strangers) + 3


def test_occluders_of_training_never_appear_in_the_test():
    drawn = {
        split: [draw_occluder(split, 0, np.random.default_rng(k)) for k in range(150)]
        for split in ("train", "query", "gallery")
    }
    train, query, gallery = ({o.ident for o in drawn[split]} for split in ("train", "query", "gallery"))
    assert not train & (query | gallery)
    assert query & gallery
    assert {o.kind for o in drawn["train"]} == set(KINDS)


def test_no_kind_hides_people_in_training_and_in_the_test_of_the_second_edition():
    drawn = {
        split: {draw_occluder_second(split, 0, np.random.default_rng(k)).kind for k in range(200)}
        for split in ("train", "query", "gallery")
    }
    assert drawn["train"] == set(TRAIN_KINDS) and drawn["query"] == drawn["gallery"] == set(TEST_KINDS)
    assert not set(TRAIN_KINDS) & set(TEST_KINDS) and set(TRAIN_KINDS) | set(TEST_KINDS) == set(KINDS)


def test_looks_of_the_second_edition():
    assert appearance_of_second(5, 1) == appearance_of_second(5, 1) != appearance_of_second(5, 2)
    assert len({repr(appearance_of_second(pid, 0)) for pid in range(1, 60)}) == 59
