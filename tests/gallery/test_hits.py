import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.images import read_image
from occreid.errors import UserError
from occreid.gallery import Entry, Hit, Hits
from occreid.gallery.hits import write_sheets


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
    with pytest.raises(UserError, match=r"the entry id has no picture: gone\.png is not there"):
        Hits([hit("gone.png")]).show()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the sheet"):
        Hits([hit(files[0])]).sheet(tmp_path / "file" / "sheet.png")


def test_a_file_that_is_gone_is_shown_as_the_gallery_kept_it(files, tmp_path):
    kept = (tmp_path / "<1>.png").read_bytes()
    get = lambda ids: [Entry(torch.zeros(2), id=ids[0], picture=kept)]  # noqa: E731
    assert Hits([hit("gone.png")], None, get).show().getpixel((50, 100)) == (0, 255, 0)


def test_scenes_stand_in_rows_beside_their_whole_frame(files):
    Image.new("RGB", (300, 200), (0, 255, 0)).save(files[1])
    hits = Hits([hit(f"{files[1]}#xywh=10,20,50,100"), hit(files[2])], files[0])
    shown = np.asarray(hits.show())
    query, scene, plain = (shown[upper, [160, 490]].argmax(1).tolist() for upper in (120, 380, 620))
    assert query[0] == 0 and scene == [1, 1] and plain[0] == 2
    assert (shown[260:500, 330:650].astype(int) - (200, 40, 40)).__abs__().max(2).min() < 12  # the box


def test_a_scene_that_is_another_by_now_spoils_no_sheet(files, tmp_path):
    kept = (tmp_path / "<1>.png").read_bytes()
    get = lambda ids: [Entry(torch.zeros(2), id=ids[0], picture=kept)]  # noqa: E731
    Image.new("RGB", (30, 20), (0, 0, 255)).save(tmp_path / "scene.png")
    shown = np.asarray(Hits([hit(f"{tmp_path / 'scene.png'}#xywh=10,20,50,100")], None, get).show())
    assert shown[120, 160].argmax() == 1  # as the gallery kept it
    with pytest.raises(UserError, match="has no picture"):
        Hits([hit(f"{tmp_path / 'scene.png'}#xywh=10,20,50,100")]).show()


def test_several_searches_have_a_sheet_each_also_where_their_queries_share_a_name(files, tmp_path):
    (tmp_path / "sub").mkdir()
    same = tmp_path / "sub" / "<0>.png"
    Image.new("RGB", (20, 40)).save(same)
    answers = [Hits([hit(files[1])], query) for query in (files[0], files[1], str(same))]
    written = write_sheets(answers, tmp_path / "out")
    assert [path.name for path in written] == ["1_<0>.png", "<1>.png", "3_<0>.png"]
    assert all(path.is_file() for path in written) and write_sheets(answers[:1], tmp_path / "a.png")[0].is_file()
