import pytest

from occreid.errors import UserError
from occreid.gallery import Filter


def test_pages_hold_every_entry_once_in_the_order_of_ids(make, people):
    gallery = make()
    for entries in (people(25)[20:], people(25)[:20]):
        gallery.add(entries)
    pages, after = [], ""
    while after is not None:
        pages.append(gallery.page(after, 10))
        after = pages[-1].next
    assert [len(page.entries) for page in pages] == [10, 10, 5]
    assert [e.id for page in pages for e in page.entries] == [f"p{row:04d}" for row in range(25)]
    assert pages[0].entries[3].picture == b"p0003" and pages[2].next is None


def test_a_full_last_page_has_no_next(make):
    assert make(4).page(limit=4).next is None


def test_pages_are_filtered(make):
    gallery = make(12)
    found = gallery.page(limit=3, filter=Filter(tags=("even",)))
    assert [e.id for e in found.entries] == ["p0000", "p0002", "p0004"] and found.next == "p0004"
    assert [e.id for e in gallery.page(filter=Filter(pids=(2, 3), camids=(0,))).entries] == ["p0005"]
    assert gallery.page(filter=Filter(pids=("nobody",))).entries == []
    assert gallery.page(after="p0009").next is None and len(gallery.page(after="p0009").entries) == 2


def test_what_cannot_be_a_page_is_refused(make):
    gallery = make(1)
    for wrong in ({"limit": 0}, {"after": "'"}, {"filter": Filter(exclude_own=True)}):
        with pytest.raises(UserError):
            gallery.page(**wrong)
