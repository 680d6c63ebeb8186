"""The addresses of the service. Handlers are plain functions: they run in worker threads, and may block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Security, UploadFile
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from pydantic import Field
from starlette.exceptions import HTTPException

from occreid.errors import UserError
from occreid.gallery import Filter
from occreid.serve import schemas
from occreid.serve.metrics import CONTENT_TYPE
from occreid.serve.service import Asker, Service

_bearer = HTTPBearer(auto_error=False, description="A key of: occreid serve keys add")
_REFUSED = {
    status: {"model": schemas.Problem, "description": said}
    for status, said in {
        400: "A value makes no sense.",
        401: "No valid key.",
        403: "The key has not the role.",
        413: "Too many bytes or pixels.",
        422: "A field is missing or of the wrong type.",
        429: "Too often, or too much at once: see Retry-After.",
        507: "The disk is full.",
    }.items()
}
router = APIRouter(responses=_REFUSED)  # type: ignore[arg-type]  # dict is invariant in its values


def _service(request: Request) -> Service:
    return request.app.state.service


def _may(*roles: str) -> Callable[..., Asker]:
    """A dependency: who asks, if the key holds one of the roles."""

    def check(request: Request, _: Annotated[object, Security(_bearer)]) -> Asker:
        asker: Asker = request.scope["asker"]
        if not asker.key.may(*roles):
            raise HTTPException(403, f"The key '{asker.key.name}' may not do this; it takes the role {roles[0]}")
        return asker

    return check


Here = Annotated[Service, Depends(_service)]
Anyone = Annotated[Asker, Depends(_may("search", "enrol", "monitor"))]
Embedder = Annotated[Asker, Depends(_may("search", "enrol"))]
Searcher = Annotated[Asker, Depends(_may("search"))]
Enroller = Annotated[Asker, Depends(_may("enrol"))]
Admin = Annotated[Asker, Depends(_may("admin"))]
Box = Annotated[str | None, Form(description="x,y,width,height in pixels: the person in a larger picture.")]
Camera = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Number = Annotated[int | None, Form(ge=-(2**31), lt=2**31)]
Moment = Annotated[float | None, Form(allow_inf_nan=False, description="Unix seconds (UTC).")]
Tags = Annotated[list[str] | None, Form(max_length=16)]


@router.get("/health", response_model=schemas.Health, responses={503: {"model": schemas.Health}}, tags=["operation"])
def health(request: Request, service: Here) -> Response:
    """Whether the service can answer and write. Needs no key."""
    problems = []
    for check in (request.app.state.ring.refresh, service.check, request.app.state.retention.check):
        try:
            check()
        except UserError as error:
            problems.append(error.problem)
    found = schemas.Health(status="failing" if problems else "ok", problems=problems)
    return JSONResponse(found.model_dump(), 503 if problems else 200)


@router.get("/metrics", response_class=Response, tags=["operation"])
def metrics(service: Here, asker: Annotated[Asker, Depends(_may("monitor"))]) -> Response:
    """Prometheus metrics."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/v1/about", tags=["operation"])
def about(service: Here, asker: Anyone) -> schemas.About:
    """What this service is, and what your key may do."""
    return service.about(asker)


@router.post("/v1/embed", tags=["pictures"])
def embed(service: Here, asker: Embedder, picture: UploadFile, box: Box = None) -> schemas.Embedding:
    """The descriptor of a picture."""
    return service.embed(asker, picture.file.read(), box)


@router.post("/v1/search", tags=["gallery"])
def search(
    service: Here,
    asker: Searcher,
    picture: UploadFile,
    box: Box = None,
    k: Annotated[int, Form(ge=1)] = 10,
    cameras: Annotated[list[Camera] | None, Form(max_length=256)] = None,
    start: Moment = None,
    end: Moment = None,
    tags: Tags = None,
    exclude_camera: Number = None,
    exact: Annotated[bool, Form(description="Compare with every entry, not only an index's candidates.")] = True,
    pictures: Annotated[bool, Form(description="Send the kept pictures along.")] = False,
) -> schemas.Found:
    """The nearest persons to a picture. Every search goes into the audit log."""
    narrow = Filter(tuple(cameras) if cameras else None, start, end, tuple(tags or ()), exclude_camera)
    return service.search(asker, picture.file.read(), box, k=k, narrow=narrow, exact=exact, pictures=pictures)


@router.post("/v1/compare", tags=["pictures"])
def compare(
    service: Here,
    asker: Searcher,
    first: UploadFile,
    second: UploadFile,
    first_box: Box = None,
    second_box: Box = None,
) -> schemas.Compared:
    """How alike two pictures are; with a calibration, how probably they show one person."""
    return service.compare(asker, first.file.read(), second.file.read(), (first_box, second_box))


@router.post("/v1/explain", tags=["pictures"])
def explain(
    service: Here,
    asker: Searcher,
    picture: Annotated[UploadFile | None, Form()] = None,
    id: Annotated[str | None, Form(max_length=128)] = None,
    box: Box = None,
) -> schemas.Explained:
    """Where the method looked: in a picture you send, or in an entry's."""
    return service.explain(asker, None if picture is None else picture.file.read(), box, id)


@router.post("/v1/marks", status_code=204, response_class=Response, tags=["gallery"])
def mark(service: Here, asker: Searcher, verdict: schemas.Mark) -> Response:
    """Say whether an answer was right; the audit log keeps it."""
    service.mark(asker, verdict)
    return Response(status_code=204)


@router.post("/v1/entries", tags=["gallery"])
def enrol(
    service: Here,
    asker: Enroller,
    picture: UploadFile,
    box: Box = None,
    camera: Number = None,
    time: Moment = None,
    person: Number = None,
    tags: Tags = None,
) -> schemas.Enrolled:
    """Take a picture into the gallery. The same crop, camera and time again is no second entry."""
    return service.enrol(asker, picture.file.read(), box, camid=camera, when=time, pid=person, tags=tags or ())


@router.get("/v1/entries/{id}", responses={404: {"model": schemas.Problem}}, tags=["gallery"])
def entry(service: Here, asker: Searcher, id: str) -> schemas.EntryOut:
    """What the gallery knows of an entry."""
    return service.entry(id)


@router.get("/v1/entries/{id}/picture", response_class=Response, tags=["gallery"])
def picture(service: Here, asker: Searcher, id: str) -> Response:
    """The kept JPEG of an entry; goes into the audit log."""
    return Response(service.picture(asker, id), media_type="image/jpeg")


@router.delete("/v1/entries/{id}", tags=["gallery"])
def delete_one(service: Here, asker: Admin, id: str) -> schemas.Deleted:
    """Delete an entry for good, its picture and descriptor too; unknown ids are no error."""
    return service.delete(asker, ids=[id])


@router.delete("/v1/entries", tags=["gallery"])
def delete_many(
    service: Here,
    asker: Admin,
    before: Annotated[float | None, Query(allow_inf_nan=False, description="Unix seconds.")] = None,
    camera: Annotated[int | None, Query(ge=-(2**31), lt=2**31)] = None,
) -> schemas.Deleted:
    """Delete all entries older than a moment, or of a camera, or both, for good."""
    return service.delete(asker, before=before, camera=camera)
