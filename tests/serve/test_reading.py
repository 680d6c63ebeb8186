import pytest

from occreid.errors import UserError
from occreid.gallery import Filter
from occreid.serve.caller import Caller
from occreid.serve.headers import TooLarge
from occreid.serve.keys import Key
from occreid.serve.reading import EntryNotFound
from occreid.serve.scope import Scope
from occreid.serve.settings import Settings
from occreid.serve.trail import read_audit

ANNA = Caller(Key("1a", "anna", ("admin",), "", 0.0), "request-1", "127.0.0.1")
HALL = Caller(Key("2b", "bert", ("admin",), "", 0.0, scope=Scope(tags=("hall",))), "request-2", "127.0.0.1")
EAST = Caller(Key("3c", "carl", ("admin",), "", 0.0, scope=Scope(("east",))), "request-3", "127.0.0.1")


@pytest.fixture
def service(make_service, picture):
    """Six entries: the first three tagged hall, every other one of camera east."""
    made = make_service(Settings(max_page=4, max_answer=2_500))
    made.ids = [
        made.enrol(ANNA, picture(n), None, camid="west" if n % 2 else "east", tags=("hall",) if n < 3 else ()).id
        for n in range(6)
    ]
    return made


def test_an_entry_out_of_reach_is_as_if_it_were_not_there(service):
    for read in (service.entry, service.picture, lambda who, name: service.explain(who, None, None, name)):
        assert read(HALL, service.ids[1])
        for caller, name in ((HALL, service.ids[4]), (EAST, service.ids[1]), (ANNA, "unknown")):
            with pytest.raises(EntryNotFound, match=f"there is no entry '{name}'"):
                read(caller, name)


def test_pages_hold_everything_once_and_are_written_down(service, tmp_path):
    first = service.reader.page(ANNA, "", 4, None)
    second = service.reader.page(ANNA, first.next, 4, None)
    assert [e.id for e in (*first.entries, *second.entries)] == sorted(service.ids) and second.next is None
    lines = [line for line in read_audit(tmp_path / "audit.jsonl") if line["action"] == "list"]
    assert [len(line["answers"]) for line in lines] == [4, 2] and lines[1]["cursor"] == first.next
    for caller, held in ((HALL, service.ids[:3]), (EAST, service.ids[::2])):
        assert [e.id for e in service.reader.page(caller, "", 4, None).entries] == sorted(held)
    assert [e.id for e in service.reader.page(HALL, "", 4, Filter(camids=("west",))).entries] == [service.ids[1]]


@pytest.mark.parametrize("limit", [0, 5])
def test_a_page_has_a_limit(service, limit):
    with pytest.raises(UserError, match="Ask for 1 to 4"):
        service.reader.page(ANNA, "", limit, None)


def test_pictures_together_have_a_limit(service):
    assert len(service.reader.pictures([*service.ids[:2], "unknown"])) == 2
    with pytest.raises(TooLarge, match="2,500 bytes"):
        service.reader.pictures(service.ids)


def test_searching_counting_and_deleting_stay_within_the_scope(service, picture):
    assert {hit.id for hit in service.search(HALL, picture(4), None).hits} == set(service.ids[:3])
    about = service.about(EAST)
    assert (about.entries, about.cameras, about.scope_camids) == (3, ["east"], ["east"])
    assert service.delete(HALL, ids=[service.ids[5]]).deleted == 0
    with pytest.raises(UserError, match="delete everything"):
        service.delete(HALL)  # not even everything within it
    assert service.delete(EAST, filter=Filter(tags=("hall",))).deleted == 2
    assert service.delete(HALL, before=4e9).deleted == 1 and len(service.gallery) == 3


def test_adding_stays_within_the_scope_and_tells_nothing_of_the_rest(service, picture):
    for caller, facts in ((HALL, {}), (EAST, {"camid": "west"}), (EAST, {})):
        with pytest.raises(UserError, match="cannot add such an entry"):
            service.enrol(caller, picture(9), None, **facts)
    assert len(service.gallery) == 6
    again = service.enrol(HALL, picture(4), None, camid="east", tags=("hall",))  # the same crop, out of its reach
    assert again.added and again.id not in service.ids
    assert not service.enrol(HALL, picture(4), None, camid="east", tags=("hall",)).added
