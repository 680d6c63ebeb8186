"""What every gallery does, wherever it lies: the same tests on LanceDB and on Milvus."""

import threading
import time

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.errors import UserError
from occreid.gallery import AddReport, Entry, Filter, Gallery
from occreid.gallery.errors import StorageError

DIM, PARTS = 8, 3  # of the fixtures


def nearest(query, gallery, metric, k, allowed):
    """Ids as an exhaustive comparison in memory gives them."""
    apart = distances(query, gallery, metric)
    answers = []
    for row in range(len(query)):
        ranked = sorted((float(apart[row, j]), f"p{j:04d}") for j in allowed(row) if apart[row, j].isfinite())
        answers.append([name for _, name in ranked[:k]])
    return answers


def same(first, second):
    """Whether two searches gave the same answers, up to rounding."""
    return [[hit.id for hit in hits] for hits in first] == [[hit.id for hit in hits] for hits in second] and all(
        abs(a.distance - b.distance) < 1e-5
        for x, y in zip(first, second, strict=True)
        for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "visible_parts"])
def test_search_is_the_exhaustive_comparison(make, metric, described):
    gallery = make(60, metric=metric)
    parts = gallery.manifest.parts
    query, everyone = described(7, parts=parts, seed=1), described(60, parts=parts)
    hits = gallery.search(query, 5)
    assert [[hit.id for hit in answers] for answers in hits] == nearest(
        query, everyone, metric, 5, lambda row: range(60)
    )
    apart = distances(query, everyone, metric)
    for row, answers in enumerate(hits):
        for hit in answers:
            assert hit.distance == pytest.approx(float(apart[row, int(hit.id[1:])]), abs=1e-5)


def test_a_hit_says_what_the_entry_says(make, described, people):
    gallery, everyone = make(10, metric="visible_parts"), people(10, parts=PARTS)
    (hits,) = gallery.search(described(10, parts=PARTS)[4:5], 1)
    (hit,), entry = hits, everyone[4]
    assert (hit.id, hit.pid, hit.camid, hit.timestamp, hit.tags, hit.path) == (
        "p0004", "2", "4", 104.0, ("even", "person"), "crops/0004.jpg",
    )  # fmt: skip
    assert hit.visibility == tuple(entry.visibility.tolist())
    assert hit.distance == pytest.approx(0, abs=1e-3) and hit.score == pytest.approx(1, abs=1e-3)


CAMERAS = [None if row == 1 else row % 5 for row in range(60)]
FILTERS = {
    "cameras": (Filter(camids=(1, 3)), lambda row, j: CAMERAS[j] in (1, 3)),
    "no camera": (Filter(camids=()), lambda row, j: False),
    "start": (Filter(start=120.0), lambda row, j: j >= 20),
    "end": (Filter(end=120.0), lambda row, j: 0 < j < 20),
    "range": (Filter(start=110.0, end=111.5), lambda row, j: j in (10, 11)),
    "tag": (Filter(tags=("odd",)), lambda row, j: j % 2 == 1),
    "tags": (Filter(tags=("odd", "even")), lambda row, j: False),
    "other camera": (Filter(exclude_camid=2), lambda row, j: CAMERAS[j] != 2),
    "own and another": (Filter(exclude_own=True, exclude_camid=3), lambda row, j: CAMERAS[j] not in (row, 3)),
    "own camera": (Filter(exclude_own=True), lambda row, j: CAMERAS[j] != row),
    "all": (
        Filter(camids=(0, 1, 2), start=105.0, end=150.0, tags=("person", "even"), exclude_own=True),
        lambda row, j: CAMERAS[j] in (0, 1, 2) and 5 <= j < 50 and j % 2 == 0 and CAMERAS[j] != row,
    ),
}


@pytest.mark.parametrize("exact", [True, False])
def test_filters_narrow_a_search(make, exact, described):
    gallery, query = make(60), described(5, seed=1)
    for name, (filter, allowed) in FILTERS.items():
        hits = gallery.search(query, 60, filter, exact)
        expected = nearest(
            query, described(60), "cosine", 60, lambda row, allowed=allowed: [j for j in range(60) if allowed(row, j)]
        )
        assert [[hit.id for hit in answers] for answers in hits] == expected, name


def test_what_shares_no_visible_part_is_no_answer(make):
    gallery = make(metric="visible_parts")
    seen = torch.tensor([True, False, False])
    gallery.add([Entry(torch.ones(PARTS, DIM), seen, id="seen"), Entry(torch.ones(PARTS, DIM), ~seen, id="unseen")])
    query = Descriptors(torch.ones(1, PARTS, DIM), seen[None])
    for exact in (True, False):
        assert [hit.id for hit in gallery.search(query, 5, exact=exact)[0]] == ["seen"]


def test_equal_distances_come_in_the_order_of_ids(make):
    gallery = make()
    gallery.add([Entry(torch.ones(DIM), id=name) for name in ("c", "a", "d", "b")])
    assert [hit.id for hit in gallery.search(Descriptors(torch.ones(1, DIM)), 4)[0]] == ["a", "b", "c", "d"]


def test_adding_twice_is_harmless(make, people):
    gallery, everyone = make(), people(20)
    assert gallery.add(everyone[:12]) == AddReport(12, 0)
    assert gallery.add(everyone) == AddReport(8, 12)
    assert gallery.add([everyone[0], everyone[0]]) == AddReport(0, 2)
    assert gallery.add([]) == AddReport(0, 0)
    assert len(gallery) == 20


def test_of_an_id_twice_in_a_batch_the_first_counts(make):
    gallery = make()
    first, second = (Entry(torch.full((DIM,), value), id="one") for value in (1.0, 2.0))
    assert gallery.add([first, second]) == AddReport(1, 1)
    assert gallery.get(["one"])[0].features.tolist() == [[1.0] * DIM]


def test_the_same_picture_is_the_same_entry(make):
    gallery = make()
    assert gallery.add([Entry(torch.ones(DIM), picture=b"jpeg", camid=1)]).added == 1
    assert gallery.add([Entry(torch.zeros(DIM), picture=b"jpeg", camid=2)]) == AddReport(0, 1)


def test_a_batch_with_a_mistake_adds_nothing(make, people):
    gallery, everyone = make(), people(5)
    everyone[3].features = torch.full((1, DIM), torch.nan)
    with pytest.raises(UserError, match="descriptor of p0003 holds NaN"):
        gallery.add(everyone)
    with pytest.raises(UserError, match=r"entry p0001 is \(1, 9\)"):
        gallery.add([people(1)[0], Entry(torch.zeros(9), id="p0001")])
    assert len(gallery) == 0


def test_entries_come_back_whole(make, people):
    gallery, everyone = make(6), people(6)
    back = gallery.get(["p0003", "nobody", "p0000"])
    assert [entry.id for entry in back] == ["p0003", "p0000"]
    for entry, put in zip(back, (everyone[3], everyone[0]), strict=True):
        assert torch.equal(entry.features, put.features) and torch.equal(entry.visibility, put.visibility)
        for name in ("pid", "camid", "timestamp", "tags", "path", "picture"):
            assert getattr(entry, name) == getattr(put, name)
    assert gallery.get([]) == []


def test_deleted_entries_are_found_no_more(make, described):
    gallery = make(20)
    query = described(20)[:20]
    assert gallery.search(query, 1)[7][0].id == "p0007"
    assert gallery.delete(ids=["p0007", "nobody"]) == 1
    assert gallery.delete(before=105.0) == 4  # the first has no time: it was added just now
    assert gallery.delete(filter=Filter(camids=(3,), tags=("even",))) == 2
    assert gallery.delete(ids=["p0009", "p0010"], filter=Filter(tags=("odd",))) == 1
    gone = {"p0001", "p0002", "p0003", "p0004", "p0007", "p0008", "p0018", "p0009"}
    for _ in range(2):
        assert len(gallery) == 20 - len(gone)
        assert not gone & {hit.id for hits in gallery.search(query, 20) for hit in hits}
        gallery.compact()
        assert not gallery.unswept()
    assert gallery.verify().sound


def test_entries_without_a_time_are_kept_by_when_they_were_added(make, monkeypatch):
    gallery = make()
    monkeypatch.setattr("time.time", lambda: 1000.0)
    gallery.add([Entry(torch.ones(DIM), id="untimed"), Entry(torch.ones(DIM), id="timed", timestamp=2000.0)])
    assert gallery.delete(before=1000.0) == 0
    assert gallery.delete(before=1000.5) == 1 and gallery.get(["timed"])


def test_statistics_count_what_is_there(make):
    stats = make(20).stats()
    assert (stats.entries, stats.persons, stats.earliest, stats.latest) == (20, 10, 101.0, 119.0)
    assert stats.cameras == {"0": 4, "1": 3, "2": 4, "3": 4, "4": 4}
    assert stats.tags == {"even": 10, "odd": 10, "person": 20}
    assert stats.index is None and stats.manifest.dim == DIM


def test_an_empty_gallery_answers(make, described):
    gallery = make()
    assert gallery.search(described(2), 3) == [[], []] == gallery.search(described(2), 3, exact=False)
    stats = gallery.stats()
    assert (stats.entries, stats.earliest, len(gallery)) == (0, None, 0) and gallery.verify().sound
    assert gallery.delete(before=4e9) == 0
    gallery.compact()


def test_what_was_added_is_there_when_opened_again(make, place, described):
    make(10).close()
    with Gallery.open(place, weights_hash="w" * 64) as gallery:
        assert gallery.search(described(10)[:1], 1)[0][0].id == "p0000" and gallery.verify().sound


def test_other_weights_are_refused(make, place):
    make(model_name="ssgr")
    with pytest.raises(UserError, match=r"other weights \(ssgr wwwwwwwwwwww…, not vvvvvvvvvvvv…\)"):
        Gallery.open(place, weights_hash="v" * 64)


def test_an_index_finds_most_and_its_recall_is_measured(make, described):
    gallery = make(300)
    gallery.build_index(kind="IVF_FLAT", partitions=4)
    index = gallery.stats().index
    assert index is not None and index["type"] == "IVF_FLAT"
    assert gallery.recall(5, queries=5, probes=4) == 1.0
    few, many = (gallery.recall(5, queries=10, probes=probes) for probes in (1, 4))
    assert 0 < few <= many
    assert same(gallery.search(described(3), 5), gallery.search(described(3), 5, exact=False, probes=4))


def test_new_entries_are_found_before_the_index_takes_them_in(make):
    gallery = make(256)
    gallery.build_index(kind="IVF_FLAT", partitions=4)
    late = Entry(torch.full((DIM,), 5.0), id="late")
    gallery.add([late])
    query = Descriptors(late.features)
    assert gallery.search(query, 1, exact=False)[0][0].id == "late"
    gallery.compact()
    assert gallery.search(query, 1, exact=False)[0][0].id == gallery.search(query, 1)[0][0].id == "late"


def test_candidates_of_parts_are_ranked_exactly(make, described):
    gallery = make(60, metric="visible_parts")
    query = described(4, parts=PARTS, seed=2)
    assert same(gallery.search(query, 5, exact=False, candidates=60), gallery.search(query, 5))
    assert gallery.recall(5, queries=5, candidates=60) == 1.0
    few = gallery.search(query, 5, exact=False, candidates=6)
    for answers in few:
        assert [hit.distance for hit in answers] == sorted(hit.distance for hit in answers)


def test_threads_share_a_gallery(make, described, people):
    gallery, everyone, query = make(10), people(50), described(50)
    errors = []

    def add(start):
        try:
            for row in range(start, 50, 2):
                gallery.add([everyone[row]])
                assert gallery.search(query[row : row + 1], 1)[0][0].id == everyone[row].id
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(gallery) == 50 and gallery.verify().sound


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda g: g.search(Descriptors(torch.ones(1, DIM)), 0), "cannot return 0 entries"),
        (lambda g: g.search(Descriptors(torch.zeros(1, 9)), 1), r"the query is \(1, 9\).*the gallery \(1, 8\)"),
        (lambda g: g.search(Descriptors(torch.full((1, DIM), torch.inf)), 1), "NaN or infinity"),
        (
            lambda g: g.search(Descriptors(torch.ones(1, DIM)), 1, Filter(exclude_own=True)),
            "cameras are not",
        ),
        (lambda g: g.delete(), "delete everything"),
        (lambda g: g.delete(filter=Filter()), "delete everything"),
        (lambda g: g.delete(filter=Filter(exclude_own=True)), "no query whose camera"),
        (lambda g: g.delete(ids=["it's"]), "is not an id"),
        (lambda g: g.delete(before=float("nan")), "nan is not Unix seconds"),
        (lambda g: g.delete(before=float("inf")), "inf is not Unix seconds"),
        (lambda g: g.get(["a b"]), "is not an id"),
        (lambda g: g.build_index(), "0 entries are too few"),
        (lambda g: g.build_index(kind="IVF_PK"), "Did you mean 'IVF_PQ'"),
        (lambda g: g.recall(), "empty gallery has no recall"),
        (lambda g: g.add([Entry(torch.ones(DIM), id="x" * 129)]), "is not an id"),
    ],
)
def test_mistakes_are_named(action, message, tmp_path):
    pytest.importorskip("lancedb")
    gallery = Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w")
    with pytest.raises(UserError, match=message):
        action(gallery)


def test_sub_vectors_must_divide_the_width(tmp_path, people):
    pytest.importorskip("lancedb")
    gallery = Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w")
    gallery.add(people(256))
    with pytest.raises(UserError, match="3 sub-vectors do not divide 8 dimensions"):
        gallery.build_index(sub_vectors=3)


def test_pictures_go_in_and_are_searched_as_they_are(place, tmp_path):
    from PIL import Image

    from occreid.models import Method

    class Colours(Method):
        metric = "euclidean"
        input_size = (8, 4)

        def describe(self, images, masks=None):
            return Descriptors(images.float().mean((2, 3)) / 255)

    files = [str(tmp_path / f"{name}.png") for name in ("red", "dark", "blue")]
    for file, colour in zip(files, ((250, 0, 0), (100, 0, 0), (0, 0, 250)), strict=True):
        Image.new("RGB", (20, 40), colour).save(file)
    gallery = Gallery.create(place, dim=3, metric="euclidean", weights_hash="x")
    with pytest.raises(UserError, match="pictures need a model"):
        gallery.add(files)
    assert gallery.add(files, model=Colours()).added == 3 and gallery.add(files).known == 3
    (hits,) = gallery.search(files[0], k=2)
    assert [hit.path for hit in hits] == files[:2] and hits.query == files[0]
    assert hits.show().size[0] > 250 and "2 hits" in repr(hits)
    assert len(gallery.search([files[0], Image.new("RGB", (9, 9))], k=1)) == 2


def test_a_sample_is_checked_and_damage_is_named(tmp_path):
    pytest.importorskip("lancedb")
    gallery = Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w")
    gallery.probe()
    assert gallery.latest_added() is None
    for number in range(3):
        gallery.add([Entry(torch.randn(DIM), id=f"{number}-{row}", picture=bytes(500)) for row in range(4)])
    gallery.probe()
    assert abs(gallery.latest_added() - time.time()) < 60
    file = max((tmp_path / "g").rglob("data/*.lance"))
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(StorageError):
        Gallery.open(str(tmp_path / "g")).probe(8)
