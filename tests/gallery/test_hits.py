import pytest
from PIL import Image

from occreid.data.images import read_image
from occreid.errors import UserError
from occreid.gallery import Hit, Hits


def hit(path, distance=0.25, pid=None):
    return Hit("id", pid, "3", None, (), path, (True,), distance, 0.9)


@pytest.fixture
def files(tmp_path):
    made = []
    for number, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255))):
        made.append(str(tmp_path / f"<{number}>.png"))
        Image.new("RGB", (20, 40), colour).save(made[-1])
    return made


def test_hits_are_a_list_that_reads_well(files):
    hits = Hits([hit(files[1], 0.25, "zoe"), hit(files[2], 0.5)], files[0])
    assert len(hits) == 2 and hits[0].pid == "zoe"
    first, second, _ = repr(hits).splitlines()
    assert first == f"2 hits for {files[0]}"
    assert second == f"   1  0.2500  person zoe  camera 3  {files[1]}"
    assert "&lt;1&gt;.png" in hits._repr_html_() and "<1>" not in hits._repr_html_()
    assert repr(Hits([hit("x")] * 20)).splitlines()[-1].strip() == "…"


def test_the_sheet_shows_the_query_then_the_answers(files, tmp_path):
    hits = Hits([hit(files[1]), hit(files[2])], files[0])
    shown = read_image(hits.sheet(tmp_path / "new" / "sheet.png"))
    middle = shown[100, [50, 150, 250]]
    assert middle.argmax(1).tolist() == [0, 1, 2]  # red, green, blue from left to right
    assert Hits([hit(files[1])]).show().size[0] < hits.show().size[0]


def test_answers_without_picture_and_unwritable_sheets_are_named(files, tmp_path):
    with pytest.raises(UserError, match="the entry id has no picture"):
        Hits([hit(None)]).show()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the sheet"):
        Hits([hit(files[0])]).sheet(tmp_path / "file" / "sheet.png")
