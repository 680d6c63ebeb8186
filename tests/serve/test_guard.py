import asyncio
import json
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from occreid.serve.guard import Guard
from occreid.serve.keys import KeyRing, add_key, revoke_key
from occreid.serve.metrics import Metrics
from occreid.serve.refusals import Refusals
from occreid.serve.settings import Settings


class Stub:
    """As much of a service as the guard needs."""

    def __init__(self, **limits):
        self.settings = Settings(**limits)
        self.metrics = Metrics(lambda: 0, lambda: 0)
        self.written = []
        self.refusals = Refusals(SimpleNamespace(write=lambda action, **facts: self.written.append((action, facts))))


class Inside:
    """An application that remembers what reached it."""

    def __init__(self, fails=None, wait=None):
        self.bodies = []
        self.scopes = []
        self.fails = fails
        self.wait = wait

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        self.bodies.append((await receive())["body"])
        if self.wait:
            await self.wait.wait()
        if self.fails:
            raise self.fails
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"in"})


@pytest.fixture
def keys(tmp_path):
    key, token = add_key(tmp_path / "keys.json", "anna", ["search"])
    return tmp_path / "keys.json", key, token


@pytest.fixture
def make(keys):
    def build(inside=None, **limits):
        inside = inside or Inside()
        guard = Guard(inside, Stub(**limits), KeyRing(keys[0]))
        guard.inside = inside
        return guard

    return build


async def call(guard, token="", path="/v1/search", pieces=(b"body",), headers=(), delay=0.0, fault=None):
    """Status, headers and body of one request sent piece by piece; ``fault`` is what must leave the guard."""
    sent, waiting = [], list(pieces)
    given = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {"type": "http", "method": "POST", "path": path, "headers": [*given, *headers], "client": ("10.0.0.1", 5)}

    async def receive():
        await asyncio.sleep(delay)
        if not waiting:
            return {"type": "http.disconnect"}
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message):
        sent.append(message)

    with pytest.raises(fault) if fault else nullcontext():
        await guard(scope, receive, send)
    held = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], held, b"".join(m.get("body", b"") for m in sent[1:]), waiting


def ask(guard, *args, **more):
    return asyncio.run(call(guard, *args, **more))


def test_a_key_gets_in_and_the_whole_body_with_it(make, keys):
    guard = make()
    status, headers, body, _ = ask(guard, keys[2], pieces=(b"a", b"", b"bc"))
    assert (status, body, guard.inside.bodies) == (200, b"in", [b"abc"])
    caller = guard.inside.scopes[0]["caller"]
    assert (caller.key.name, caller.address, caller.request_id) == ("anna", "10.0.0.1", headers["x-request-id"])


@pytest.mark.parametrize("token", ["", "wrong", "occ_00000000_x"])
def test_without_one_nothing_of_the_body_is_read(make, token):
    guard = make()
    status, headers, body, left = ask(guard, token, pieces=(b"x" * 100,) * 5)
    assert status == 401 and headers["www-authenticate"] == "Bearer" and len(left) == 5 and not guard.inside.bodies
    message = json.loads(body)
    assert message["request_id"] == headers["x-request-id"] and "key" in message["problem"]


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Basic abc", b"Bearer a b", b"\xff\xfe", b"Bearer \xe4"])
def test_other_authorizations_are_no_keys(make, value):
    assert ask(make(), headers=[(b"authorization", value)])[0] == 401


def test_a_revoked_key_is_out_with_the_next_request(make, keys):
    guard = make()
    assert ask(guard, keys[2])[0] == 200
    revoke_key(keys[0], keys[1].id)
    assert ask(guard, keys[2])[0] == 401


def test_unreadable_keys_let_nobody_in(make, keys):
    guard = make()
    keys[0].write_text("{")
    status, _, body, _ = ask(guard, keys[2])
    assert status == 503 and str(keys[0]).encode() not in body


@pytest.mark.parametrize("path", ["/", "/health", "/page.js", "/openapi.json"])
def test_the_page_needs_no_key(make, path):
    assert ask(make(), path=path)[0] == 200


@pytest.mark.parametrize("path", ["/metrics", "/v1/about", "/health/", "//health", "/nothing", "/v1/entries/x"])
def test_everything_else_does(make, path):
    assert ask(make(), path=path)[0] == 401


@pytest.mark.parametrize("headers", [(), ((b"content-length", b"101"),), ((b"content-length", b"junk"),)])
def test_a_body_too_large_is_refused_whatever_it_declares(make, keys, headers):
    guard = make(max_body=100)
    status, _, body, _ = ask(guard, keys[2], pieces=(b"x" * 60, b"x" * 41), headers=headers)
    assert status == 413 and b"100 bytes" in body and not guard.inside.bodies


def test_as_much_as_allowed_gets_in(make, keys):
    assert ask(make(max_body=100), keys[2], pieces=(b"x" * 60, b"x" * 40))[0] == 200


def test_far_too_much_is_not_even_read_to_the_end(make, keys):
    status, _, _, left = ask(make(max_body=100), keys[2], pieces=(b"x" * 100,) * 50)
    assert status == 413 and len(left) > 40
    declared = [(b"content-length", b"99999999")]
    assert len(ask(make(max_body=100), keys[2], pieces=(b"x",) * 50, headers=declared)[3]) == 50


def test_a_body_that_does_not_arrive_is_given_up(make, keys):
    guard = make(body_seconds=0.05)
    status, headers, _, _ = ask(guard, keys[2], pieces=(b"x",) * 100, delay=0.02)
    assert status == 408 and headers["connection"] == "close" and guard.gate.inside == 0


def test_a_client_that_goes_away_is_let_go(make, keys):
    guard = make()
    assert ask(guard, keys[2], pieces=())[0] == 400 and not guard.inside.bodies


def test_asking_too_often_is_refused_with_a_time(make, keys):
    guard = make(rate=0.2, burst=2)
    answers = [ask(guard, keys[2]) for _ in range(3)]
    assert [a[0] for a in answers] == [200, 200, 429] and answers[2][1]["retry-after"] == "5"
    assert b'occreid_refused_total{why="rate"} 1.0' in guard.service.metrics.text()


def test_guessing_keys_is_slowed_down_without_harm_to_the_holder(make, keys):
    guard = make(rate=0.01, burst=3)
    assert [ask(guard, "guess")[0] for _ in range(5)] == [401, 401, 401, 429, 429]
    assert ask(guard, keys[2])[0] == 200


def test_what_needs_no_key_is_not_given_without_end(make, keys):
    guard = make(rate=0.01, burst=3)
    assert [ask(guard, path="/page.js")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert ask(guard, keys[2])[0] == 200


def test_more_at_once_than_allowed_are_refused_and_not_queued(make, keys):
    async def scene():
        inside = Inside(wait=asyncio.Event())
        guard = make(inside, concurrency=4)
        first = [asyncio.create_task(call(guard, keys[2])) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await call(guard, keys[2])
        inside.wait.set()
        done = await asyncio.gather(*first)
        return refused, done, await call(guard, keys[2])

    refused, done, later = asyncio.run(scene())
    assert refused[0] == 429 and "retry-after" in refused[1] and [d[0] for d in done] == [200, 200] and later[0] == 200


def test_a_fault_inside_leaves_as_one_sentence(make, keys, caplog):
    guard = make(Inside(fails=RuntimeError("secret path /etc/x")))
    status, headers, body, _ = ask(guard, keys[2], fault=RuntimeError)  # for the server, which logs the traceback
    assert status == 500 and b"secret" not in body and b"Traceback" not in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert json.loads(body)["request_id"] == headers["x-request-id"]
    assert headers["x-request-id"] in caplog.text and "secret path" in caplog.text  # the operator sees it all
    assert b'status="500"' in guard.service.metrics.text()
    assert guard.gate.inside == 0


def test_every_answer_carries_the_headers_that_protect_the_page(make):
    for answer in (ask(make(), path="/"), ask(make())):
        policy = answer[1]["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert answer[1]["x-content-type-options"] == "nosniff" and answer[1]["cache-control"] == "no-store"


def test_a_websocket_is_ignored(make):
    asyncio.run(make()({"type": "websocket", "path": "/"}, None, None))


def test_health_is_answered_whatever_others_do(make):
    guard = make(rate=0.01, burst=1)
    assert [ask(guard, "wrong")[0] for _ in range(3)] == [401, 429, 429]
    assert [ask(guard, path=path)[0] for path in ("/health", "/livez", "/readyz") * 3] == [200] * 9


def test_a_key_without_the_role_is_refused_before_its_body_and_written_down(make, keys):
    guard = make()
    status, _, body, left = ask(guard, keys[2], path="/v1/entries", pieces=(b"x",) * 9)
    assert status == 403 and b"enrol" in body and len(left) == 9 and not guard.inside.bodies
    ((action, facts),) = guard.service.written
    assert (action, facts["name"], facts["route"], facts["status"]) == ("refused", "anna", "enrol", 403)


def test_requests_without_a_valid_key_are_written_down_once_and_then_counted(make, keys):
    guard = make()
    for _ in range(5):
        assert ask(guard, "guess")[0] == 401
    assert ask(guard, keys[2])[0] == 200
    ((action, facts),) = guard.service.written
    assert (action, facts["from"], facts["status"], facts["route"]) == ("refused", "10.0.0.1", 401, "search")
    guard.service.refusals.flush()
    assert [facts["more"] for _, facts in guard.service.written[1:]] == [4]


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "latin-1", '"UTF-16"'])
def test_other_character_sets_are_refused_before_the_body(make, keys, charset):
    guard = make()
    headers = [(b"content-type", f"multipart/form-data; boundary=b; charset={charset}".encode())]
    status, _, _, left = ask(guard, keys[2], pieces=(b"x",) * 9, headers=headers)
    assert status == 415 and len(left) == 9
    for kind in (b"multipart/form-data; boundary=b; charset=UTF-8", b"application/json"):
        assert ask(make(), keys[2], headers=[(b"content-type", kind)])[0] == 200
    assert ask(make(), keys[2], headers=[(b"content-type", b"text/plain")])[0] == 415


@pytest.mark.parametrize(
    ("kind", "status"),
    [(b"application/json", 413), (b"", 413), (b"Multipart/form-data; boundary=b", 200)],
)
def test_only_a_form_may_be_long_since_all_else_is_parsed_on_the_loop(make, keys, kind, status):
    guard = make()
    assert ask(guard, keys[2], headers=[(b"content-type", kind)], pieces=(b"x" * 35_000,) * 2)[0] == status
    assert ask(guard, keys[2], headers=[(b"content-type", kind)], pieces=(b"x" * 32_000,) * 2)[0] == 200


@pytest.mark.parametrize("option", ["charset*=utf-8''punycode", "charset*0=puny; charset*1=code", "encoding=idna"])
def test_options_of_a_content_type_that_nobody_needs_are_refused(make, keys, option):
    headers = [(b"content-type", f"multipart/form-data; boundary=b; {option}".encode())]
    assert ask(make(), keys[2], headers=headers)[0] == 415


@pytest.mark.parametrize("name", [b"content-type", b"authorization", b"content-length"])
def test_a_header_that_is_sent_twice_is_refused_whichever_is_read_inside(make, keys, name):
    values = {
        b"content-type": [b"multipart/form-data; boundary=b; charset=punycode", b"multipart/form-data; boundary=b"]
    }
    headers = [(name, value) for value in values.get(name, [b"Bearer x", b"5"])]
    guard = make()
    status, _, body, left = ask(guard, keys[2], headers=headers, pieces=(b"x",) * 3)
    assert status == 400 and name.decode() in json.loads(body)["problem"] and len(left) == 3 and not guard.inside.bodies


def test_slow_bodies_of_one_key_leave_room_for_others(make, keys):
    async def scene():
        other = add_key(keys[0], "bert", ["search", "monitor"])[1]
        guard = make(concurrency=4, body_seconds=1)
        slow = [asyncio.create_task(call(guard, keys[2], pieces=(b"x",) * 9, delay=0.3)) for _ in range(8)]
        await asyncio.sleep(0.1)
        answers = [(await call(guard, other, path=path))[0] for path in ("/v1/search", "/metrics", "/livez")]
        return answers, [answer[0] for answer in await asyncio.gather(*slow)]

    answers, slow = asyncio.run(scene())
    assert answers == [200, 200, 200] and sorted(slow) == [408, 408] + [429] * 6


def test_no_body_is_read_where_none_is_asked_for(make, keys):
    guard = make()
    status, _, _, left = ask(guard, keys[2], path="/nothing", pieces=(b"x",) * 9)
    assert status == 200 and len(left) == 9 and guard.inside.bodies == [b""]


def test_an_answer_that_takes_too_long_is_given_up(make, keys):
    guard = make(Inside(wait=asyncio.Event()), request_seconds=0.05)
    status, headers, _, _ = ask(guard, keys[2])
    assert status == 503 and headers["connection"] == "close" and guard.gate.inside == 0
