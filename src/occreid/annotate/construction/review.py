"""A page to correct by hand what keypoints suggest, and the table it is kept in.

The page is one HTML file without anything from elsewhere: pictures with a tick box each, and a button that saves the
table as CSV. A keyboard is enough: Tab goes from box to box, Space ticks.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from jinja2 import Environment

from occreid.data.images import read_image
from occreid.errors import UserError
from occreid.files import read_csv, write_file

COLUMNS = ("path", "pid", "camid", "occluded", "why")
_HEIGHT = 160  # of a picture on the page, in pixels
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture and what is known of it.

    Attributes:
        path: the file, relative to the folder of crops, with forward slashes.
        pid, camid: as written in file names or table.
        occluded: whether something hides a part of the person.
        why: the chain of keypoints that is missing, or empty.
    """

    path: str
    pid: str
    camid: str
    occluded: bool
    why: str = ""


def write_review(crops: Sequence[Crop], root: Path, page: Path, table: Path) -> None:
    """Write the page and the table as it would be saved untouched.

    Args:
        crops: candidates for "occluded" come first on the page.
        root: the folder their paths are relative to.
        page: the HTML file.
        table: the CSV file.

    Raises:
        UserError: an unreadable picture, or a file that cannot be written.
    """
    ordered = sorted(crops, key=lambda c: (not c.occluded, c.why, c.path))
    rows = [{"crop": crop, "picture": _thumbnail(root / crop.path)} for crop in ordered]
    html = Environment(autoescape=True).from_string(_PAGE).render(rows=rows, table=table.name, columns=COLUMNS)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows((c.path, c.pid, c.camid, "true" if c.occluded else "false", c.why) for c in ordered)
    for file, content in ((page, html), (table, text.getvalue())):
        write_file(file, content)


def read_review(table: Path) -> list[Crop]:
    """Read a corrected table.

    Raises:
        UserError: no such file, other columns, or a cell that makes no sense, with its line.
    """
    columns, rows = read_csv(table, what="the table", hint="Save it from the review page.")
    missing = [name for name in COLUMNS[:4] if name not in columns]
    if missing:
        raise UserError(f"the table {table} has no column {', '.join(missing)}.", f"It needs {','.join(COLUMNS)}.")
    crops = []
    for line, row in rows:
        answer = (row["occluded"] or "").strip().lower()
        if answer not in (*_TRUE, *_FALSE) or not row["path"] or not row["pid"]:
            raise UserError(
                f"{table} line {line}: occluded is '{row['occluded']}', path '{row['path']}', pid '{row['pid']}'.",
                "Give true or false, a path and an id.",
            )
        crops.append(Crop(row["path"], row["pid"], row["camid"] or "", answer in _TRUE, row.get("why") or ""))
    if not crops:
        raise UserError(f"the table {table} has no rows.", "Save it from the review page.")
    return crops


def _thumbnail(path: Path) -> str:
    image = read_image(path)
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    small = cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return base64.b64encode(packed.tobytes()).decode()


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Review: who is occluded?</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
  body { margin: 1rem; }
  header { position: sticky; top: 0; background: Canvas; padding: .5rem 0; border-bottom: 1px solid GrayText; }
  ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .6rem; }
  li { border: 2px solid transparent; border-radius: .4rem; padding: .3rem; width: 9rem; }
  li:has(input:checked) { border-color: #c2410c; }
  li:focus-within { outline: 3px solid Highlight; }
  img { height: 160px; max-width: 100%; object-fit: contain; display: block; margin: auto; }
  small { display: block; overflow-wrap: anywhere; color: GrayText; }
  button { font: inherit; padding: .4rem .9rem; }
</style></head><body>
<header><h1 style="font-size:1.2rem;margin:0">Tick every picture in which something hides a part of the person</h1>
<p style="margin:.3rem 0"><span id="count" role="status"></span>
<button type="button" id="save">Save {{ table }}</button></p></header>
<main><ul>
{% for row in rows %}<li><label><img alt="" loading="lazy" src="data:image/jpeg;base64,{{ row.picture }}">
<input type="checkbox" data-path="{{ row.crop.path }}" data-pid="{{ row.crop.pid }}" data-camid="{{ row.crop.camid }}"
 data-why="{{ row.crop.why }}"{% if row.crop.occluded %} checked{% endif %}> occluded
<small>{{ row.crop.path }}{% if row.crop.why %}<br>missing: {{ row.crop.why }}{% endif %}</small></label></li>
{% endfor %}</ul></main>
<script>
const boxes = [...document.querySelectorAll('input[type=checkbox]')];
const tell = () => document.getElementById('count').textContent =
  boxes.filter(b => b.checked).length + ' of ' + boxes.length + ' occluded';
boxes.forEach(b => b.addEventListener('change', tell)); tell();
const quoted = text => /[",\\n\\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
document.getElementById('save').addEventListener('click', () => {
  const lines = [{{ columns | join(',') | tojson }}, ...boxes.map(b =>
    [b.dataset.path, b.dataset.pid, b.dataset.camid, String(b.checked), b.dataset.why].map(quoted).join(','))];
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([lines.join('\\r\\n') + '\\r\\n'], {type: 'text/csv'}));
  link.download = {{ table | tojson }};
  link.click();
});
</script></body></html>
"""
