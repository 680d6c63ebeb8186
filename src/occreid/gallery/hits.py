"""`Hits`: the answers to one search, as a list that can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from occreid.data.images import Pixels, decode_image, read_image
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.data.sightings import Sighting, in_words, on_paper, sighting_in, with_box
from occreid.display import html_table
from occreid.errors import UserError
from occreid.gallery.entries import Entry
from occreid.gallery.hit import Hit

_CELL, _COLUMNS = (192, 96), 11  # height and width in pixels; pictures of a row
_WIDE = (240, 320)  # of a sheet with scenes
_LEGEND = {"query": (30, 100, 220), "answer": (110, 110, 110)}
_BOX = (200, 40, 40)  # around a person in a scene
_BLANK = np.full((1, 1, 3), 255, np.uint8)
_SHOWN = 10  # rows of the short form


class Hits(list[Hit]):
    """Answers to one search, nearest first.

    Args:
        hits: what was found.
        query: the file searched for, where there is one; it stands first on the sheet.
        get: whole entries by id, as `Gallery.get`, for pictures that the gallery keeps.
    """

    def __init__(
        self,
        hits: Sequence[Hit] = (),
        query: str | Path | None = None,
        get: Callable[[Sequence[str]], Sequence[Entry]] | None = None,
    ) -> None:
        super().__init__(hits)
        self.query, self._get = query, get

    def __repr__(self) -> str:
        lines = [f"{len(self)} hits" + (f" for {self.query}" if self.query else "")]
        lines += [f"{rank:4d}  {hit.distance:.4f}  {caption(hit)}" for rank, hit in enumerate(self[:_SHOWN], 1)]
        return "\n".join(lines + ["   …"] * (len(self) > _SHOWN))

    def _repr_html_(self) -> str:
        rows = [(rank, f"{hit.distance:.4f}", caption(hit)) for rank, hit in enumerate(self, 1)]
        return html_table(
            ("", "distance", "hit"), rows, f"{len(self)} hits" + (f" for {self.query}" if self.query else "")
        )

    def sheet(self, path: str | Path) -> Path:
        """Write the query and its answers, in order, as one PNG; of scenes with the whole frame and its moment.

        Raises:
            UserError: an answer has no picture, on disk or kept, or the file cannot be written.
        """
        return write_sheet(Path(path), self._drawn())

    def show(self) -> Image.Image:
        """The query and its answers, in order, with distance and name; a notebook shows it.

        Raises:
            UserError: an answer has no picture, on disk or kept.
        """
        return Image.fromarray(self._drawn())

    def _drawn(self) -> Pixels:
        asked = [Tile(read_image(self.query), "looked for", _LEGEND["query"])] if self.query else []
        seen = [sighting_in(hit.path or "") for hit in self]
        if not any(seen):
            tiles = [*asked, *(self._tile(rank, hit, self._pixels(hit)) for rank, hit in enumerate(self, 1))]
            rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
            return draw_sheet(rows, cell=_CELL, legend=_LEGEND)
        rows = [[tile] for tile in asked]
        rows += [self._evidence(rank, hit, place) for rank, (hit, place) in enumerate(zip(self, seen, strict=True), 1)]
        papers = [[replace(tile, picture=on_paper(tile.picture, *_WIDE)) for tile in row] for row in rows]
        return draw_sheet(papers, cell=_WIDE, legend=_LEGEND)

    def _evidence(self, rank: int, hit: Hit, place: Sighting | None) -> list[Tile]:
        """The person, and beside it the whole scene with its box while the scene is there."""
        if place is None:
            return [self._tile(rank, hit, self._pixels(hit))]
        about = in_words(place.source, place.seconds, hit.timestamp, place.track)
        if not place.can_be_seen_again:
            return [self._tile(rank, hit, self._pixels(hit)), Tile(_BLANK, f"{about}: not there")]
        try:
            scene = place.scene()
        except UserError:  # it lies there, but is another by now, or damaged: the other answers are none the worse
            return [self._tile(rank, hit, self._pixels(hit)), Tile(_BLANK, f"{about}: not as it was")]
        left, top, width, height = place.box
        crop = scene[top : top + height, left : left + width]
        return [self._tile(rank, hit, crop), Tile(with_box(scene, place.box, _BOX), about)]

    def _tile(self, rank: int, hit: Hit, picture: Pixels) -> Tile:
        names = "".join(f" {name}" for name in (hit.pid, hit.camid) if name is not None)
        return Tile(picture, f"{rank}: {hit.distance:.3f}{names}", _LEGEND["answer"])

    def _pixels(self, hit: Hit) -> Pixels:
        """The file of an answer while it is there, else the picture that the gallery kept of it."""
        if hit.path is not None and Path(hit.path).is_file():
            return read_image(hit.path)
        kept = next((entry.picture for entry in self._get([hit.id])), None) if self._get else None
        if kept is not None:
            return decode_image(kept, f"the picture of {hit.id}")
        raise UserError(
            f"the entry {hit.id} has no picture{f': {hit.path} is not there' if hit.path else ' on disk'}.",
            "Put it back where it lay, or add entries with --keep-pictures.",
        )


def write_sheets(answers: Sequence[Hits], path: str | Path) -> list[Path]:
    """Write `Hits.sheet` of one search, or of several one each into a folder, called as their queries.

    Args:
        answers: of queries that are files.
        path: the PNG; of several the folder, made if missing. Queries of one name are numbered.

    Raises:
        UserError: as `Hits.sheet`.
    """
    if len(answers) == 1:
        return [answers[0].sheet(path)]
    stems = [Path(hits.query or "query").stem for hits in answers]
    names = [stem if stems.count(stem) == 1 else f"{number}_{stem}" for number, stem in enumerate(stems, 1)]
    return [hits.sheet(Path(path) / f"{name}.png") for hits, name in zip(answers, names, strict=True)]


def caption(hit: Hit) -> str:
    """Person, camera and place of an answer in one line."""
    about = (
        f"person {hit.pid}" if hit.pid is not None else "",
        f"camera {hit.camid}" if hit.camid is not None else "",
        hit.path or hit.id,
    )
    return "  ".join(part for part in about if part)
