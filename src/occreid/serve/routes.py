"""The addresses of the service. Handlers are plain functions: they run in worker threads, and may block."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Security, UploadFile, params
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from occreid.errors import did_you_mean
from occreid.gallery import Filter
from occreid.gallery.checks import NAME_LENGTH
from occreid.serve import schemas
from occreid.serve.caller import Caller
from occreid.serve.forms import KINDS, FormRoute, kind_of
from occreid.serve.metrics import CONTENT_TYPE
from occreid.serve.service import Service
from occreid.timestamps import check_timestamp

_bearer = HTTPBearer(auto_error=False, description="A key of: occreid serve keys add")
_REFUSED = {
    status: {"model": schemas.Problem, "description": message}
    for status, message in {
        400: "A value makes no sense.",
        401: "No valid key.",
        403: "The key has not the role.",
        413: "Too many bytes or pixels.",
        422: "A field is missing or of the wrong type.",
        429: "Too often, or too much at once: see Retry-After.",
        507: "The disk is full.",
    }.items()
}


def _service(request: Request) -> Service:
    return request.app.state.service


ROLES: dict[str, tuple[str, ...]] = {
    "metrics": ("monitor",),
    "about": ("search", "enrol", "monitor"),
    "embed": ("search", "enrol"),
    "boxes": ("search", "enrol"),
    "search": ("search",),
    "compare": ("search",),
    "explain": ("search",),
    "mark": ("search",),
    "enrol": ("enrol",),
    "picture": ("search",),
    "entry": ("search",),
    "listing": ("search",),
    "delete_one": ("admin",),
    "delete_many": ("admin",),
}
"""Roles that open each address, by the name of its function."""


def route_of(scope: MutableMapping[str, Any]) -> str | None:
    """The name of the address a request is for, a key of `ROLES`; None: there is none, or not with this method."""
    for route in router.routes:
        if route.matches(scope)[0] is Match.FULL:
            return getattr(route, "name", None)
    return None


async def _known_fields(request: Request) -> None:
    """Refuse a field that nothing asks for: a misspelt filter would silently let everybody through.

    Raises:
        HTTPException: 422, naming it.
    """
    route = request.scope["route"].dependant
    kinds = {"field": ([], route.body_params), "parameter": (request.query_params, route.query_params)}
    takes_form = any(isinstance(param.field_info, params.Form) for param in route.body_params)
    if takes_form and kind_of(request.headers) in KINDS:
        kinds["field"] = (await request.form(), route.body_params)
    for kind, (given, wanted) in kinds.items():
        known = [param.alias for param in wanted]
        for name in given:
            if name not in known:
                raise HTTPException(
                    422, f"there is no {kind} '{name[:60]}'. {did_you_mean(name[:60], known)}".strip(". ")
                )


async def _caller(request: Request, _: Annotated[object, Security(_bearer)]) -> Caller:
    """Who calls; the guard has looked at the key and its roles."""
    await _known_fields(request)
    return request.scope["caller"]


router = APIRouter(responses=_REFUSED, route_class=FormRoute)  # type: ignore[arg-type]  # dict is invariant in its values

Here = Annotated[Service, Depends(_service)]
Who = Annotated[Caller, Depends(_caller)]
Box = Annotated[str | None, Form(max_length=64, description="x,y,width,height in pixels: the person in the picture.")]
Camera = Person = Annotated[str, Field(max_length=NAME_LENGTH)]
Name = Annotated[str | None, Form(max_length=NAME_LENGTH, description="A word or a number.")]


def _checked(seconds: float | None) -> float | None:
    """Unix seconds, or the question what else they are."""
    return None if seconds is None else check_timestamp(seconds)


Timestamp = Annotated[float | None, Form(description="Unix seconds (UTC)."), AfterValidator(_checked)]
Moment = Annotated[float | None, Query(description="Unix seconds (UTC)."), AfterValidator(_checked)]
Tags = Annotated[list[str] | None, Form(max_length=16)]
Words = Annotated[list[str] | None, Query(max_length=16)]
Named = Annotated[str | None, Query(min_length=1, max_length=NAME_LENGTH)]  # an empty one would widen a deletion


@router.get("/livez", tags=["operation"])
def alive() -> schemas.Health:
    """Whether the process answers. Needs no key."""
    return schemas.Health(status="ok")


@router.get("/readyz", response_model=schemas.Health, responses={503: {"model": schemas.Health}}, tags=["operation"])
@router.get("/health", response_model=schemas.Health, responses={503: {"model": schemas.Health}}, tags=["operation"])
def ready(request: Request) -> Response:
    """Whether the service can answer and write; why not, in words that name no place. Needs no key."""
    problems = request.app.state.readiness.problems()
    found = schemas.Health(status="failing" if problems else "ok", problems=problems)
    return JSONResponse(found.model_dump(), 503 if problems else 200)


@router.get("/metrics", response_class=Response, tags=["operation"])
def metrics(service: Here, caller: Who) -> Response:
    """Prometheus metrics; not for a key that reaches a part of the gallery only."""
    caller.scope.require_whole("metrics")
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/v1/about", tags=["operation"])
def about(service: Here, caller: Who) -> schemas.About:
    """What this service is, and what your key may do."""
    return service.about(caller)


@router.post("/v1/embed", tags=["pictures"])
def embed(service: Here, caller: Who, picture: UploadFile, box: Box = None) -> schemas.Embedding:
    """The descriptor of a picture."""
    return service.embed(caller, picture.file.read(), box)


@router.post("/v1/boxes", tags=["pictures"])
def boxes(service: Here, caller: Who, picture: UploadFile) -> schemas.Proposed:
    """The persons a detector sees in a scene; their boxes can be sent with the picture to every other address."""
    return service.propose(caller, picture.file.read())


@router.post("/v1/search", tags=["gallery"])
def search(
    service: Here,
    caller: Who,
    picture: UploadFile,
    box: Box = None,
    k: Annotated[int, Form(ge=1)] = 10,
    camids: Annotated[list[Camera] | None, Form(max_length=256)] = None,
    start: Timestamp = None,
    end: Timestamp = None,
    tags: Tags = None,
    exclude_camid: Name = None,
    exact: Annotated[bool, Form(description="Compare with every entry, not only an index's candidates.")] = True,
    pictures: Annotated[bool, Form(description="Send the kept pictures along.")] = False,
) -> schemas.Found:
    """The nearest persons to a picture. Every search goes into the audit log."""
    filter = Filter(_some(camids), start, end, tuple(tags or ()), exclude_camid)
    return service.search(caller, picture.file.read(), box, k=k, filter=filter, exact=exact, pictures=pictures)


@router.post("/v1/compare", tags=["pictures"])
def compare(
    service: Here,
    caller: Who,
    first: UploadFile,
    second: UploadFile,
    first_box: Box = None,
    second_box: Box = None,
) -> schemas.Compared:
    """How alike two pictures are; with a calibration, how probably they show one person."""
    return service.compare(caller, first.file.read(), second.file.read(), (first_box, second_box))


@router.post("/v1/explain", tags=["pictures"])
def explain(
    service: Here,
    caller: Who,
    picture: Annotated[UploadFile | None, Form()] = None,
    id: Annotated[str | None, Form(max_length=128)] = None,
    box: Box = None,
) -> schemas.Explained:
    """Where the method looked: in a picture you send, or in an entry's."""
    return service.explain(caller, None if picture is None else picture.file.read(), box, id)


@router.post("/v1/marks", status_code=204, response_class=Response, tags=["gallery"])
def mark(service: Here, caller: Who, verdict: schemas.Mark) -> Response:
    """Say whether an answer was right; the audit log keeps it."""
    service.mark(caller, verdict)
    return Response(status_code=204)


@router.post("/v1/entries", tags=["gallery"])
def enrol(
    service: Here,
    caller: Who,
    picture: UploadFile,
    box: Box = None,
    camid: Name = None,
    timestamp: Timestamp = None,
    pid: Name = None,
    tags: Tags = None,
) -> schemas.Enrolled:
    """Take a picture into the gallery. The same crop, camera and time again is no second entry."""
    return service.enrol(caller, picture.file.read(), box, camid=camid, timestamp=timestamp, pid=pid, tags=tags or ())


@router.get("/v1/entries", tags=["gallery"])
def listing(
    service: Here,
    caller: Who,
    cursor: Annotated[str, Query(max_length=128, description="The `next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1)] = 100,
    camids: Annotated[list[Camera] | None, Query(max_length=256)] = None,
    pids: Annotated[list[Person] | None, Query(max_length=256)] = None,
    start: Moment = None,
    end: Moment = None,
    tags: Words = None,
) -> schemas.Listed:
    """Entries in the order of their ids, page after page. Every page goes into the audit log."""
    filter = Filter(_some(camids), start, end, tuple(tags or ()), pids=_some(pids))
    return service.reader.page(caller, cursor, limit, filter)


@router.get("/v1/entries/{id:path}/picture", response_class=Response, tags=["gallery"])
def picture(service: Here, caller: Who, id: str) -> Response:
    """The kept JPEG of an entry; goes into the audit log."""
    return Response(service.picture(caller, id), media_type="image/jpeg")


@router.get("/v1/entries/{id:path}", responses={404: {"model": schemas.Problem}}, tags=["gallery"])
def entry(service: Here, caller: Who, id: str) -> schemas.EntryOut:
    """What the gallery knows of an entry."""
    return service.entry(caller, id)


@router.delete("/v1/entries/{id:path}", tags=["gallery"])
def delete_one(service: Here, caller: Who, id: str) -> schemas.Deleted:
    """Delete an entry for good, its picture and descriptor too; unknown ids are no error."""
    return service.delete(caller, ids=[id])


@router.delete("/v1/entries", tags=["gallery"])
def delete_many(
    service: Here,
    caller: Who,
    before: Moment = None,
    camid: Named = None,
    pid: Named = None,
    tags: Words = None,
) -> schemas.Deleted:
    """Delete the entries that fulfil all that is given (older than a timestamp, of a camera, of a person, with all
    tags), for good.
    """
    camids, pids = (None if name is None else (name,) for name in (camid, pid))
    filter = Filter(camids, tags=tuple(tags or ()), pids=pids)
    return service.delete(caller, before=before, filter=filter)


def _some(names: list[str] | None) -> tuple[str, ...] | None:
    """Names to filter by; an empty list filters nothing."""
    return tuple(names) if names else None
