"""Every limit of the service in one place, with the values it has when nobody says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from threading import TIMEOUT_MAX
from typing import Any, Literal

from occreid.errors import UserError, did_you_mean

DURABILITIES = ("process", "disk")


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of one service process.

    Attributes:
        max_body: bytes of a request.
        max_pixels: pixels of a picture, before it is decoded.
        max_side: pixels of a picture's longer side.
        max_proportion: longer side over shorter, of a picture and of a box.
        max_answer: bytes of the pictures sent along with one answer.
        max_k: answers of one search.
        max_page: entries of one page of the list.
        concurrency: requests being worked on; more get a 429.
        key_concurrency: of these, one key's; never more than half.
        rate: lasting requests per second of one key.
        burst: requests of one key at once after a pause.
        body_seconds: a request that has not arrived whole by then is given up.
        request_seconds: a request that is not answered by then is given up.
        decoders: requests that work on pixels at once; bounds memory.
        max_batch: pictures described at once.
        compute_threads: searches and comparisons at once; bounds memory.
        max_scenes: pictures that wait for the detector; more get a 429.
        scene_seconds: what the detector may take for a picture, waiting included.
        keep_pictures: whether the gallery keeps the crops that are enrolled.
        picture_height: of kept crops, in pixels.
        retention_days: entries older than this are deleted for good; None keeps them.
        check_every: seconds between two checks of some entries of the gallery.
        retention_every: seconds between two searches for old entries.
        audit_bytes: of a file of the audit log, after which the next one begins.
        durability: what an acknowledged change outlives: ``"process"``: a crash of the service; ``"disk"``: a power
            cut, too; every commit and line is flushed to the disk.

    Raises:
        UserError: a limit of zero or less.
    """

    max_body: int = 10 * 2**20
    max_pixels: int = 16_000_000
    max_side: int = 10_000
    max_proportion: float = 10.0
    max_answer: int = 8 * 2**20
    max_k: int = 100
    max_page: int = 1000
    concurrency: int = 32
    key_concurrency: int = 16
    rate: float = 50.0
    burst: int = 100
    body_seconds: float = 30.0
    request_seconds: float = 120.0
    decoders: int = 2
    max_batch: int = 32
    compute_threads: int = 4
    max_scenes: int = 8
    scene_seconds: float = 60.0
    keep_pictures: bool = True
    picture_height: int = 256
    retention_days: float | None = None
    retention_every: float = 3600.0
    check_every: float = 300.0
    audit_bytes: int = 64 * 2**20
    durability: Literal["process", "disk"] = "process"

    def __post_init__(self) -> None:
        if self.durability not in DURABILITIES:
            raise UserError(f"there is no durability '{self.durability}'.", did_you_mean(self.durability, DURABILITIES))
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("keep_pictures", "durability") or value is None:
                continue
            if not value > 0:
                raise UserError(f"{field.name} is {value}.", "Give more than 0.")
            if value > TIMEOUT_MAX and isinstance(value, float):  # nobody can wait so long
                raise UserError(f"{field.name} is {value}.", f"Give at most {TIMEOUT_MAX:.0f}.")

    @staticmethod
    def of(texts: Sequence[str], **values: Any) -> Settings:
        """Settings of ``NAME=VALUE`` texts over other values.

        >>> Settings.of(["decoders=4", "retention_days=30"], max_k=20).decoders
        4

        Raises:
            UserError: an unknown name, a value of another type, or one that is none.
        """
        kinds = {field.name: type(field.default) if field.default is not None else float for field in fields(Settings)}
        for text in texts:
            name, _, value = text.partition("=")
            if name not in kinds:
                raise UserError(f"there is no limit '{name}'.", did_you_mean(name, kinds))
            try:
                values[name] = {"true": True, "false": False}[value] if kinds[name] is bool else kinds[name](value)
            except (ValueError, KeyError) as error:
                raise UserError(f"--limit {text} is no {kinds[name].__name__}.", "For example: decoders=4") from error
        return Settings(**values)
