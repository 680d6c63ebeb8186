import re
import tempfile
import time
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from occreid.serve.app import create_app
from occreid.serve.caller import Caller
from occreid.serve.guard import PAGE
from occreid.serve.keys import Key, KeyRing
from occreid.serve.settings import Settings


def test_the_page_is_whole_and_asks_nobody_else(api):
    for path, name in PAGE.items():
        answer = api("GET", path, None)
        assert answer.status_code == 200, path
        assert not re.search(r"(https?:)?//(?!www\.w3\.org/2000/svg)[a-z]", answer.text.replace("// ", "")), name
    assert api("GET", "/", None).headers["content-type"] == "text/html; charset=utf-8"
    assert api("GET", "/crop.js", None).headers["content-type"].startswith("text/javascript")


def test_everything_the_page_loads_is_there(api):
    for path in PAGE:
        text = api("GET", path, None).text
        for wanted in re.findall(r'(?:src|href)="(/[^"#]+)"', text) + re.findall(r'from "\.(/[^"]+)"', text):
            assert wanted in PAGE, (path, wanted)


def test_the_page_has_no_inline_script_or_style(api):
    text = api("GET", "/", None).text
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", text)


def test_an_upload_never_touches_the_disk(api, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a temporary file")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert api.search(bytes(5 * 2**20)).status_code == 400  # no picture, but five MiB that were taken in


def test_ending_finishes_and_closes(make_service, tokens, tmp_path):
    service = make_service(Settings(retention_days=1))
    with TestClient(create_app(service, KeyRing(tmp_path / "keys.json"))) as client:
        assert client.get("/health").json()["status"] == "ok"
    with pytest.raises(Exception, match="stopping"):
        service._describer.describe(SimpleNamespace(prepared=None))


def test_retention_runs_while_the_service_does(make_service, tokens, tmp_path, picture):
    service = make_service(Settings(retention_days=1, retention_every=0.05))
    service.enrol(Caller(Key("1", "anna", (), "", 0.0), "", ""), picture(1), None, timestamp=1000.0)
    with TestClient(create_app(service, KeyRing(tmp_path / "keys.json"))):
        for _ in range(200):
            if not len(service.gallery):
                break
            time.sleep(0.05)
    assert len(service.gallery) == 0
