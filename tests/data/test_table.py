import pytest

from occreid.data.table import OF_CROPS, read_table
from occreid.errors import UserError

HEAD = "path,pid,camid,split,occluded\n"


@pytest.fixture
def table(touch, tmp_path):
    touch("img/a.jpg", "img/b, c.jpg")

    def write(text, encoding="utf-8"):
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_cells(table, tmp_path):
    first, second = read_table(table(HEAD + 'img/a.jpg,7,2,query,TRUE\n"img/b, c.jpg", eve ,,gallery,\n'))
    assert (first.path, first.part, first.pid) == (tmp_path / "img/a.jpg", "query", "7")
    assert (first.camera, first.occluded) == ("2", True)
    assert (second.path.name, second.pid, second.camera, second.occluded) == ("b, c.jpg", "eve", None, None)


@pytest.mark.parametrize(("text", "value"), [("no", False), ("0", False), ("1", True), ("", None)])
def test_occluded(table, text, value):
    assert read_table(table(HEAD + f"img/a.jpg,1,1,train,{text}\n"))[0].occluded is value


def test_optional_columns_any_order_and_a_byte_order_mark(table):
    (row,) = read_table(table("split,pid,path\r\ntrain,1,img/a.jpg\r\n", encoding="utf-8-sig"))
    assert (row.part, row.pid, row.camera, row.occluded) == ("train", "1", None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column path, pid, split"),
        ("path,pid\n", "has no column split"),
        ("path,pid,split,camids\n", r"unknown column 'camids'. Did you mean 'camid'\?"),
        (HEAD, "has no rows"),
        (HEAD + "img/a.jpg,1,1,test,\n", "line 2 has the split 'test'"),
        (HEAD + "img/a.jpg,1,1,galery,\n", r"Did you mean 'gallery'\?"),
        (HEAD + "img/a.jpg,1,1,train,maybe\n", "line 2 has occluded 'maybe'"),
        (HEAD + "img/a.jpg,,1,train,\n", "line 2 has no pid"),
        (HEAD + "img/a.jpg,1,1,train,\nimg/b, c.jpg,1,1,train,\n", "line 3 has more or fewer cells"),
        (HEAD + "img/a.jpg,1,1\n", "line 2 has more or fewer cells"),
        (HEAD + "img/x.jpg,1,1,train,\n", r"1 images named in .*mine.csv do not exist: .*img/x.jpg"),
        ("path,pid,split,camid,camera\n", "both a column camid and a column camera"),
        (
            "path,pid,split,timestamp\nimg/a.jpg,1,train,1763730000000\n",
            r"timestamp in .*line 2 1763730000000 is not Unix",
        ),
        (
            "path,pid,split,timestamp\nimg/a.jpg,1,train,noon\n",
            r"timestamp in .*mine.csv line 2 'noon' is not a moment",
        ),
        ("path,pid,split,tags\nimg/a.jpg,1,train,a;b!\n", r"mine.csv line 2: 'b!' is not a tag"),
        (HEAD + "img/a.jpg,1,1,train,\nimg/a.jpg,2,1,train,\n", r"names .*img/a.jpg twice in train"),
    ],
)
def test_what_makes_no_sense(table, text, message):
    with pytest.raises(UserError, match=message):
        read_table(table(text))


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(UserError, match=r"there is no table .*none.csv"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"cannot read the table .*binary\.csv \(no UTF-8"):
        read_table(tmp_path / "binary.csv")


def test_a_quote_that_is_not_closed_is_said_with_its_line(tmp_path, touch):
    touch("a.jpg", "b.jpg")
    for rest in ("b.jpg,1,2,gallery\n", "b.jpg,1,2,gallery\n" * 8000):
        (tmp_path / "t.csv").write_text(f'path,pid,camid,split\na.jpg,1,1,query\n"b.jpg,1,1,query\n{rest}')
        with pytest.raises(UserError, match=r"t\.csv is no CSV: .+ begins on line 3\. Is a quote not closed\?"):
            read_table(tmp_path / "t.csv")


def test_a_path_that_no_disk_could_hold_does_not_exist(tmp_path):
    (tmp_path / "t.csv").write_text(f"path,pid,split\n{'a' * 300}.jpg,1,query\n")
    with pytest.raises(UserError, match=r"1 images named in .* do not exist"):
        read_table(tmp_path / "t.csv")


def test_moments_as_everywhere_else_and_tags_sorted(table):
    text = "path,pid,split,timestamp,tags\nimg/a.jpg,1,train,2026-03-01T01:00+01:00,staff; door;staff\n"
    first, second = read_table(table(text + '"img/b, c.jpg",1,train,,\n'))
    assert (first.timestamp, first.tags) == (1772323200.0, ("door", "staff"))
    assert (second.timestamp, second.tags) == (None, ())


def test_what_crop_wrote_is_read_and_only_what_is_needed_is_asked_for(table):
    head = "path,camera,timestamp,source,frame,seconds,x,y,width,height,score,track\n"
    (row,) = read_table(
        table(head + "img/a.jpg,door,1772323212.000,door.mp4,48,12.0,1,2,30,60,0.9,\n"), needed=("path",)
    )
    assert (row.camera, row.timestamp, row.pid, row.part) == ("door", 1772323212.0, "", "")
    assert set(head.strip().split(",")) - {"path", "timestamp"} == set(OF_CROPS)
