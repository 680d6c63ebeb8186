import os
from pathlib import Path

import pytest
from PIL import Image

from occreid.data.walk import check_name, existing_folder, files_under, images_under, is_clutter, is_image
from occreid.errors import UserError


@pytest.fixture
def touch(tmp_path):
    """Make empty files below a folder (the test's own by default) and return that folder."""

    def make(*names, root=tmp_path):
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        return root

    return make


def test_images_are_found_at_any_depth_in_order_without_clutter(touch, monkeypatch):
    names = ["a/2.TIF", "a/b/1.jpeg", "b.jpg", "c.png"]
    root = touch(*names, "._b.jpg", "__MACOSX/b.jpg", "a/@eaDir/2.jpg", ".hidden/c.jpg", "Thumbs.db", "readme.txt")
    expected = [root / name for name in names]
    assert images_under(root) == expected
    walk = os.walk

    def backwards(top, **options):
        for base, folders, files in walk(top, **options):
            folders.sort(reverse=True)
            yield base, folders, sorted(files, reverse=True)

    monkeypatch.setattr(os, "walk", backwards)
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


@pytest.mark.parametrize("name", ["a.jpe", "a.JFIF", "a.heic", "a.gif"])
def test_other_endings_of_pictures_are_seen_also_of_those_that_cannot_be_read(touch, name):
    assert images_under(touch(name))[0].name == name


@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG", "a"), ("JPEG", "a.jpg_large"), ("PNG", "a.1"), ("WEBP", "a.dat"), ("TIFF", "a.x")]
)
def test_a_picture_of_any_other_ending_is_known_by_its_first_bytes(tmp_path, kind, name):
    with (tmp_path / name).open("wb") as file:
        Image.new("RGB", (4, 4)).save(file, kind)
    (tmp_path / "a.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST")
    (tmp_path / "readme").write_text("text")
    assert images_under(tmp_path) == [tmp_path / name]


def test_links_to_folders_are_followed(touch, tmp_path):
    touch("nas/cam3/3.jpg", "d/cam2/2.jpg")
    (tmp_path / "d/cam3").symlink_to(tmp_path / "nas/cam3", target_is_directory=True)
    (tmp_path / "d/cam4").symlink_to(tmp_path / "nas/cam3", target_is_directory=True)
    assert images_under(tmp_path / "d") == [
        tmp_path / "d" / name for name in ("cam2/2.jpg", "cam3/3.jpg", "cam4/3.jpg")
    ]


@pytest.mark.parametrize("to", [".", "..", "b"])
def test_a_link_that_leads_back_is_named(touch, tmp_path, to):
    root = touch("d/a/1.jpg", "d/b/2.jpg")
    (root / "d/a/loop").symlink_to(root / "d" if to == ".." else root / "d/a" if to == "." else root / "d/b")
    if to == "b":
        (root / "d/b/loop").symlink_to(root / "d/a")
    with pytest.raises(UserError, match=r"the link .*loop leads back to .*\. Remove that link"):
        files_under(root / "d")


def test_a_folder_that_cannot_be_read_is_named(touch, monkeypatch):
    root, scan = touch("a/1.jpg", "b/2.jpg"), os.scandir

    def refuse(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"cannot read the folder .*b \(Permission denied\)"):
        images_under(root)


def test_a_link_to_nowhere_is_no_picture_unless_it_is_named_like_one(tmp_path):
    for name in ("a", "b.jpg"):
        (tmp_path / name).symlink_to(tmp_path / "gone")
    assert not is_image(tmp_path / "a") and images_under(tmp_path) == [tmp_path / "b.jpg"]


def test_a_name_that_is_no_utf8_is_refused_in_words(tmp_path):
    name = os.fsdecode(b"Mu\xf1oz.jpg")
    (tmp_path / name).touch()
    for call in (lambda: images_under(tmp_path), lambda: check_name(Path(name))):
        with pytest.raises(UserError, match=r"Mu\\udcf1oz\.jpg is not UTF-8\. Rename it") as error:
            call()
        str(error.value).encode()
    check_name(Path("Muñoz.jpg"))


def test_a_file_is_no_folder(touch):
    root = touch("file.jpg")
    with pytest.raises(UserError, match=r"file.jpg is a file"):
        existing_folder(root / "file.jpg")
    with pytest.raises(UserError, match=r"gone does not exist"):
        existing_folder(root / "gone")
