"""`Hits`: the answers to one search, as a list that can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from occreid.data.images import read_image
from occreid.display import html_table
from occreid.errors import UserError
from occreid.gallery.hit import Hit

_CELL, _GAP, _CAPTION = (96, 192), 6, 30  # pixels
_INK, _FRAME = (40, 40, 40), (30, 100, 220)
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
        """Write the query and its answers, in order, as one picture.

        Raises:
            UserError: an answer has no picture on disk, or the file cannot be written.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.show().save(path)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot write {path} ({error}).", "Choose a .png or .jpg you can write.") from error
        return path

    def show(self) -> Image.Image:
        """The query (framed) and its answers, in order, with distance and name; a notebook shows it.

        Raises:
            UserError: an answer has no picture on disk.
        """
        cells = [(self.query, "query", "")] if self.query else []
        cells += [(_file(hit), f"{rank}   {hit.distance:.3f}", caption(hit)) for rank, hit in enumerate(self, 1)]
        width, height = _CELL
        canvas = Image.new("RGB", ((width + _GAP) * max(len(cells), 1) + _GAP, height + 2 * _GAP + _CAPTION), "white")
        pen = ImageDraw.Draw(canvas)
        for number, (file, first, second) in enumerate(cells):
            left = _GAP + number * (width + _GAP)
            if number == 0 and self.query:
                pen.rectangle((left - 3, _GAP - 3, left + width + 2, _GAP + height + 2), fill=_FRAME)
            canvas.paste(Image.fromarray(read_image(file)).resize(_CELL, Image.Resampling.BILINEAR), (left, _GAP))
            for line, text in enumerate((first, second[-16:])):
                pen.text((left, _GAP + height + 3 + 12 * line), text, fill=_INK, font_size=10)
        return canvas


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
