"""`Hits`: the answers to one search, as a list that can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from occreid.data.images import Pixels, read_image
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.display import html_table
from occreid.errors import UserError
from occreid.gallery.hit import Hit

_CELL, _COLUMNS = (192, 96), 11  # height and width in pixels; pictures of a row
_LEGEND = {"query": (30, 100, 220), "answer": (110, 110, 110)}
_SHOWN = 10  # rows of the short form


class Hits(list[Hit]):
    """Answers to one search, nearest first.

    Args:
        hits: what was found.
        query: the file searched for, where there is one; it stands first on the sheet.
    """

    def __init__(self, hits: Sequence[Hit] = (), query: str | Path | None = None) -> None:
        super().__init__(hits)
        self.query = query

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
        """Write the query and its answers, in order, as one PNG.

        Raises:
            UserError: an answer has no picture on disk, or the file cannot be written.
        """
        return write_sheet(Path(path), self._drawn())

    def show(self) -> Image.Image:
        """The query and its answers, in order, with distance and name; a notebook shows it.

        Raises:
            UserError: an answer has no picture on disk.
        """
        return Image.fromarray(self._drawn())

    def _drawn(self) -> Pixels:
        return draw_sheet(self._tiles(), cell=_CELL, legend=_LEGEND)

    def _tiles(self) -> list[list[Tile]]:
        tiles = [Tile(read_image(self.query), "looked for", _LEGEND["query"])] if self.query else []
        for rank, hit in enumerate(self, 1):
            names = "".join(f" {name}" for name in (hit.pid, hit.camid) if name is not None)
            tiles.append(Tile(read_image(_file(hit)), f"{rank}: {hit.distance:.3f}{names}", _LEGEND["answer"]))
        return [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]


def caption(hit: Hit) -> str:
    """Person, camera and place of an answer in one line."""
    about = (
        f"person {hit.pid}" if hit.pid is not None else "",
        f"camera {hit.camid}" if hit.camid is not None else "",
        hit.path or hit.id,
    )
    return "  ".join(part for part in about if part)


def _file(hit: Hit) -> str:
    if hit.path is None:
        raise UserError(f"the entry {hit.id} has no picture on disk.", "Add entries with the path of their picture.")
    return hit.path
