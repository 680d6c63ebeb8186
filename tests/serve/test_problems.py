import errno
from concurrent.futures import TimeoutError as FutureTimeout

import pytest

from occreid.errors import UserError
from occreid.gallery.errors import StorageFull
from occreid.serve.limits import Busy
from occreid.serve.pictures import TooLarge
from occreid.serve.service import EntryNotFound


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UserError("a is wrong.", "Give b."), 400),
        (TooLarge("too large.", ""), 413),
        (EntryNotFound("not there.", ""), 404),
        (Busy("queue", 2.0), 429),
        (StorageFull("/secret is full"), 507),
        (OSError(errno.ENOSPC, "No space left on device", "/secret"), 507),
        (OSError(errno.EFBIG, "File too large", "/secret"), 507),
        (FutureTimeout(), 503),
        (OSError(errno.EIO, "I/O error", "/secret"), 500),
        (ValueError("/secret"), 500),
    ],
)
def test_each_exception_has_its_status_and_gives_nothing_away(api, picture, monkeypatch, error, status):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(api.service, "search", fail)
    answer = api.search(picture(1))
    message = answer.json()
    assert answer.status_code == status and "secret" not in answer.text and "Traceback" not in answer.text
    assert message.keys() == {"problem", "hint", "request_id"} and message["problem"]
    assert message["request_id"] == answer.headers["x-request-id"]


def test_a_wrong_field_is_named_and_not_sent_back(api, picture):
    answer = api.search(picture(1), k="<script>alert(1)</script>")
    assert answer.status_code == 422 and answer.json()["problem"].startswith("k: ") and "script" not in answer.text


def test_a_missing_picture_is_named(api):
    answer = api("POST", "/v1/search", data={"k": 3})
    assert answer.status_code == 422 and answer.json()["problem"] == "picture: field required."


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/search", 405)])
def test_unknown_addresses(api, method, path, status):
    answer = api(method, path)
    assert answer.status_code == status and answer.json().keys() == {"problem", "hint", "request_id"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe\x00", "application/json"),
        (b"{", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"\xff" * 50, "multipart/form-data; boundary=x"),
        (b"\xff" * 50, "multipart/form-data"),
        (b"picture=%ff%fe", "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/search", "/v1/marks", "/v1/entries"])
def test_broken_bodies_are_mistakes_and_no_faults(api, path, body, kind):
    answer = api("POST", path, content=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500 and answer.json()["problem"]
