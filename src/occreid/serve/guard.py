"""The gate every request passes before anything of it is read: key, rate, role, kind, size, time, concurrency.

It stands outside the application, so that the body of a request without a key is never taken in, and whatever goes
wrong inside leaves as one sentence with a request id, never as a traceback.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from anyio import to_thread
from starlette.middleware.errors import ServerErrorMiddleware

from occreid.errors import UserError
from occreid.serve.caller import Caller
from occreid.serve.forms import KINDS
from occreid.serve.keys import KeyRing
from occreid.serve.limits import Busy, Gate, RateLimiter
from occreid.serve.problems import fault, problem
from occreid.serve.routes import ROLES, route_of
from occreid.serve.service import Service

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PAGE = {
    "/": "index.html",
    **{f"/{name}": name for name in ("page.css", "page.js", "crop.js", "dom.js", "export.js", "icon.svg")},
}
"""The page's files by their path."""
HEALTH = frozenset({"/health", "/livez", "/readyz"})
"""Paths that a supervisor asks; they need no key and are never refused."""
OPEN = frozenset(PAGE) | {"/openapi.json"}
"""Further paths that need no key: they say nothing of anybody."""

logger = logging.getLogger("occreid.serve")
_REFUSED = frozenset({401, 403})  # statuses that the audit log counts
_BUSY = {"rate": "This key asks too often.", "detector": "Too many pictures wait for the detector."}
_JSON = 64 * 1024  # bytes of a body that is no form: it is parsed on the loop, and a verdict is short
_DRAINED = 4  # a body up to so many times the limit is read away, so that the client hears the answer
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
}


class Refusal(Exception):
    """An answer given at the gate."""

    def __init__(self, status: int, problem: str, hint: str = "", **headers: str) -> None:
        self.status = status
        self.problem = problem
        self.hint = hint
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(problem)


class Guard:
    """ASGI middleware; see the module.

    Args:
        app: the application inside.
        service: whose settings and metrics hold.
        ring: the keys that open.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], service: Service, ring: KeyRing) -> None:
        self.app = app
        self.service = service
        self.ring = ring
        limits = service.settings
        share = min(limits.key_concurrency, max(1, limits.concurrency // 2))
        self.gate = Gate(limits.concurrency, share)
        self.rate = RateLimiter(limits.rate, limits.burst)
        self._faults = ServerErrorMiddleware(self._answered, handler=fault)  # answers, then lets the server log them

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        started, answer = time.perf_counter(), _Answer(send, secrets.token_hex(8))
        scope["request_id"], scope["answer"] = answer.request_id, answer
        try:
            await self._faults(scope, receive, answer)
        finally:
            if answer.status in _REFUSED:
                await self._write_down(scope, answer.status)
            if answer.status:
                route = getattr(scope.get("route"), "path", "unknown")
                self.service.metrics.answered(route, answer.status, time.perf_counter() - started)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        try:
            await self._admit(scope, receive, send)
        except Refusal as refusal:
            answer = problem(scope, refusal.status, refusal.problem, refusal.hint, refusal.headers)
            await answer(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = _address(scope)
        if scope["path"] in HEALTH:
            await self.app(scope, receive, send)
            return
        try:
            if scope["path"] in OPEN:
                self.rate.take(f"page {address}")
                await self.app(scope, receive, send)
                return
            caller = self._known(scope, address)
            self.rate.take(f"key {caller.key.id}")
            route = route_of(scope)
            scope["caller"] = caller
            self._may(caller, route)
            if route is None or route == "metrics":
                await self.app(scope, _replay(b"", receive), send)  # no body is read, and no room is taken
                return
            with self.gate.enter(caller.key.id):
                body = await self._body(scope, receive) if scope["method"] == "POST" else b""
                await self._answer_in_time(scope, _replay(body, receive), send)
        except Busy as busy:
            raise self.refused(busy) from busy

    async def _write_down(self, scope: Scope, status: int) -> None:
        """Count a refusal for the audit log, and write there what is due."""
        caller: Caller | None = scope.get("caller")
        who = caller.facts() if caller else {"request": scope["request_id"], "from": _address(scope)}
        due = self.service.refusals.count(status, route_of(scope), who)
        if due:
            await to_thread.run_sync(self.service.refusals.write, due)

    def _may(self, caller: Caller, route: str | None) -> None:
        """Nothing, if the key has the role.

        Raises:
            Refusal: it has not.
        """
        if route is None or caller.key.may(*ROLES[route]):
            return
        name, role = caller.key.name, ROLES[route][0]
        raise Refusal(403, f"The key '{name}' may not do this; it takes the role {role}.")

    async def _answer_in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; one that takes too long, or whose client does not read it, is given up.

        Raises:
            Refusal: nothing was answered in time.
        """
        try:
            async with asyncio.timeout(self.service.settings.request_seconds):
                await self.app(scope, receive, send)
        except TimeoutError as error:
            if scope["answer"].status:  # begun: all that is left is to break off
                return
            raise Refusal(503, "The service did not finish in time.", "Try again later.", connection="close") from error

    def refused(self, busy: Busy) -> Refusal:
        """A 429 that says when to come again."""
        self.service.metrics.refused(busy.why)
        after = str(max(1, math.ceil(busy.retry_after)))
        message = _BUSY.get(busy.why, "The service is busy.")
        return Refusal(429, message, f"Try again in {after} s.", retry_after=after)

    def _known(self, scope: Scope, address: str) -> Caller:
        """Who asks.

        Raises:
            Refusal: nobody the service knows.
            Busy: too many wrong keys from one address.
        """
        words = _header(scope, "authorization").split()
        token = words[1] if len(words) == 2 and words[0].lower() == "bearer" else ""
        try:
            key = self.ring.find(token)
        except UserError as error:
            logger.error("%s", error)
            raise Refusal(503, "The service cannot read its keys.", "Tell whoever runs it.") from error
        if key is None:
            self.rate.take(f"wrong keys {address}")
            raise Refusal(
                401,
                "No valid key." if token else "This needs a key.",
                "Send the header: Authorization: Bearer <key>",
                www_authenticate="Bearer",
            )
        return Caller(key, scope["request_id"], address)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            Refusal: of another kind, too large, too slow, or the client has gone.
        """
        kind = _header(scope, "content-type")
        if not _is_text_or_form(kind):
            raise Refusal(415, "This takes a form or JSON, in UTF-8.")
        most = self.service.settings.max_body
        if kind.partition(";")[0].strip().lower() not in KINDS:
            most = min(most, _JSON)
        declared = _header(scope, "content-length")
        length = int(declared) if declared.isdigit() else 0
        pieces, size = [], 0
        try:
            async with asyncio.timeout(self.service.settings.body_seconds):
                while length <= _DRAINED * most and size <= _DRAINED * most:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(400, "The request ended early.")
                    size += len(message.get("body", b""))
                    if max(size, length) <= most:
                        pieces.append(message.get("body", b""))
                    else:
                        pieces.clear()
                    if not message.get("more_body"):
                        break
        except TimeoutError as error:
            raise Refusal(408, "The request took too long to arrive.", "Send it faster.", connection="close") from error
        if max(size, length) > most:
            raise Refusal(413, f"The request is larger than {most:,} bytes.", "Send less, or a smaller picture.")
        return b"".join(pieces)


def _address(scope: Scope) -> str:
    """Where a request comes from; a proxy may have let a client write anything there."""
    return str((scope.get("client") or ("unknown", 0))[0])[:64]


def _header(scope: Scope, name: str) -> str:
    """The value of a header; empty: it was not sent.

    Raises:
        Refusal: it was sent twice: what is looked at here would not be what is read inside.
    """
    found = [value.decode("latin-1") for given, value in scope["headers"] if given == name.encode()]
    if len(found) > 1:
        raise Refusal(400, f"The request has the header {name} twice.")
    return found[0] if found else ""


def _is_text_or_form(kind: str) -> bool:
    """Whether a content type is one the service reads; other character sets can take minutes to decode.

    >>> _is_text_or_form("multipart/form-data; boundary=b"), _is_text_or_form("multipart/form-data; charset=idna")
    (True, False)
    """
    name, *options = (part.strip().lower() for part in kind.split(";"))
    given = [(key.strip(), value.strip(' "')) for key, _, value in (option.partition("=") for option in options)]
    return name in ("", "application/json", *KINDS) and all(
        key in ("", "boundary") or (key == "charset" and value in ("utf-8", "utf8")) for key, value in given
    )


class _Answer:
    """Sends an answer on, with the headers every answer has, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            held = {name.lower() for name, _ in message.get("headers", [])}
            extra = {**_HEADERS, "x-request-id": self.request_id}
            added = [(n.encode(), v.encode()) for n, v in extra.items() if n.encode() not in held]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await self._send(message)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body once, then whatever comes after it (the client's going away)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
