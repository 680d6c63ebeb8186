"""What goes wrong inside the application, as a status and one sentence."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from occreid.errors import UserError
from occreid.gallery.errors import StorageError, StorageFull
from occreid.serve.pictures import TooLarge
from occreid.serve.reading import EntryNotFound
from occreid.serve.scope import OutOfScope

logger = logging.getLogger("occreid.serve")
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS}


def add_handlers(app: FastAPI) -> None:
    """Make every exception that can be foreseen an answer."""
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(StorageError, _storage)
    app.add_exception_handler(StorageFull, _storage_full)
    app.add_exception_handler(OSError, _storage_full)
    app.add_exception_handler(FutureTimeout, _stalled)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def problem(
    scope: Mapping[str, Any], status: int, message: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to a request that failed: what is wrong, what to do about it, and the request's id."""
    content = {"problem": message, "hint": hint, "request_id": scope.get("request_id", "")}
    return JSONResponse(content, status, headers)


async def fault(request: Request, error: Exception) -> JSONResponse:
    """The answer to a fault of ours, logged with the request's id; the server logs its traceback."""
    number = request.scope.get("request_id", "")
    logger.error("request %s failed: %r", number, error)
    return problem(request.scope, 500, "The service has a fault.", f"Report the request id {number}.")


def _user_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UserError)
    status = {TooLarge: 413, EntryNotFound: 404, OutOfScope: 403}.get(type(error), 400)
    return problem(request.scope, status, error.problem, error.hint)


def _storage(request: Request, error: Exception) -> JSONResponse:
    """The message names a place on the disk: it is for whoever runs the service."""
    logger.error("request %s: %s", request.scope.get("request_id"), error)
    hint = "Try again later. Whoever runs it finds the reason in its log by the request id."
    return problem(request.scope, 503, "The gallery cannot be read.", hint)


def _storage_full(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OSError) and error.errno not in _NO_ROOM:
        raise error
    logger.error("request %s: %s", request.scope.get("request_id"), error)
    done = error.done if isinstance(error, StorageFull) else StorageFull.done
    hint = "Is its disk full? Its operator finds the reason in the log by the request id."
    return problem(request.scope, 507, f"The service cannot write; {done}", hint)


def _stalled(request: Request, error: Exception) -> JSONResponse:
    return problem(request.scope, 503, "The service did not finish in time.", "Try again later.")


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Name the first wrong field, and never send back what was in it."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(word) for word in first["loc"] if word not in ("body", "query", "path")]
    message = str(first["msg"])
    return problem(request.scope, 422, f"{' '.join(place) or 'the request'}: {message[0].lower()}{message[1:]}.")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    return problem(
        request.scope, error.status_code, message if message.endswith("?") else f"{message}.", headers=error.headers
    )
