import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from occreid.serve.app import create_app
from occreid.serve.keys import KeyRing, add_key
from occreid.serve.proposing import Proposer
from occreid.serve.scope import Scope
from occreid.serve.settings import Settings
from occreid.serve.trail import read_audit

T = 1_700_000_000.0
UNUSED = {"files": {"picture": b"x"}}


def test_a_person_enrolled_is_found(api, picture):
    for seed in range(6):
        answer = api.enrol(picture(seed), camid=seed % 3, timestamp=T + seed, pid=seed, tags=["hall", "door"])
        assert answer.status_code == 200 and answer.json()["added"]
    found = api.search(picture(4), k=3, camids=[1, 2], start=T + 1, end=T + 5, tags="hall", pictures="true").json()
    assert found["hits"][0]["pid"] == "4" and {hit["pid"] for hit in found["hits"]} == {"1", "2", "4"}
    assert found["hits"][0]["tags"] == ["door", "hall"] and found["hits"][0]["picture"].startswith("data:image/jpeg")
    assert {h["pid"] for h in api.search(picture(4), exclude_camid=1).json()["hits"]} == {"0", "2", "3", "5"}


def test_the_other_questions(api, picture):
    entry_id = api.enrol(picture(1), box="0,0,40,90").json()["id"]
    assert len(api("POST", "/v1/embed", "enrol", files={"picture": picture(1)}).json()["features"][0]) == 512
    pair = {"first": picture(1), "second": picture(2)}
    compared = api("POST", "/v1/compare", "search", files=pair, data={"first_box": "0,0,30,30"}).json()
    assert compared["distance"] > 0 and compared["probability"] is None
    assert api("POST", "/v1/explain", "search", data={"id": entry_id}).json()["maps"][0]["name"] == "Grad-CAM"
    assert api("GET", f"/v1/entries/{entry_id}", "search").json()["has_picture"]
    picture_of = api("GET", f"/v1/entries/{entry_id}/picture", "search")
    assert picture_of.content[:2] == b"\xff\xd8" and picture_of.headers["content-type"] == "image/jpeg"
    search_id = api.search(picture(1)).json()["search_id"]
    verdict = {"search_id": search_id, "id": entry_id, "verdict": "right"}
    assert api("POST", "/v1/marks", "search", json=verdict).status_code == 204
    assert api("GET", "/v1/about", "enrol").json()["roles"] == ["enrol"]


def test_deleting(api, picture):
    ids = [api.enrol(picture(seed), camid=seed, timestamp=T + 100 * seed).json()["id"] for seed in range(4)]
    assert api("DELETE", f"/v1/entries/{ids[3]}").json() == {"deleted": 1, "gone_from_disk": True}
    assert api("DELETE", "/v1/entries", params={"before": T + 100}).json()["deleted"] == 1
    assert api("DELETE", "/v1/entries", params={"camid": 2}).json()["deleted"] == 1
    assert api("DELETE", "/v1/entries/unknown").json()["deleted"] == 0
    assert api("DELETE", "/v1/entries").status_code == 400
    assert [api("GET", f"/v1/entries/{i}").status_code for i in ids] == [404, 200, 404, 404]


ROLES = {
    ("POST", "/v1/embed"): {"search", "enrol"},
    ("POST", "/v1/boxes"): {"search", "enrol"},
    ("POST", "/v1/search"): {"search"},
    ("POST", "/v1/compare"): {"search"},
    ("POST", "/v1/explain"): {"search"},
    ("POST", "/v1/marks"): {"search"},
    ("POST", "/v1/entries"): {"enrol"},
    ("GET", "/v1/entries/{id}"): {"search"},
    ("GET", "/v1/entries/{id}/picture"): {"search"},
    ("DELETE", "/v1/entries/{id}"): set(),
    ("DELETE", "/v1/entries"): set(),
    ("GET", "/v1/entries"): {"search"},
    ("GET", "/v1/about"): {"search", "enrol", "monitor"},
    ("GET", "/metrics"): {"monitor"},
}


def test_each_address_opens_to_its_roles_only(api):
    described = api("GET", "/openapi.json", None).json()["paths"]
    found = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert found - {("GET", "/health"), ("GET", "/livez"), ("GET", "/readyz")} == set(
        ROLES
    )  # no address without a rule
    for (method, path), roles in ROLES.items():
        for role in ("search", "enrol", "monitor", "admin"):
            status = api(method, path.replace("{id}", "x"), role, **(UNUSED if method == "POST" else {})).status_code
            assert (status != 403) == (role in roles or role == "admin"), (method, path, role)
        assert api(method, path.replace("{id}", "x"), None).status_code == 401


def test_openapi_says_how_to_sign_in_and_what_can_go_wrong(api):
    described = api("GET", "/openapi.json", None).json()
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for path, methods in described["paths"].items():
        for method, message in methods.items():
            assert message["summary"] and message["description"], path
            assert {"401", "429", "507"} <= message["responses"].keys(), (method, path)
    assert api("GET", "/docs", None).status_code == 401  # it would load scripts from elsewhere


def test_health_is_open_and_says_what_is_wrong(api, monkeypatch):
    assert api("GET", "/health", None).json() == {"status": "ok", "problems": []}
    monkeypatch.setattr("occreid.serve.service._ROOM", 2**70)
    time.sleep(1.1)  # an answer holds for a second
    answer = api("GET", "/health", None)
    assert answer.status_code == 503 and answer.json()["problems"] == ["The disk is nearly full."]


def test_metrics_count_what_was_answered(api, picture):
    api.enrol(picture(1))
    api.search(picture(1))
    api.search(b"no picture")
    text = api("GET", "/metrics", "monitor").text
    assert 'occreid_requests_total{route="/v1/search",status="200"} 1.0' in text
    assert 'occreid_requests_total{route="/v1/search",status="400"} 1.0' in text
    assert "occreid_gallery_entries 1.0" in text and "occreid_batch_size_count 2.0" in text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"k": 0}, 422),
        ({"k": 1000}, 400),
        ({"box": "1,2,3"}, 400),
        ({"box": "0,0,4000,4000"}, 400),
        ({"start": "nan"}, 400),
        ({"start": T, "end": T}, 400),
        ({"start": 5}, 400),
        ({"end": 1000 * T}, 400),
        ({"tags": "'; DROP TABLE people; --"}, 400),
        ({"tags": ["a"] * 20}, 422),
        ({"camids": ["9" * 400]}, 422),
        ({"camids": "a\0b"}, 400),
        ({"exclude_camid": "x" * 129}, 422),
        ({"exact": "maybe"}, 422),
        ({"unknown": "field"}, 422),
        ({"cameras": "1"}, 422),
    ],
)
def test_fields_that_make_no_sense(api, picture, fields, status):
    api.enrol(picture(1), camid=1, timestamp=T)
    assert api.search(picture(1), **fields).status_code == status


@pytest.mark.parametrize("entry_id", ["'", "a'b", "%00", "..%2f..%2fetc", "x" * 500, "ü"])
def test_strange_ids_are_mistakes(api, entry_id):
    for method, role in (("GET", "search"), ("DELETE", "admin")):
        assert 200 <= api(method, f"/v1/entries/{entry_id}", role).status_code < 500


def test_a_picture_of_too_many_pixels_or_bytes(make_api, picture):
    api = make_api(Settings(max_pixels=1000, max_body=20_000, rate=1e6, burst=10**6))
    assert api.search(picture(1)).status_code == 413  # 96 × 48 pixels
    assert api.search(picture(1, 30, 30)).status_code == 200
    assert api.search(bytes(30_000)).status_code == 413


def test_an_id_with_slashes_is_reached(api, picture):
    import torch

    from occreid.gallery import Entry

    api.service.gallery.add([Entry(torch.eye(512)[0], id="cam1/0001.jpg", picture=picture(1, kind=".jpg"))])
    for path in ("/v1/entries/cam1%2F0001.jpg", "/v1/entries/cam1/0001.jpg/picture"):
        assert api("GET", path, "search").status_code == 200
    assert api("DELETE", "/v1/entries/cam1%2F0001.jpg").json()["deleted"] == 1 and len(api.service.gallery) == 0


def test_health_tells_no_path(api, tmp_path):
    assert api("GET", "/livez", None).json()["status"] == api("GET", "/readyz", None).json()["status"] == "ok"
    (tmp_path / "keys.json").write_text("{")
    time.sleep(1.1)  # an answer holds for a second
    found = api("GET", "/readyz", None)
    assert found.status_code == 503 and found.json()["problems"] == ["The keys cannot be read."]
    assert api("GET", "/livez", None).status_code == 200


@pytest.mark.parametrize(
    "roles, days, status", [(["search"], None, 200), (["search", "enrol"], None, 503), (["search"], 1.0, 503)]
)
def test_a_gallery_that_becomes_read_only_is_seen_where_somebody_may_write(
    make_service, tmp_path, monkeypatch, roles, days, status
):
    add_key(tmp_path / "keys.json", "anna", roles)
    service = make_service(Settings(check_every=0.05, retention_days=days))
    with TestClient(create_app(service, KeyRing(tmp_path / "keys.json"))) as client:
        assert client.get("/readyz").status_code == 200

        def read_only(_):
            raise OSError(30, "Read-only file system", str(tmp_path))

        monkeypatch.setattr("occreid.gallery.lance.check_writable", read_only)
        time.sleep(1.2)  # an answer holds for a second
        found = client.get("/readyz")
        assert (
            found.status_code == status
            and found.json()["problems"] == ["The gallery cannot be written."][: status == 503]
        )
        monkeypatch.undo()
        time.sleep(1.2)
        assert client.get("/readyz").status_code == 200


def test_entries_are_listed_page_after_page(api, picture):
    ids = [api.enrol(picture(n), camid=n % 2, pid=f"p{n}", tags="hall").json()["id"] for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = api("GET", "/v1/entries", "search", params={"limit": 2, "cursor": cursor}).json()
        seen += [entry["id"] for entry in page["entries"]]
        cursor = page["next"]
    assert seen == sorted(ids)

    def listed(**filter):
        return {entry["pid"] for entry in api("GET", "/v1/entries", "search", params=filter).json()["entries"]}

    assert (
        listed(camids=[1]) == {"p1", "p3"} and listed(pids=["p2", "p4"]) == {"p2", "p4"} and listed(tags="x") == set()
    )
    for wrong, status in (({"limit": 0}, 422), ({"limit": 5000}, 400), ({"cursor": "'"}, 400), ({"camid": 1}, 422)):
        assert api("GET", "/v1/entries", "search", params=wrong).status_code == status


def test_a_person_or_a_tag_is_deleted(api, picture):
    for n in range(6):
        api.enrol(picture(n), pid=f"p{n // 2}", tags=["odd"] if n % 2 else ["even", "x"])
    assert api("DELETE", "/v1/entries", params={"pid": "p0"}).json() == {"deleted": 2, "gone_from_disk": True}
    assert api("DELETE", "/v1/entries", params={"tags": ["even", "x"], "pid": "p1"}).json()["deleted"] == 1
    assert api("DELETE", "/v1/entries", params={"tags": "odd"}).json()["deleted"] == 2
    for wrong in ({"pid": ""}, {"pid": "", "tags": "even"}, {"camid": "", "pid": "p2"}, {"camid": " ", "pid": "p2"}):
        assert api("DELETE", "/v1/entries", params=wrong).status_code in (400, 422)  # else more would go than was meant
    assert [entry["pid"] for entry in api("GET", "/v1/entries", "search").json()["entries"]] == ["p2"]


def test_a_key_with_a_scope_is_held_to_it_over_http(api, picture, tmp_path):
    api.tokens["hall"] = add_key(tmp_path / "keys.json", "h", ["search", "enrol", "admin"], scope=Scope(("hall",)))[1]
    other = api.enrol(picture(1), camid="door").json()["id"]
    assert api.enrol(picture(2), "hall", camid="door").status_code == 403
    own = api.enrol(picture(2), "hall", camid="hall").json()["id"]
    assert [hit["id"] for hit in api.search(picture(1), "hall").json()["hits"]] == [own]
    refused = api.search(picture(1), "hall", camids="door")
    assert refused.status_code == 403 and "cameras hall" in refused.json()["hint"]
    assert api("GET", f"/v1/entries/{other}", "hall").status_code == 404
    assert api("DELETE", f"/v1/entries/{other}", "hall").json()["deleted"] == 0
    assert api("GET", "/metrics", "hall").status_code == 403
    assert api("GET", "/v1/about", "hall").json()["cameras"] == ["hall"]
    lines = [line for line in read_audit(tmp_path / "audit.jsonl") if line["action"] == "refused"]
    assert [(line["route"], line["name"]) for line in lines] == [("enrol", "h"), ("search", "h"), ("metrics", "h")]


def test_a_slow_detector_holds_nobody_up_and_says_so(api, picture):
    begun, go, scene = threading.Event(), threading.Event(), {"files": {"picture": picture(1)}}

    def detector(_):
        begun.set()
        assert go.wait(30)
        return []

    api.service.proposer = late = Proposer(detector, seconds=0.05)
    answer = api("POST", "/v1/boxes", "search", **scene)
    assert answer.status_code == 503 and answer.json()["problem"] == "The service did not finish in time."
    begun.clear()
    api.service.proposer = Proposer(detector, waiting=2)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api, "POST", "/v1/boxes", "search", **scene)
        assert begun.wait(30)
        answer = api("POST", "/v1/boxes", "search", **scene)
        assert answer.status_code == 429 and answer.headers["retry-after"] == "2"
        assert answer.json()["problem"] == "Too many pictures wait for the detector."
        assert api.search(picture(1)).status_code == 200
        go.set()
        assert first.result(30).json() == {"boxes": []}
    late.close()


def test_an_answer_that_takes_too_long_is_given_up_though_its_thread_goes_on(make_api, monkeypatch):
    api, go = make_api(Settings(request_seconds=0.3)), threading.Event()
    monkeypatch.setattr(api.service.reader, "page", lambda *_: go.wait(20))
    start = time.monotonic()
    answer = api("GET", "/v1/entries", "search")
    assert answer.status_code == 503 and answer.json()["problem"] == "The service did not finish in time."
    assert time.monotonic() - start < 10
    go.set()


def test_a_field_that_nothing_asks_for_is_refused_however_the_content_type_is_written(api, picture):
    body = b'--b\r\nContent-Disposition: form-data; name="camid"\r\n\r\n1\r\n--b\r\n'
    body += b'Content-Disposition: form-data; name="picture"; filename="p"\r\n\r\n' + picture(1) + b"\r\n--b--\r\n"
    for kind in ("multipart/form-data; boundary=b", "Multipart/FORM-data; boundary=b"):
        answer = api("POST", "/v1/search", "search", content=body, headers={"content-type": kind})
        assert (
            answer.status_code == 422
            and answer.json()["problem"] == "there is no field 'camid'. Did you mean 'camids'?"
        )
