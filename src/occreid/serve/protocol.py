"""HTTP/1.1 connections that cannot be held for nothing: limits in time and number, and faults as problem JSON.

Uvicorn closes a connection that idles after an answer; this one also closes one that sends no whole request head in
time, and, when there are too many, the one that has been idle for longest, so that new ones are always taken.
"""

from __future__ import annotations

import asyncio
import json
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""What a request's head may take to arrive, from the connection on or from the answer before."""
MOST_CONNECTIONS = 512


class GuardedProtocol(H11Protocol):
    """See the module."""

    head_seconds = HEAD_SECONDS
    most_connections = MOST_CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None
    idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection, at the cost of the one that idles longest if there are too many."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most_connections:
            idle = [one for one in self.connections if isinstance(one, GuardedProtocol) and not one.busy]
            if idle:
                min(idle, key=lambda one: one.idle_since).transport.abort()

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Take bytes in; the head's deadline ends when a request has begun."""
        super().data_received(data)
        if self.busy and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_response_complete(self) -> None:
        """Begin to wait for the next head."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, as every other mistake is answered; also where a sound head came first."""
        if self.busy:  # nobody answers the request itself any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        content = {"problem": f"This is no HTTP request: {msg}", "hint": "", "request_id": ""}
        body = json.dumps(content).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers.append((b"connection", b"close"))
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        self.idle_since = time.monotonic()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(self.head_seconds, self._too_late)

    def _too_late(self) -> None:
        if not self.busy:
            self.transport.abort()
