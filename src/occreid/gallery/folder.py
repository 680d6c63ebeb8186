"""`search`: a folder of crops searched by picture, with nothing set up and nothing kept."""

from __future__ import annotations

from numbers import Integral
from pathlib import Path

from occreid.data.walk import existing_folder, images_under
from occreid.errors import UserError
from occreid.gallery.hit import Hit, score
from occreid.gallery.hits import Hits
from occreid.gallery.manifest import MANIFEST_FILE
from occreid.gallery.refining import refines
from occreid.models import load_model
from occreid.models.contract import Method
from occreid.models.pictures import Picture
from occreid.models.shipped import default_model
from occreid.retrieval.search import top_k


def search(
    query: Picture, folder: str | Path, *, model: Method | str | Path | None = None, top: int = 10, batch_size: int = 64
) -> Hits:
    """The pictures in a folder that are nearest to one picture of a person.

    Args:
        query: a crop: a file, a Pillow picture, a uint8 array or a tensor.
        folder: holds crops, at any depth.
        model: a loaded model, or what `occreid.load_model` takes; None: the one that came with the package.
        top: answers, at least 1.
        batch_size: pictures described at once.

    Raises:
        UserError: no such folder, no picture in it, or an unreadable one.
    """
    if not isinstance(top, Integral) or top < 1:
        raise UserError(f"{top!r} answers cannot be given.", "Ask for 1 or more.")
    if not isinstance(folder, str | Path):
        raise UserError(
            f"what is to be searched is of the type {type(folder).__name__}, no folder.", "Give a folder's path."
        )
    folder = existing_folder(Path(folder))
    if (folder / MANIFEST_FILE).is_file():
        raise UserError(
            f"{folder} is a gallery.", "Search it so: occreid.gallery.Gallery.open(…).search(query, model=…)"
        )
    files = images_under(folder)
    network = model if isinstance(model, Method) else load_model(model or default_model())
    wanted, held = network.embed(query), network.embed(files, batch_size=batch_size)
    if len(wanted) != 1:
        raise UserError(f"{len(wanted)} pictures cannot be one query.", "Search each on its own.")
    if refines(network):
        wanted, held = network.refine(wanted, held), network.refine(held, held)
    rows, distance = top_k(wanted, held, network.metric, min(top, len(files)))
    hits = [
        Hit(
            id=files[row].relative_to(folder).as_posix(),
            pid=None,
            camid=None,
            timestamp=None,
            tags=(),
            path=str(files[row]),
            visibility=tuple(held.visibility[row].tolist()),
            distance=float(away),
            score=score(float(away), network.metric),
        )
        for away, row in zip(distance[0].tolist(), rows[0].tolist(), strict=True)
        if row >= 0  # those that share no visible part come as −1
    ]
    return Hits(hits, query if isinstance(query, str | Path) else None)
