import pytest

from occreid.errors import UserError
from occreid.gallery import Manifest


def test_a_manifest_survives_its_file():
    made = Manifest(256, 4, "visible_parts", "w" * 64, "hpnet")
    assert Manifest.from_json(made.to_json(), "here") == made


@pytest.mark.parametrize(
    ("metric", "parts", "width"), [("cosine", 1, 8), ("euclidean", 3, 24), ("visible_parts", 3, 8)]
)
def test_only_visible_parts_are_searched_by_an_aggregate(metric, parts, width):
    made = Manifest(8, parts, metric, "w")
    assert made.width == width and made.by_parts == (metric == "visible_parts")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, 1, "cosine", "w"), "with dim 0"),
        ((8, 0, "cosine", "w"), "with parts 0"),
        ((8, 1, "cosin", "w"), "Did you mean 'cosine'"),
        ((8, 1, "cosine", ""), "must know its weights"),
    ],
)
def test_values_that_cannot_be_are_named(values, message):
    with pytest.raises(UserError, match=message):
        Manifest(*values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "here is damaged"),
        ("[" * 100_000, "here is damaged"),
        (Manifest(8, 1, "cosine", "w").to_json().replace("8", '"8"'), "here is damaged .dim is '8'"),
        (Manifest(8, 1, "cosine", "w").to_json().replace("false", "0"), "here is damaged .flip_test"),
        (Manifest(8, 1, "cosine", "w").to_json().replace('"w"', "[]"), "here is damaged .weights_hash"),
        ("[1]", "here is not a gallery's"),
        ('{"dim": 3}', "here is not a gallery's"),
        (Manifest(8, 1, "cosine", "w", "", 3).to_json(), "format 3, this program reads up to 2"),
    ],
)
def test_other_files_are_refused(text, message):
    with pytest.raises(UserError, match=message):
        Manifest.from_json(text, "here")


def test_flips_are_remembered_and_a_card_of_before_has_none():
    made = Manifest(8, 1, "cosine", "w", flip_test=True)
    assert Manifest.from_json(made.to_json(), "here") == made
    before = made.to_json().replace(', "flip_test": true', "")
    assert "flip_test" not in before and not Manifest.from_json(before, "here").flip_test


def test_weights_are_compared_where_given():
    made = Manifest(8, 1, "cosine", "a" * 64)
    made.require_weights(None, "g")
    made.require_weights("a" * 64, "g")
    with pytest.raises(UserError, match=r"gallery g was made with other weights \(a model aaaaaaaaaaaa…, not bbbb…\)"):
        made.require_weights("bbbb", "g")
