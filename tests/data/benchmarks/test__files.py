import pytest

from occreid.data.benchmarks._files import find_folders
from occreid.errors import UserError

PARTS = {"query": ("query", "probe"), "gallery": ("nested/gallery",)}


def test_the_root_itself_or_a_usual_name_below_it(touch, tmp_path):
    touch("Set-A/query/a.jpg", "Set-A/nested/gallery/b.jpg")
    inside = find_folders(tmp_path / "Set-A", ("set-a",), PARTS)
    assert inside == {"query": tmp_path / "Set-A/query", "gallery": tmp_path / "Set-A/nested/gallery"}
    assert find_folders(tmp_path, ("set-a",), PARTS) == inside


def test_case_does_not_matter_and_the_first_name_wins(touch):
    root = touch("Probe/a.jpg", "Nested/GALLERY/b.jpg")
    assert find_folders(root, (), PARTS) == {"query": root / "Probe", "gallery": root / "Nested/GALLERY"}
    touch("query/a.jpg")
    assert find_folders(root, (), PARTS)["query"] == root / "query"


def test_what_was_looked_for_is_told(touch):
    root = touch("Set/query/a.jpg", "other/x.jpg")
    with pytest.raises(UserError) as error:
        find_folders(root, ("set", "Set-2"), PARTS)
    text = str(error.value)
    assert "query or probe" in text and "nested/gallery" in text
    assert f"Looked in {root}, {root / 'Set'}" in text and "usually called set or Set-2" in text
    assert "other" not in text


def test_optional_parts_may_be_missing_but_not_all(touch):
    root = touch("query/a.jpg", "x/b.jpg")
    assert find_folders(root, (), PARTS, optional=("gallery",)) == {"query": root / "query"}
    with pytest.raises(UserError):
        find_folders(root / "x", (), PARTS, optional=("query", "gallery"))
