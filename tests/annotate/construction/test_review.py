import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from occreid.annotate.construction.review import Crop, read_review, write_review
from occreid.errors import UserError


@pytest.fixture
def crops(tmp_path):
    made = []
    for i, hidden in enumerate((False, True, False)):
        name = f'a/{i} "x", y.png' if i == 1 else f"a/{i}.png"
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.fromarray(np.full((40, 20, 3), 80 * i, np.uint8)).save(tmp_path / name)
        made.append(Crop(name, str(i // 2), "1", hidden, "left arm" if hidden else ""))
    return made


def test_table_and_page_say_what_is_proposed(crops, tmp_path):
    page, table = tmp_path / "new" / "review.html", tmp_path / "new" / "review.csv"
    write_review(crops, tmp_path, page, table)
    assert sorted(read_review(table), key=lambda c: c.path) == sorted(crops, key=lambda c: c.path)
    assert read_review(table)[0].occluded  # candidates first
    html = page.read_text()
    assert html.count("<li>") == 3 and html.count(" checked>") == 1 and html.count("data:image/jpeg;base64,") == 3
    assert "http" not in html and "&#34;x&#34;, y.png" in html


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "t.csv").write_text("\ufeffpid,path,occluded,camid\r\n7,a.jpg,YES,\r\n8,b.jpg,0,3\r\n")
    assert read_review(tmp_path / "t.csv") == [Crop("a.jpg", "7", "", True), Crop("b.jpg", "8", "3", False)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,pid\na,1\n", "no column camid, occluded"),
        ("path,pid,camid,occluded\na,1,1,perhaps\n", "line 2: occluded is 'perhaps'"),
        ("path,pid,camid,occluded\n,1,1,true\n", "line 2"),
        ("path,pid,camid,occluded\n", "no rows"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_review(tmp_path / "t.csv")


def test_missing_and_unwritable(crops, tmp_path):
    with pytest.raises(UserError, match="there is no table"):
        read_review(tmp_path / "none.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_review(crops, tmp_path, tmp_path / "file" / "r.html", tmp_path / "r.csv")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here")
def test_the_page_saves_what_was_ticked(crops, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    page_file, table = tmp_path / "review.html", tmp_path / "review.csv"
    write_review(crops, tmp_path, page_file, table)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        errors = []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(page_file.as_uri())
        assert page.inner_text("#count") == "1 of 3 occluded"
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # the first box, by keyboard: no longer occluded
        page.get_by_role("checkbox").nth(2).check()
        assert page.inner_text("#count") == "1 of 3 occluded"
        with page.expect_download() as download:
            page.get_by_role("button").click()
        download.value.save_as(tmp_path / "saved.csv")
        browser.close()
    assert errors == []
    saved = {c.path: c.occluded for c in read_review(tmp_path / "saved.csv")}
    assert saved == {'a/1 "x", y.png': False, "a/0.png": False, "a/2.png": True}
    with table.open(newline="") as one, (tmp_path / "saved.csv").open(newline="") as other:
        assert next(csv.reader(one)) == next(csv.reader(other))
