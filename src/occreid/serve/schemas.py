"""What the service answers, field by field: the OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Probability = Annotated[float, Field(ge=0, le=1)]


class Problem(BaseModel):
    """Every answer that is not a success."""

    problem: str = Field(description="What is wrong, in one sentence.")
    hint: str = Field(description="What to do about it; may be empty.")
    request_id: str = Field(description="Find the request in the server's log by this.")


class Health(BaseModel):
    """Whether the service can do its work."""

    status: Literal["ok", "failing"]
    problems: list[str] = []


class About(BaseModel):
    """What this service is, and what the asking key may do."""

    version: str
    model: str = Field(description="What the model is called.")
    method: str
    weights_sha256: str
    metric: str
    parts: int
    dimensions: int
    input_height: int
    input_width: int
    entries: int = Field(description="Within the key's reach; so are cameras and times.")
    cameras: list[str] = Field(description="Names of the cameras the gallery knows.")
    earliest: float | None = Field(description="Of the known times, Unix seconds.")
    latest: float | None
    calibrated: bool
    calibration: str | None = Field(description="Where the probabilities come from.")
    prior: Probability | None = Field(description="Share of same-person pairs the probabilities presume.")
    keeps_pictures: bool
    proposes_boxes: bool = Field(description="Whether a detector finds the persons in a scene.")
    retention_days: float | None
    key: str = Field(description="Name of the asking key.")
    roles: list[str]
    scope_camids: list[str] | None = Field(description="The only cameras the key reaches; null: all.")
    scope_tags: list[str] = Field(description="The key reaches only entries that carry all of these.")
    max_body: int
    max_pixels: int
    max_k: int


class Embedding(BaseModel):
    """The descriptor of one picture."""

    features: list[list[float]] = Field(description="(parts, dimensions)")
    visibility: list[bool] = Field(description="(parts,): whether the part was seen")
    weights_sha256: str


class ProposedBox(BaseModel):
    """Where a person may be, in pixels of the picture."""

    x: int
    y: int
    width: int
    height: int
    score: Probability


class Proposed(BaseModel):
    """The persons that a detector sees in a picture, the surest first."""

    boxes: list[ProposedBox]


class Enrolled(BaseModel):
    """What enrolling a picture did."""

    id: str
    added: bool = Field(description="False: the same picture was there already.")


class EntryOut(BaseModel):
    """One person's picture in the gallery, without its descriptor."""

    id: str
    pid: str | None = Field(description="What the person is called, where it is known.")
    camid: str | None = Field(description="What the camera is called, where it is known.")
    timestamp: float | None
    tags: list[str]
    visibility: list[bool]
    has_picture: bool


class Listed(BaseModel):
    """A page of entries, in the order of their ids."""

    entries: list[EntryOut]
    next: str | None = Field(description="The cursor of the next page; null: this is the last.")


class HitOut(BaseModel):
    """One answer of a search."""

    rank: int
    id: str
    distance: float
    score: Probability = Field(description="Similarity in [0, 1]; not a probability.")
    probability: Probability | None = Field(
        description="Of being one person at the prior of `About`; null uncalibrated."
    )
    pid: str | None = Field(description="What the person is called, where it is known.")
    camid: str | None = Field(description="What the camera is called, where it is known.")
    timestamp: float | None
    tags: list[str]
    visibility: list[bool]
    picture: str | None = Field(description="data: address, where asked for and kept.")


class Found(BaseModel):
    """The answers of a search, nearest first."""

    search_id: str
    visibility: list[bool] = Field(description="Parts seen in the query.")
    hits: list[HitOut]


class Compared(BaseModel):
    """How alike two pictures are."""

    distance: float | None = Field(description="null: the two pictures show no part in common.")
    score: Probability | None
    probability: Probability | None
    message: str = Field(description="What the probability presumes, or why there is none.")
    visibility: tuple[list[bool], list[bool]]


class Shown(BaseModel):
    """One map laid over the picture."""

    name: str
    overlay: str = Field(description="data: address of a PNG.")


class Explained(BaseModel):
    """Where the method looked."""

    maps: list[Shown]
    visibility: list[bool] | None
    message: str


class Deleted(BaseModel):
    """What a deletion did."""

    deleted: int
    gone_from_disk: bool = Field(description="Whether the files were rewritten without them.")


class Mark(BaseModel):
    """A person's verdict on one answer."""

    search_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    id: str = Field(min_length=1, max_length=128)
    verdict: Literal["right", "wrong", "unsure"]
