import hashlib
import math

import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery import Entry, entries, picture_id


def test_the_id_is_the_hash_of_the_picture_else_of_everything():
    assert Entry(torch.ones(3), picture=b"jpeg").id == hashlib.sha256(b"jpeg").hexdigest()[:32] == picture_id(b"jpeg")
    assert Entry(torch.ones(3), picture=b"jpeg", camid=4).id == Entry(torch.zeros(3), picture=b"jpeg").id
    assert Entry(torch.ones(3), picture=b"jpeg", id="mine").id == "mine"
    variants = [
        Entry(torch.ones(3)),
        Entry(2 * torch.ones(3)),
        Entry(torch.ones(3), torch.tensor([False])),
        Entry(torch.ones(3), camid=1),
        Entry(torch.ones(3), pid=1),
        Entry(torch.ones(3), timestamp=1.0),
        Entry(torch.ones(3), tags=("a",)),
        Entry(torch.ones(3), path="1"),
    ]
    assert len({entry.id for entry in variants}) == len(variants)
    assert Entry(torch.ones(3), timestamp=1.0).id == variants[5].id


def test_features_of_one_part_may_be_flat_and_leave_their_graph():
    entry = Entry(torch.ones(3, dtype=torch.float64, requires_grad=True))
    assert entry.features.shape == (1, 3) and entry.features.dtype == torch.float32 and not entry.features.requires_grad
    assert entry.visibility.tolist() == [True] and entry.visibility.dtype == torch.bool


def test_arrays_of_numpy_are_taken():
    entry = Entry(np.ones((2, 3)), np.array([True, False]))
    assert entry.features.dtype == torch.float32 and entry.visibility.tolist() == [True, False]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"features": torch.zeros(2, 3, 4)}, "make no entry"),
        ({"features": torch.zeros(2, 3), "visibility": torch.ones(3)}, "make no entry"),
        ({"id": "it's"}, '"it\'s" is not an id'),
        ({"id": "a b"}, "'a b' is not an id"),
        ({"tags": ("a'b",)}, "is not a tag"),
        ({"tags": ("",)}, "'' is not a tag"),
        ({"tags": (" a",)}, "' a' is not a tag"),
        ({"tags": "door"}, "are one text"),
        ({"timestamp": math.nan}, "nan is not Unix seconds"),
        ({"timestamp": "yesterday"}, "'yesterday' is no number of Unix seconds"),
        ({"camid": " "}, "no name of a camera"),
        ({"pid": "x" * 129}, "no name of a person"),
    ],
)
def test_what_cannot_be_kept_is_named(fields, message):
    with pytest.raises(UserError, match=message):
        Entry(**{"features": torch.zeros(3), **fields})


def test_descriptors_become_entries_and_below_zero_is_unknown():
    descriptors = Descriptors(
        torch.arange(6.0).view(2, 1, 3), None, torch.tensor([-1, 7]), torch.tensor([3, -1]), ["a.jpg", "b.jpg"]
    )
    first, second = entries(descriptors, ids=["x", "y"], timestamps=[None, 2.0], tags=["door"], pictures=[b"1", None])
    assert (first.id, first.pid, first.camid, first.timestamp, first.path, first.picture) == (
        "x",
        None,
        "3",
        None,
        "a.jpg",
        b"1",
    )
    assert (second.id, second.pid, second.camid, second.timestamp, second.picture) == ("y", "7", None, 2.0, None)
    assert second.features.tolist() == [[3.0, 4.0, 5.0]] and second.tags == ("door",)
    assert [entry.pid for entry in entries(Descriptors(torch.zeros(2, 3)))] == [None, None]


def test_names_that_descriptors_carry_win_over_their_numbers():
    numbers = torch.tensor([0, 0])
    made = Descriptors(torch.zeros(2, 3), None, numbers, numbers, None, ["zoe", None], ["door", "2"])
    assert [(entry.pid, entry.camid) for entry in entries(made)] == [("zoe", "door"), (None, "2")]


def test_a_number_as_a_name_leaves_the_id_that_it_gave_before():
    assert Entry(torch.ones(3), pid=1, camid="2").id == Entry(torch.ones(3), pid="1", camid=2).id
    known = b"('zoe', 2, None, (), None)"
    parts = (torch.ones(1, 3).numpy().tobytes(), torch.ones(1, dtype=torch.bool).numpy().tobytes(), known)
    assert Entry(torch.ones(3), pid="zoe", camid=2).id == hashlib.sha256(b"".join(parts)).hexdigest()[:32]


def test_numbers_of_numpy_become_pythons():
    entry = Entry(torch.zeros(3), id="a", pid=np.int64(3), camid=np.int32(2), timestamp=np.float64(5.5))
    assert [type(value) for value in (entry.pid, entry.camid, entry.timestamp)] == [str, str, float]


def test_the_earlier_name_of_a_timestamp_is_taken():
    entry = Entry(torch.zeros(3), time=7.0)
    assert entry.timestamp == entry.time == 7.0 and entry.id == Entry(torch.zeros(3), timestamp=7.0).id
