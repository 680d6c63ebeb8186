import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from occreid.distances import distances
from occreid.errors import UserError
from occreid.gallery import Filter
from occreid.gallery.errors import StorageFull
from occreid.retrieval.calibration import Calibration
from occreid.scenes.boxes import Box
from occreid.serve import schemas
from occreid.serve import service as service_module
from occreid.serve.caller import Caller
from occreid.serve.engine import Engine
from occreid.serve.keys import Key
from occreid.serve.pictures import decode
from occreid.serve.proposing import Proposer
from occreid.serve.service import EntryNotFound
from occreid.serve.settings import Settings
from occreid.serve.trail import read_audit

CALLER = Caller(Key("1a", "anna", ("admin",), "", 0.0), "request-1", "127.0.0.1")
CURVE = Calibration(3.0, 2.0, "cosine", "", 0.5, "toy", {}, {"ece": 0.02})


@pytest.fixture
def service(make_service):
    return make_service()


@pytest.fixture
def parts_service(make_service, parts_engine):
    return make_service(engine=parts_engine, where="parts")


def log(tmp_path, action):
    return [entry for entry in read_audit(tmp_path / "audit.jsonl") if entry["action"] == action]


def enrol(service, picture, *seeds, **facts):
    return [service.enrol(CALLER, picture(seed), None, **facts).id for seed in seeds]


def test_the_nearest_come_first_at_their_true_distances(service, picture):
    ids = enrol(service, picture, *range(6))
    found = service.search(CALLER, picture(2), None, k=4)
    assert found.hits[0].id == ids[2] and [hit.rank for hit in found.hits] == [1, 2, 3, 4]
    described = [service.engine.prepare(decode(picture(i), max_pixels=10**6)) for i in range(6)]
    rows = service.engine.describe(described)
    wanted = sorted(float(distances(rows[2], row, "cosine")) for row in rows)[:4]
    assert [hit.distance for hit in found.hits] == pytest.approx(wanted, abs=1e-4)


def test_filters_narrow(service, picture):
    for seed in range(6):
        enrol(
            service, picture, seed, camid=seed % 2, timestamp=100.0 * seed, tags=["hall"] if seed < 2 else [], pid=seed
        )

    def pids(**filter):
        return {hit.pid for hit in service.search(CALLER, picture(0), None, filter=Filter(**filter)).hits}

    assert pids(camids=(1,)) == {"1", "3", "5"} and pids(start=200.0, end=400.0) == {"2", "3"}
    assert pids(tags=("hall",)) == {"0", "1"} and pids(exclude_camid=0) == {"1", "3", "5"}


def test_the_same_crop_is_enrolled_once(service, picture):
    first = service.enrol(CALLER, picture(1), None, camid=1, timestamp=5.0)
    again = service.enrol(CALLER, picture(1, kind=".bmp"), None, camid=1, timestamp=5.0)
    elsewhere = service.enrol(CALLER, picture(1), None, camid=2, timestamp=5.0)
    assert first.added and not again.added and again.id == first.id and elsewhere.added and elsewhere.id != first.id
    assert len(service.gallery) == 2


def test_many_at_once_are_few_commits_and_all_there(service, picture):
    commits = []
    add = service.gallery.add
    service.gallery.add = lambda entries: (commits.append(len(entries)), add(entries))[1]
    threads = [threading.Thread(target=enrol, args=(service, picture, seed)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(service.gallery) == 12 and sum(commits) == 12 and len(commits) < 12


def test_a_box_is_what_is_described(service, picture):
    whole = service.embed(CALLER, picture(3, 96, 48), None)
    part = service.embed(CALLER, picture(3, 96, 48), "0,0,24,48")
    assert whole.features != part.features and len(whole.features[0]) == 512
    assert whole.weights_sha256 == service.engine.weights_hash


def test_without_a_calibration_there_is_no_probability(service, picture):
    enrol(service, picture, 1)
    assert [hit.probability for hit in service.search(CALLER, picture(1), None).hits] == [None]
    found = service.compare(CALLER, picture(1), picture(2))
    assert found.probability is None and "occreid serve calibrate" in found.message and found.distance > 0
    assert any("no calibration" in warning for warning in service.warnings())


def test_with_one_it_is_the_curves_and_says_what_it_presumes(make_service, picture):
    service = make_service(calibration=CURVE)
    enrol(service, picture, 1, 2)
    for hit in service.search(CALLER, picture(1), None).hits:
        assert hit.probability == pytest.approx(CURVE.probability(hit.distance))
    found = service.compare(CALLER, picture(1), picture(1))
    assert found.probability == pytest.approx(CURVE.probability(0.0), abs=1e-5)
    assert "50%" in found.message and "0.020" in found.message and "toy" in found.message
    assert service.about(CALLER).calibrated and service.about(CALLER).prior == 0.5 and not service.warnings()


def test_comparing_is_symmetric_and_takes_boxes(service, picture):
    one, other = picture(1), picture(2)
    there, back = service.compare(CALLER, one, other), service.compare(CALLER, other, one)
    assert there.distance == pytest.approx(back.distance, abs=1e-5)
    cropped = service.compare(CALLER, one, one, ("0,0,48,48", None))
    assert cropped.distance > service.compare(CALLER, one, one).distance


def striped(*colours):
    """A PNG of stripes; grey ones count as unseen for `parts_method`."""
    import cv2
    import numpy as np

    pixels = np.zeros((32, 16, 3), np.uint8)
    for place, colour in enumerate(colours):
        pixels[8 * place : 8 * place + 8] = colour
    return cv2.imencode(".png", pixels)[1].tobytes()


RED, BLUE, GREY = (0, 0, 200), (200, 0, 0), (90, 90, 90)


def test_two_pictures_that_share_no_part_cannot_be_compared(parts_service):
    found = parts_service.compare(CALLER, striped(RED, RED, GREY, GREY), striped(GREY, GREY, RED, RED))
    assert found.distance is None and found.score is None and found.probability is None
    assert "no part" in found.message and found.visibility == ([True, True, False, False], [False, False, True, True])
    enrolled = parts_service.enrol(CALLER, striped(GREY, GREY, RED, RED), None)
    found = parts_service.search(CALLER, striped(RED, BLUE, GREY, GREY), None)
    assert enrolled.added and found.hits == [] and found.visibility == [True, True, False, False]


def test_maps_are_shown_where_the_method_has_some(service, parts_service, picture):
    found = service.explain(CALLER, picture(1), None, None)
    assert [shown.name for shown in found.maps] == ["Grad-CAM"] and "has no maps of its own" in found.message
    shown = parts_service.explain(CALLER, striped(RED, GREY, RED, GREY), None, None)
    assert [found.name for found in shown.maps] == ["all", "visible stripes"]
    assert shown.maps[0].overlay.startswith("data:image/png;base64,") and shown.visibility == [True, False, True, False]


def test_an_entrys_picture_can_be_explained(parts_service):
    entry_id = parts_service.enrol(CALLER, striped(RED, BLUE, RED, BLUE), None).id
    assert len(parts_service.explain(CALLER, None, None, entry_id).maps) == 2
    for data, name in ((None, None), (b"x", entry_id)):
        with pytest.raises(UserError, match="a picture or an id"):
            parts_service.explain(CALLER, data, None, name)


def test_entries_can_be_read_and_their_picture(service, picture):
    (entry_id,) = enrol(service, picture, 1, camid="north gate", timestamp=7.0, pid=9, tags=["b", "a"])
    found = service.entry(CALLER, entry_id)
    assert (found.pid, found.camid, found.timestamp, found.tags, found.has_picture) == (
        "9",
        "north gate",
        7.0,
        ["a", "b"],
        True,
    )
    assert decode(service.picture(CALLER, entry_id), max_pixels=10**6).shape == (96, 48, 3)
    with pytest.raises(EntryNotFound, match="no entry"):
        service.entry(CALLER, "missing")


def test_pictures_need_not_be_kept(make_service, picture):
    service = make_service(Settings(keep_pictures=False))
    (entry_id,) = enrol(service, picture, 1)
    assert not service.entry(CALLER, entry_id).has_picture
    with pytest.raises(EntryNotFound, match="kept"):
        service.picture(CALLER, entry_id)
    assert service.search(CALLER, picture(1), None, pictures=True).hits[0].picture is None


def on_disk(folder, needles):
    """Which of the byte strings lie anywhere in the files of a folder."""
    data = b"".join(file.read_bytes() for file in sorted(Path(folder).rglob("*")) if file.is_file())
    return [needle for needle in needles if needle in data]


def test_what_is_deleted_is_gone_from_the_disk(service, picture, tmp_path):
    ids = enrol(service, picture, *range(4))
    entries = service.gallery.get(ids)
    needles = [needle for e in entries for needle in (e.picture, e.features[0, :64].numpy().tobytes())]
    assert on_disk(tmp_path / "gallery", needles) == needles  # otherwise this test could not fail
    gone = service.delete(CALLER, ids=ids[:2])
    assert gone.deleted == 2 and gone.gone_from_disk
    assert on_disk(tmp_path / "gallery", needles) == needles[4:]
    assert on_disk(tmp_path / "gallery", [name.encode() for name in ids]) == [name.encode() for name in ids[2:]]
    assert {hit.id for hit in service.search(CALLER, picture(0), None).hits} == set(ids[2:])
    with pytest.raises(EntryNotFound):
        service.picture(CALLER, ids[0])


def test_deleting_by_time_and_camera(service, picture):
    for seed in range(6):
        enrol(service, picture, seed, camid=seed % 2, timestamp=100.0 * seed, pid=seed)
    assert service.delete(CALLER, before=300.0, filter=Filter(camids=(1,))).deleted == 1
    assert service.delete(CALLER, filter=Filter(camids=(1,))).deleted == 2
    assert service.delete(CALLER, before=1e9).deleted == 3 and len(service.gallery) == 0
    with pytest.raises(UserError, match="everything"):
        service.delete(CALLER)


def test_retention_deletes_the_old_and_logs_it(make_service, picture, tmp_path):
    service = make_service(Settings(retention_days=10))
    now = time.time()
    old, young = (
        enrol(service, picture, 1, timestamp=now - 11 * 86400),
        enrol(service, picture, 2, timestamp=now - 9 * 86400),
    )
    enrol(service, picture, 3)  # of unknown time: it counts from when it was enrolled
    assert service.removal.retain() == 1 and service.removal.retain() == 0
    assert len(service.gallery) == 2 and service.gallery.get(old) == [] and service.gallery.get(young)
    (entry,) = log(tmp_path, "retention")
    assert entry["deleted"] == 1 and b'occreid_entries_deleted_total{why="retention"} 1.0' in service.metrics.text()
    assert make_service().removal.retain() == 0


@pytest.fixture
def full_once(monkeypatch):
    """Let a service's gallery fail to compact the first time, as on a full disk."""

    def fill(service):
        compact, failures = service.gallery.compact, [OSError(28, "No space left")]

        def fail_once():
            if failures:
                failures.pop()
                raise StorageFull("cannot write the gallery.", "Is the disk full?")
            compact()

        monkeypatch.setattr(service.gallery, "compact", fail_once)

    return fill


def test_what_a_full_disk_left_is_swept_by_the_next_deletion(service, picture, tmp_path, full_once):
    ids = enrol(service, picture, 1, 2)
    needles = [entry.picture for entry in service.gallery.get(ids)]
    full_once(service)
    with pytest.raises(StorageFull) as left:
        service.delete(CALLER, ids=ids[:1])
    assert left.value.done.startswith("1 entries are deleted from every answer; bytes are still on the disk")
    assert on_disk(tmp_path / "gallery", needles) == needles
    again = service.delete(CALLER, ids=ids[:1])
    assert again.deleted == 0 and again.gone_from_disk
    assert on_disk(tmp_path / "gallery", needles) == needles[1:]
    assert b'occreid_entries_deleted_total{why="request"} 1.0' in service.metrics.text()


def test_what_a_full_disk_left_is_swept_by_the_next_retention_and_logged_once(
    make_service, picture, tmp_path, full_once
):
    service = make_service(Settings(retention_days=10))
    (entry,) = service.gallery.get(enrol(service, picture, 1, timestamp=time.time() - 11 * 86400))
    full_once(service)
    with pytest.raises(StorageFull):
        service.removal.retain()
    assert on_disk(tmp_path / "gallery", [entry.picture])
    assert service.removal.retain() == 0 and not on_disk(tmp_path / "gallery", [entry.picture])
    assert [line["deleted"] for line in log(tmp_path, "retention")] == [1]


def test_every_search_is_in_the_log_without_a_picture(service, picture, tmp_path):
    ids = enrol(service, picture, 1, 2, camid=4)
    found = service.search(CALLER, picture(1), "0,0,40,80", k=2, filter=Filter(camids=(4,)))
    (entry,) = log(tmp_path, "search")
    assert (entry["key"], entry["name"], entry["request"], entry["from"]) == ("1a", "anna", "request-1", "127.0.0.1")
    assert entry["search"] == found.search_id and set(entry["answers"]) == set(ids) and entry["k"] == 2
    assert entry["filter"] == {"camids": ["4"]} and entry["box"] == "0,0,40,80" and len(entry["picture_sha256"]) == 64
    service.mark(CALLER, schemas.Mark(search_id=found.search_id, id=ids[0], verdict="right"))
    assert log(tmp_path, "mark")[0]["verdict"] == "right"
    text = (tmp_path / "audit.jsonl").read_text()
    assert max(len(line) for line in text.splitlines()) < 700 and not re.search(r"data:|base64|features", text)


def test_everything_done_to_a_picture_is_in_the_log(parts_service, picture, tmp_path):
    entry_id = parts_service.enrol(CALLER, picture(1), None).id
    parts_service.embed(CALLER, picture(1), None)
    parts_service.compare(CALLER, picture(1), picture(2))
    parts_service.explain(CALLER, None, None, entry_id)
    parts_service.picture(CALLER, entry_id)
    parts_service.delete(CALLER, ids=[entry_id])
    actions = [entry["action"] for entry in read_audit(tmp_path / "audit.jsonl")]
    assert actions == ["enrol", "embed", "compare", "explain", "picture", "delete"]


def test_no_answer_without_a_line_in_the_log(service, picture, monkeypatch):
    enrol(service, picture, 1)

    def full(*_, **__):
        raise StorageFull("full")

    monkeypatch.setattr(service.audit, "write", full)
    for ask in (
        lambda: service.search(CALLER, picture(1), None),
        lambda: service.compare(CALLER, picture(1), picture(2)),
        lambda: service.delete(CALLER, filter=Filter(camids=(0,))),
    ):
        with pytest.raises(StorageFull):
            ask()


def test_a_full_disk_is_not_the_askers_mistake(service, picture, monkeypatch):
    def refuse(entries):
        raise StorageFull("cannot write the gallery.", "Is the disk full?")

    monkeypatch.setattr(service.gallery, "add", refuse)
    with pytest.raises(StorageFull, match="cannot write the gallery"):
        service.enrol(CALLER, picture(1), None)


@pytest.mark.parametrize("k", [0, -1, 101])
def test_too_many_answers_are_refused(service, picture, k):
    with pytest.raises(UserError, match=f"k is {k}"):
        service.search(CALLER, picture(1), None, k=k)


def test_about_says_what_is_there(service, picture):
    enrol(service, picture, 1, camid=5, timestamp=3.0)
    enrol(service, picture, 2, camid=2, timestamp=9.0)
    found = service.about(CALLER)
    assert (found.entries, found.cameras, found.earliest, found.latest) == (2, ["2", "5"], 3.0, 9.0)
    assert (found.input_height, found.input_width, found.parts, found.dimensions) == (64, 32, 1, 512)
    assert found.model == service.engine.called
    assert (found.key, found.roles, found.method, found.metric) == ("anna", ["admin"], "baseline", "cosine")


def test_a_nearly_full_disk_is_said(service, monkeypatch):
    service.check_room()
    monkeypatch.setattr("occreid.serve.service._ROOM", 2**70)
    with pytest.raises(UserError, match="nearly full"):
        service.check_room()


@pytest.mark.parametrize("full", ["audit", "gallery"])
def test_the_disks_of_log_and_gallery_are_both_looked_at(service, monkeypatch, full):
    place = {"audit": service.audit.path.parent, "gallery": Path(service.gallery.where)}[full]
    free = {True: 0, False: 2**40}
    monkeypatch.setattr(
        "occreid.serve.service.shutil.disk_usage", lambda where: SimpleNamespace(free=free[Path(where) == place])
    )
    with pytest.raises(UserError, match="nearly full"):
        service.check_room()


def test_a_method_that_refines_is_warned_of_and_ranks_without_it(make_service, parts_engine, picture, monkeypatch):
    import sys

    refining = sys.modules[type(parts_engine.model).__module__].Refining(1)
    service = make_service(engine=Engine(refining, "orgnn", "r" * 64, torch.device("cpu")), where="refining")
    assert "ranks without it" in service.warnings()[0]
    service.enrol(CALLER, picture(1), None, pid="zoe")
    monkeypatch.setattr(type(refining), "refine", lambda *_: pytest.fail("it refined"))
    assert service.search(CALLER, picture(1), None).hits[0].pid == "zoe"


def test_a_tag_that_is_none_is_refused_before_anything_is_written_down(service, picture, tmp_path):
    with pytest.raises(UserError, match="is not a tag"):
        service.enrol(CALLER, picture(1), None, tags=["'"])
    assert log(tmp_path, "enrol") == [] and len(service.gallery) == 0


def test_a_mark_of_a_search_that_never_was_is_refused(service):
    with pytest.raises(EntryNotFound, match="no search"):
        service.mark(CALLER, schemas.Mark(search_id="0" * 16, id="x", verdict="right"))


def test_a_mark_of_another_keys_search_is_refused_as_if_it_never_was(service, picture, tmp_path):
    service.enrol(CALLER, picture(1), None)
    verdict = schemas.Mark(search_id=service.search(CALLER, picture(1), None).search_id, id="x", verdict="right")
    other = replace(CALLER, key=replace(CALLER.key, id="other"))
    with pytest.raises(EntryNotFound, match="this key made no search"):
        service.mark(other, verdict)
    assert log(tmp_path, "mark") == []
    service.mark(CALLER, verdict)
    assert len(log(tmp_path, "mark")) == 1


def test_persons_are_proposed_where_there_is_a_detector_and_the_log_knows(service, picture):
    with pytest.raises(UserError, match="no detector"):
        service.propose(CALLER, picture(1))
    assert not service.about(CALLER).proposes_boxes
    service.proposer = Proposer(lambda frame: [Box(0, 0, *frame.pixels.shape[1::-1], 0.8)])
    found = service.propose(CALLER, picture(1))
    assert len(found.boxes) == 1 and service.about(CALLER).proposes_boxes
    (line,) = [line for line in read_audit(service.audit.path) if line["action"] == "boxes"]
    assert len(line["picture_sha256"]) == 64 and line["name"] == "anna"
    with pytest.raises(UserError, match="this is no JPEG"):
        service.propose(CALLER, b"rubbish")


def test_the_gallery_computes_in_few_threads_whoever_asks(make_service, picture, monkeypatch):
    service, seen = make_service(Settings(compute_threads=1)), set()
    enrol(service, picture, 1)
    search = service.gallery.search
    monkeypatch.setattr(service.gallery, "search", lambda *words: (seen.add(threading.get_ident()), search(*words))[1])
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(service.search, CALLER, picture(n), None) for n in range(6)]
        assert all(one.result() for one in asked)
    assert len(seen) == 1
    compare = service_module.paired_distances
    monkeypatch.setattr(
        service_module, "paired_distances", lambda *words: (seen.add(threading.get_ident()), compare(*words))[1]
    )
    service.compare(CALLER, picture(0), picture(1))
    assert len(seen) == 1 and threading.get_ident() not in seen
