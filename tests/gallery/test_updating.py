import multiprocessing

import pytest
import torch
from PIL import Image

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery import Change, Entry, Filter, Gallery, changes_of, picture_id
from occreid.records import Record

DIM = 8


def facts(gallery, entry_id):
    (entry,) = gallery.get([entry_id])
    return entry.pid, entry.camid, entry.timestamp, entry.tags


def test_what_is_given_changes_and_the_rest_stays(make, people):
    gallery = make(20)
    before = gallery.get(["p0004"])[0]
    change = Change(pid="zoe", timestamp=999.0, add_tags=("staff",), remove_tags=("even", "never"))
    assert gallery.update({"p0004": change, "unknown": change}) == 1
    assert facts(gallery, "p0004") == ("zoe", "4", 999.0, ("person", "staff"))
    after = gallery.get(["p0004"])[0]
    assert torch.equal(after.features, before.features) and after.picture == before.picture
    assert facts(gallery, "p0003") == ("1", "3", 103.0, ("odd", "person"))
    assert len(gallery) == 20 and gallery.verify().sound


def test_a_camera_gets_another_name_everywhere(make):
    gallery, query = make(20), Descriptors(torch.ones(1, DIM))
    count = gallery.update(Change(camid="north gate"), Filter(camids=(3,)))
    assert count == 4 and gallery.stats().cameras == {"0": 4, "1": 3, "2": 4, "4": 4, "north gate": 4}
    assert {hit.id for hit in gallery.search(query, 20, Filter(camids=("north gate",)))[0]} == {
        "p0003", "p0008", "p0013", "p0018",
    }  # fmt: skip
    assert gallery.search(query, 20, Filter(camids=(3,)))[0] == []


def test_the_empty_name_and_a_time_below_zero_are_unknown(make):
    gallery = make(4)
    gallery.update({"p0002": Change(pid="", camid=" ", timestamp=-1, tags=())})
    assert facts(gallery, "p0002") == (None, None, None, ())


def test_pictures_that_are_known_take_the_names_of_a_table(make, tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(2)]
    for number, file in enumerate(files):
        Image.new("RGB", (8, 16), (90 * number, 0, 0)).save(file)
    gallery = make()
    gallery.add([Entry(torch.ones(DIM), id=picture_id(file.read_bytes())) for file in files])
    records = [
        Record(files[0], 0, 0, person="zoe", camera="door", time=5.0),
        Record(files[1], -1, -1, camera=""),
    ]
    changes = changes_of(records, Change(add_tags=("new",)), start=1_700_000_000.0)
    assert gallery.update(changes) == 2
    first, second = (facts(gallery, picture_id(file.read_bytes())) for file in files)
    assert first == ("zoe", "door", 1_700_000_005.0, ("new",)) and second == (None, None, 1_700_000_000.0, ("new",))
    gallery.update(changes_of(records, Change(camid="hall")))
    assert facts(gallery, picture_id(files[0].read_bytes()))[:2] == ("zoe", "hall")


def test_one_picture_with_two_names_is_refused(tmp_path):
    files = [tmp_path / name for name in ("a.png", "b.png")]
    for file in files:
        Image.new("RGB", (8, 16)).save(file)
    zoe, tom = Record(files[0], 0, 0, person="zoe"), Record(files[1], 1, 0, person="tom")
    with pytest.raises(
        UserError, match=r"a\.png and .*b\.png, the same picture, is given the person 'zoe' and 'tom'\."
    ):
        changes_of([zoe, tom], Change())
    twice = Record(files[0], 0, 1, person="zoe", camera="door")
    with pytest.raises(UserError, match=r"a\.png is given the camera '0' and 'door'\."):
        changes_of([zoe, twice], Change())
    assert len(changes_of([zoe, tom, twice], Change(pid="ann", camid="door"))) == 1
    assert len(changes_of([zoe, zoe], Change())) == 1


def test_two_lines_of_one_picture_that_fit_together_add_up(tmp_path):
    file = tmp_path / "a.png"
    Image.new("RGB", (8, 16)).save(file)
    one = Record(file, 0, -1, person="zoe", camera="", tags=("red",))
    other = Record(file, -1, 2, person="", camera="door", tags=("bag", "red"), timestamp=1_700_000_000.0)
    assert [*changes_of([one, other], Change(add_tags=("new",))).values()] == [
        Change("zoe", "door", 1_700_000_000.0, add_tags=("new", "red", "bag"))
    ]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda g: g.update(Change(camid="x")), "would change everything"),
        (lambda g: g.update(Change(camid="x"), Filter()), "would change everything"),
        (lambda g: g.update({"a": Change(camid="x")}, Filter(camids=(1,))), "do not go together"),
        (lambda g: g.update({"a": Change()}), "nothing is to be changed"),
        (lambda g: g.update({"a b": Change(camid="x")}), "is not an id"),
        (lambda g: Change(camid="x" * 129), "no name of a camera"),
        (lambda g: Change(add_tags=("'",)), "is not a tag"),
        (lambda g: Change(add_tags=("a", "b"), remove_tags=("b",)), "the tag 'b' is to be added and removed"),
        (lambda g: Change(timestamp=1e13), "not Unix seconds"),
        (lambda g: Change(timestamp=float("nan")), "not Unix seconds"),
    ],
)
def test_what_cannot_be_is_said(make, act, message):
    with pytest.raises(UserError, match=message):
        act(make(3))


def test_a_change_of_nothing_is_one():
    assert Change().is_nothing and not Change(tags=()).is_nothing and not Change(pid="").is_nothing


def test_an_old_name_leaves_the_disk_with_compaction(tmp_path, people):
    gallery = Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w" * 64)
    gallery.add(people(6))
    gallery.update({"p0002": Change(pid="Secret Name")})
    gallery.update({"p0002": Change(pid="nobody")})
    assert gallery.unswept()
    gallery.compact()
    assert b"Secret Name" not in b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert not gallery.unswept() and facts(gallery, "p0002")[0] == "nobody"


def test_two_processes_that_change_one_entry_at_once_undo_nothing_of_each_other(tmp_path, people):
    with Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w" * 64) as gallery:
        gallery.add(people(2))
        context = multiprocessing.get_context("spawn")
        start = context.Event()
        writers = [context.Process(target=_tag, args=(str(tmp_path / "g"), name, start)) for name in "ab"]
        for writer in writers:
            writer.start()
        start.set()
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        assert set(facts(gallery, "p0000")[3]) == {"person", "even", *(f"{name}{n}" for name in "ab" for n in range(8))}
        assert len(gallery) == 2 and gallery.verify().sound


def _tag(place, name, start):
    with Gallery.open(place) as gallery:
        assert start.wait(60)
        for number in range(8):
            assert gallery.update({"p0000": Change(add_tags=(f"{name}{number}",))}) == 1


def test_what_another_changes_between_finding_and_changing_is_not_overwritten(make, monkeypatch):
    gallery = make(4)
    store, change = gallery._store, type(gallery._store).change

    def late(self, ids, changed, filter=None):
        monkeypatch.undo()
        gallery.update({"p0003": Change(camid="hall")})  # it is of camera 3 no longer
        return change(self, ids, changed, filter)

    monkeypatch.setattr(type(store), "change", late)
    assert gallery.update(Change(camid="north gate"), Filter(camids=("3",))) == 0
    assert facts(gallery, "p0003")[1] == "hall"
