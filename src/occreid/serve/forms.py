"""Forms, parsed in a worker thread under a deadline, so that no body can hold the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
from anyio import to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

KINDS = ("multipart/form-data", "application/x-www-form-urlencoded")
"""Content types that are forms."""
_SECONDS = 20.0
_FILES, _FIELDS, _FIELD_BYTES = 4, 320, 64 * 1024  # 256 cameras, 16 tags, and what else a search asks for


class FormRoute(APIRoute):
    """A route whose forms are parsed off the loop."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request that parses so."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_FormRequest(request.scope, request.receive))

        return handle


class _FormRequest(Request):
    async def _get_form(self, **_: Any) -> FormData:  # type: ignore[override]  # the limits are ours
        if self._form is None and kind_of(self.headers) not in KINDS:
            self._form = FormData()  # its fields are missing, which is said by name
        elif self._form is None:
            body = await self.body()
            try:
                with anyio.fail_after(_SECONDS):
                    self._form = await to_thread.run_sync(parse, self.headers, body, abandon_on_cancel=True)
            except TimeoutError as error:
                raise HTTPException(400, "The form takes too long to read") from error
            except MultiPartException as error:
                raise HTTPException(400, f"This is no form: {error.message}".rstrip(".")) from error
        assert self._form is not None  # of the two branches above
        return self._form


def parse(headers: Headers, body: bytes) -> FormData:
    """A form, whole in memory.

    Raises:
        MultiPartException: it is torn, or has too many fields.
    """

    async def stream() -> AsyncIterator[bytes]:
        yield body

    limits = {"max_fields": _FIELDS, "max_part_size": _FIELD_BYTES}
    if kind_of(headers) == KINDS[0]:
        parser = MultiPartParser(headers, stream(), max_files=_FILES, **limits)  # type: ignore[arg-type]  # an iterator is enough
    else:
        parser = FormParser(headers, stream(), **limits)  # type: ignore[arg-type]  # the same
    return asyncio.run(parser.parse())


def kind_of(headers: Headers) -> str:
    """The content type of a request without its options, in small letters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
