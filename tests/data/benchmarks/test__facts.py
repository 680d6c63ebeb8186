from pathlib import Path

import pytest

from occreid.data.benchmarks._facts import WithdrawnDatasetWarning, finish, warn_withdrawn
from occreid.errors import UserError
from occreid.records import Record, Split

SPLIT = Split(
    "toy",
    (Record(Path("t"), 5, 0),),
    (Record(Path("q"), 1, 0),),
    (Record(Path("g"), 1, 1), Record(Path("h"), 0, 1)),
    distractor_pids=frozenset({0}),
    notes={"kept": "yes"},
)
RIGHT = {"train": (1, 1), "query": (1, 1), "gallery": (2, 1)}


def test_the_right_counts_change_nothing():
    assert finish(SPLIT, RIGHT, [], "*", strict=True) == SPLIT
    assert finish(SPLIT, {}, [], "*", strict=True) == SPLIT


@pytest.mark.parametrize(
    ("part", "counts", "message"),
    [
        ("query", (2, 1), "query has 1 images of 1 ids, expected 2 of 1"),
        ("gallery", (2, 2), "gallery has 2 images of 1 ids, expected 2 of 2"),
    ],
)
def test_other_counts_raise_or_are_noted(part, counts, message):
    with pytest.raises(UserError, match=message) as error:
        finish(SPLIT, RIGHT | {part: counts}, [], "*", strict=True)
    assert "strict=false" in error.value.hint and "train has" not in str(error.value)
    assert finish(SPLIT, RIGHT | {part: counts}, [], "*", strict=False).notes == {"kept": "yes", "counts": message}


def test_misnamed_files_raise_with_the_first_few_or_are_noted():
    files = [Path(f"query/bad{i}.jpg") for i in range(7)]
    with pytest.raises(UserError, match=r"7 image files of toy are not named like X: query/bad0.jpg, .*bad4.jpg, …\."):
        finish(SPLIT, RIGHT, files, "X", strict=True)
    noted = finish(SPLIT, RIGHT, files[:2], "X", strict=False).notes["skipped"]
    assert noted == "2 misnamed files: query/bad0.jpg, query/bad1.jpg"


def test_the_callers_notes_are_not_changed():
    finish(SPLIT, {"train": (9, 9)}, [], "*", strict=False)
    assert SPLIT.notes == {"kept": "yes"}


def test_the_warning_names_the_set_and_has_its_own_class():
    with pytest.warns(WithdrawnDatasetWarning, match=r"Set X comes from DukeMTMC, which its authors withdrew"):
        warn_withdrawn("Set X")
