"""Persons in scenes, described and added to a gallery in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from occreid.data.sightings import Sighting
from occreid.gallery import AddReport, Entry, Gallery, picture_id
from occreid.gallery.enrolment import add_unknown
from occreid.gallery.kept import kept_picture
from occreid.models import Method
from occreid.models.masker import masks_key, require_same
from occreid.scenes.crops import Crop, encoded


def enrol_crops(
    gallery: Gallery,
    crops: Iterable[Crop],
    model: Method,
    *,
    camera: str = "",
    tags: Sequence[str] = (),
    keep_pictures: bool = False,
    batch: int = 256,
    on_batch: Callable[[AddReport], object] = lambda report: None,
) -> AddReport:
    """Describe crops and add them, some in each commit; crops that the gallery knows are left out.

    A crop has the id that its file from `occreid.scenes.write_crops` would have. Its path names its source as a media
    fragment: ``door.mp4#t=12.000&xywh=40,60,50,120``.

    Args:
        gallery: where to.
        crops: see `occreid.scenes.crop_persons`; read as they are needed.
        model: the gallery's.
        camera: the name of the camera that saw them all; empty: each source's own name.
        tags: tags of all of them.
        keep_pictures: keep a JPEG of each, at most 256 pixels high.
        batch: crops of one commit.
        on_batch: called after each with the report so far.

    Raises:
        UserError: another model's shape or masks, or the place refuses to write.
    """
    require_same(masks_key(model), gallery.manifest.masks, "the gallery")
    stream, total = iter(crops), AddReport(0, 0)
    while some := list(islice(stream, batch)):
        ids = [picture_id(encoded(crop)) for crop in some]

        def describe(rows: list[int], some: list[Crop] = some, ids: list[str] = ids) -> list[Entry]:
            chosen = [some[row] for row in rows]
            found = model.embed([crop.pixels for crop in chosen], flip_test=gallery.manifest.flip_test)
            return [
                Entry(
                    found.features[place],
                    found.visibility[place],
                    id=ids[row],
                    camid=camera or Path(crop.frame.source).stem,
                    timestamp=crop.frame.timestamp,
                    tags=tuple(tags),
                    path=str(sighting(crop)),
                    picture=kept_picture(crop.pixels) if keep_pictures else None,
                )
                for place, (row, crop) in enumerate(zip(rows, chosen, strict=True))
            ]

        new = add_unknown(gallery, ids, describe)
        total += AddReport(sum(new), len(new) - sum(new))
        on_batch(total)
    return total


def sighting(crop: Crop) -> Sighting:
    """Where a crop lies: its source, of a video the second, the box, and the path where somebody followed it."""
    box = crop.box
    return Sighting(crop.frame.source, crop.frame.seconds, (box.x, box.y, box.width, box.height), box.track)
