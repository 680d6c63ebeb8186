"""The application: routes, the page, the guard around them, and what runs while it lives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources

from anyio import to_thread
from fastapi import FastAPI
from fastapi.responses import Response
from starlette.formparsers import MultiPartParser

from occreid import __version__
from occreid.serve.guard import PAGE, Guard
from occreid.serve.keys import KeyRing
from occreid.serve.problems import add_handlers
from occreid.serve.readiness import Readiness
from occreid.serve.recurring import Recurring
from occreid.serve.refusals import EVERY
from occreid.serve.routes import router
from occreid.serve.service import Service

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_AGAIN = 10.0  # seconds after which a check that failed is made anew: what was mended shall soon be seen


def create_app(service: Service, ring: KeyRing) -> FastAPI:
    """The ASGI application of a service.

    It owns the service from now on: when it shuts down, what is queued is finished and the files are closed.

    Args:
        service: the model, the gallery and their limits.
        ring: the keys that open.
    """
    # An upload must never touch the disk: the guard bounds its size, so that memory can hold it whole.
    MultiPartParser.spool_max_size = max(MultiPartParser.spool_max_size, service.settings.max_body)
    settings = service.settings
    retention = Recurring("retention", service.removal.retain, settings.retention_every)
    refusals = Recurring("log of refused requests", service.refusals.flush, EVERY)
    probe = Recurring("check of the gallery", service.gallery.probe, settings.check_every, _AGAIN)

    def check_writable() -> None:
        if ring.any_may("enrol", "admin") or settings.retention_days is not None:
            service.gallery.check_writable()

    writing = Recurring("check that the gallery can be written", check_writable, settings.check_every, _AGAIN)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threads = to_thread.current_default_thread_limiter()  # one for each request inside, and some for /health
        threads.total_tokens = max(threads.total_tokens, service.settings.concurrency + 8)
        probe.start()
        writing.start()
        refusals.start()
        if service.settings.retention_days is not None:
            retention.start()
        yield
        retention.stop()
        probe.stop()
        writing.stop()
        refusals.stop()
        service.close()

    app = FastAPI(
        title="occreid",
        version=__version__,
        description="Find a person again: enrol pictures, search by picture, camera and time.",
        lifespan=lifespan,
        docs_url=None,  # both would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service, app.state.ring = service, ring
    app.state.readiness = Readiness(
        {
            "The keys cannot be read.": ring.refresh,
            "The gallery cannot be read.": lambda: len(service.gallery),
            "The gallery is damaged.": probe.check,
            "The gallery cannot be written.": writing.check,
            "The disk is nearly full.": service.check_room,
            "Old entries are not deleted.": retention.check,
        }
    )
    app.include_router(router)
    for path, name in PAGE.items():
        app.add_api_route(path, _static(name), include_in_schema=False)
    add_handlers(app)
    app.add_middleware(Guard, service=service, ring=ring)
    return app


def _static(name: str) -> Callable[[], Response]:
    content = resources.files("occreid.serve").joinpath("page", name).read_bytes()
    kind = _KINDS[name[name.rindex(".") :]]

    def give() -> Response:
        return Response(content, media_type=kind)

    return give
