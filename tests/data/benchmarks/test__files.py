import pytest

from occreid.data.benchmarks._files import existing_folder, files_under, find_folders, images_under, is_clutter
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


def test_images_are_found_at_any_depth_in_order_without_clutter(touch, backwards):
    names = ["a/2.TIF", "a/b/1.jpeg", "b.jpg", "c.png"]
    root = touch(*names, "._b.jpg", "__MACOSX/b.jpg", "a/@eaDir/2.jpg", ".hidden/c.jpg", "Thumbs.db", "readme.txt")
    expected = [root / name for name in names]
    assert images_under(root) == expected
    backwards()
    assert images_under(root) == expected
    assert [p.name for p in files_under(root) if p not in expected] == ["Thumbs.db", "readme.txt"]


@pytest.mark.parametrize("names", [(), ("readme.txt",), ("._a.jpg", "__MACOSX/a.jpg")])
def test_a_folder_without_images_is_refused(touch, tmp_path, names):
    (tmp_path / "query").mkdir()
    touch(*names, root=tmp_path / "query")
    with pytest.raises(UserError, match=r"no image in .*query. Looked for .*\.jpg"):
        images_under(tmp_path / "query")


def test_clutter():
    assert is_clutter(".DS_Store") and is_clutter("@eaDir")
    assert not is_clutter("macosx.jpg")


def test_a_file_is_no_folder(touch):
    root = touch("file.jpg")
    with pytest.raises(UserError, match=r"file.jpg is a file"):
        existing_folder(root / "file.jpg")
    with pytest.raises(UserError, match=r"gone does not exist"):
        existing_folder(root / "gone")
