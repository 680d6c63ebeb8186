from dataclasses import replace

import pytest

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation import Describer, Settings
from occreid.evaluation.saved import describe_to_disk, load_described
from occreid.evaluation.shorten import PROJECTION, shorten_folder


@pytest.fixture
def extracted(colours, hard, tmp_path):
    whole = replace(hard, train=hard.gallery)
    describe_to_disk(Describer(colours, whole, settings=Settings("cpu")), tmp_path / "d", ["train", "query", "gallery"])
    return tmp_path / "d"


def test_every_part_is_shortened_and_the_folder_says_how(extracted, tmp_path):
    done = shorten_folder(extracted, tmp_path / "short", dim=1)
    assert (done["from"], done["to"], done["learned_on"]) == (2, 1, 30) and 0.5 < done["variance_kept"] < 1
    for part in ("train", "query", "gallery"):
        assert Descriptors.load(tmp_path / "short" / part).features.shape[2] == 1
    assert load_described(tmp_path / "short").facts["shortened"] == done


def test_a_projection_is_used_again(extracted, tmp_path):
    shorten_folder(extracted, tmp_path / "one", dim=1, whiten=0.5)
    again = shorten_folder(extracted, tmp_path / "two", projection=tmp_path / "one" / PROJECTION)
    assert again["whiten"] == 0.5
    one, two = (Descriptors.load(tmp_path / name / "query").features for name in ("one", "two"))
    assert one.equal(two)


def test_mistakes_are_named(extracted, tmp_path):
    with pytest.raises(UserError, match="is not empty"):
        shorten_folder(extracted, extracted)
    with pytest.raises(UserError, match="no descriptors of training images"):
        shorten_folder(extracted, tmp_path / "short", fit=tmp_path / "none")
