"""`occreid gallery`: make, fill, look after and empty a searchable gallery."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.options import BatchSize, Device, Json, Option, Precision, Workers
from occreid.errors import UserError
from occreid.files import read_json

if TYPE_CHECKING:
    from occreid.gallery import Entry, Filter, Gallery
    from occreid.records import Record

TOKEN = "OCCREID_MILVUS_TOKEN"
"""Environment variable with ``user:password`` or the API key of a Milvus server."""

Uri = Annotated[str, typer.Argument(help="A folder, a file NAME.db (Milvus in this process) or http://host:19530/name")]
Model = Annotated[Path, typer.Option("--model", help="The run folder or .safetensors file that describes pictures.")]
Cameras = Annotated[list[int] | None, typer.Option("--camera", help="Only this camera; may be repeated.")]
Start = Annotated[str | None, typer.Option("--start", help="Taken at or after: 2026-03-01T08:00, or Unix seconds.")]
End = Annotated[str | None, typer.Option("--end", help="Taken before this.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Carrying this tag; may be repeated.")]


def register(app: typer.Typer) -> None:
    """Add the group `gallery`."""
    group = typer.Typer(name="gallery", help="Make, fill and look after a searchable gallery.", no_args_is_help=True)
    for command in (create, add, stats, verify, delete, compact, index):
        group.command()(command)
    app.add_typer(group)


def create(uri: Uri, model: Model) -> None:
    """Make an empty gallery for the descriptors of a model.

    Example: occreid gallery create galleries/door --model runs/market
    """
    import torch

    from occreid.gallery import Gallery
    from occreid.models import load_model, read_card

    card, network = read_card(model), load_model(model)
    with torch.no_grad():
        shape = network.describe(torch.zeros(1, 3, *network.input_size)).features.shape
    made = Gallery.create(
        uri,
        dim=shape[2],
        parts=shape[1],
        metric=network.metric,
        weights_hash=card["sha256"],
        model_name=card["method"],
        token=os.environ.get(TOKEN),
    )
    made.close()
    typer.echo(f"{uri} takes descriptors of {card['method']}: {shape[1]} parts of {shape[2]}, {network.metric}")


def add(
    uri: Uri,
    model: Annotated[Path | None, typer.Option("--model", help="Describes the pictures of --on or --pictures.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="NAME=ROOT", help="A benchmark's gallery images.")] = None,
    pictures: Annotated[Path | None, typer.Option("--pictures", help="A folder of crops, subfolders too.")] = None,
    descriptors: Annotated[
        Path | None, typer.Option("--descriptors", help="A part written by occreid extract.")
    ] = None,
    part: Annotated[str, typer.Option("--part", help="Of --on: gallery, query or train.")] = "gallery",
    option: Option = None,
    camera: Annotated[int | None, typer.Option("--camera", help="The camera of all --pictures.")] = None,
    taken: Annotated[str | None, typer.Option("--time", help="When all --pictures were taken.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag of all that is added; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep-pictures", help="Keep the encoded pictures in the gallery.")] = False,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Entries of one commit.")] = 1024,
    device: Device = "auto",
    precision: Precision = "float32",
    batch_size: BatchSize = 64,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Describe pictures, or take descriptors, and add them; pictures that are there already are left out.

    Interrupted, it goes on where it stopped: every batch is committed whole.

    Example: occreid gallery add galleries/door --model runs/market --pictures crops --camera 3 --keep-pictures
    """
    from occreid.gallery import AddReport
    from occreid.models import read_card

    if [on, pictures, descriptors].count(None) != 2 or (descriptors is None) != (model is not None):
        raise UserError("it is not clear what to add.", "Give --model with --on or --pictures; or --descriptors alone.")
    hash_ = _extracted(descriptors)["weights_sha256"] if model is None else read_card(model)["sha256"]
    describing = {"device": device, "precision": precision, "batch_size": batch_size, "workers": workers}
    total = AddReport(0, 0)
    with opened(uri, hash_) as gallery:
        if descriptors is not None:
            batches = _described(descriptors, tuple(tags or ()), keep, batch)
        else:
            records = _of_benchmark(on, part, option) if on else _of_folder(pictures, camera, taken)
            batches = _describing(gallery, model, records, tuple(tags or ()), keep, batch, describing, not as_json)
        for number, some in enumerate(batches, start=1):
            report = some if isinstance(some, AddReport) else gallery.add(some)
            total = AddReport(total.added + report.added, total.known + report.known)
            if not as_json and number % 10 == 0:
                typer.echo(f"{total.added + total.known:,} done", err=True)
    typer.echo(json.dumps(asdict(total)) if as_json else f"added {total.added:,}, known already {total.known:,}")


def stats(uri: Uri, as_json: Json = False) -> None:
    """Count what a gallery holds.

    Example: occreid gallery stats galleries/door
    """
    with opened(uri) as gallery:
        found = gallery.stats()
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    made = found.manifest
    typer.echo(f"{found.entries:,} entries of {found.persons:,} known persons, {len(found.cameras)} cameras")
    typer.echo(f"described by {made.model_name or 'a model'} {made.weights_hash[:12]}…, {made.parts} × {made.dim}")
    typer.echo(f"compared by {made.metric}, {found.index['type'] + ' index' if found.index else 'no index'}")
    if found.earliest is not None and found.latest is not None:
        typer.echo(f"taken from {_words(found.earliest)} to {_words(found.latest)}")
    if found.bytes_on_disk is not None:
        typer.echo(
            f"{found.bytes_on_disk / 2**20:,.1f} MiB, {found.bytes_on_disk / max(found.entries, 1):,.0f} bytes each"
        )
    for name, counts in (("camera", found.cameras), ("tag", found.tags)):
        for key, count in counts.items():
            typer.echo(f"  {name} {key}: {count:,}")


def verify(uri: Uri, as_json: Json = False) -> None:
    """Read every entry and check it. Exit code 0: sound; 1: problems were found.

    Example: occreid gallery verify galleries/door
    """
    with opened(uri) as gallery:
        report = gallery.verify()
    if as_json:
        typer.echo(json.dumps({"sound": report.sound, **asdict(report)}, indent=2))
    else:
        for problem in report.problems:
            typer.echo(f"  {problem}")
        typer.echo(f"{report.entries:,} entries, {'sound' if report.sound else 'NOT sound'}")
    if not report.sound:
        raise typer.Exit(1)


def delete(
    uri: Uri,
    ids: Annotated[list[str] | None, typer.Option("--id", help="This entry; may be repeated.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="Taken (else added) before this moment.")] = None,
    camera: Cameras = None,
    start: Start = None,
    end: End = None,
    tag: Tags = None,
    keep_bytes: Annotated[
        bool,
        typer.Option("--no-compact", help="Leave the bytes on disk until 'compact' or the next delete without this."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete the entries that fulfil everything given, for good.

    Example: occreid gallery delete galleries/door --before 2026-01-01
    """
    narrow = filter_of(camera, start, end, tag)
    with opened(uri) as gallery:
        count = gallery.delete(ids=ids, before=None if before is None else moment(before), filter=narrow)
        if not keep_bytes and (count or gallery.unswept()):
            gallery.compact()
    typer.echo(json.dumps({"deleted": count}) if as_json else f"deleted {count:,}")


def compact(uri: Uri) -> None:
    """Merge files, drop what was deleted for good, and bring the indexes up to date.

    Example: occreid gallery compact galleries/door
    """
    with opened(uri) as gallery:
        gallery.compact()
    typer.echo("compacted")


def index(
    uri: Uri,
    kind: Annotated[str, typer.Option("--kind", help="IVF_PQ or IVF_FLAT.")] = "IVF_PQ",
    partitions: Annotated[int | None, typer.Option("--partitions", min=1, help="By default entries / 4,096.")] = None,
    sub_vectors: Annotated[int | None, typer.Option("--sub-vectors", min=1, help="By default dimensions / 16.")] = None,
    k: Annotated[int, typer.Option("--recall-at", min=1, help="Measure the share of so many nearest.")] = 10,
    queries: Annotated[int, typer.Option("--queries", min=1, help="Entries drawn to measure it.")] = 100,
    as_json: Json = False,
) -> None:
    """Build the index of approximate search and measure what it finds.

    Example: occreid gallery index galleries/door
    """
    with opened(uri) as gallery:
        gallery.build_index(kind=kind, partitions=partitions, sub_vectors=sub_vectors)
        recall = gallery.recall(k, queries=queries)
    found = {"kind": kind, "k": k, "recall": recall}
    typer.echo(json.dumps(found) if as_json else f"{kind} finds {recall:.1%} of the {k} nearest")


@contextmanager
def opened(uri: str, weights_hash: str | None = None) -> Iterator[Gallery]:
    """The gallery, closed in the end."""
    from occreid.gallery import Gallery

    with Gallery.open(uri, weights_hash=weights_hash, token=os.environ.get(TOKEN)) as gallery:
        yield gallery


def filter_of(
    camera: Sequence[int] | None,
    start: str | None,
    end: str | None,
    tag: Sequence[str] | None,
    exclude_camera: int | None = None,
) -> Filter:
    """The filter that options name."""
    from occreid.gallery import Filter

    return Filter(
        cameras=tuple(camera) if camera else None,
        start=None if start is None else moment(start),
        end=None if end is None else moment(end),
        tags=tuple(tag or ()),
        exclude_camera=exclude_camera,
    )


def moment(text: str) -> float:
    """Unix seconds of ``2026-03-01``, ``2026-03-01T08:00`` (UTC unless it names its zone), or a number of seconds.

    Raises:
        UserError: it is none of these.

    >>> moment("1970-01-02"), moment("1970-01-01T01:00+01:00"), moment("12.5")
    (86400.0, 0.0, 12.5)
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"'{text}' is not a moment.", "For example: 2026-03-01T08:00") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _words(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _extracted(folder: Path | None) -> dict[str, Any]:
    """What `occreid extract` says of the descriptors in this part's folder."""
    from occreid.evaluation.saved import ABOUT

    file = (folder or Path()).parent / ABOUT
    if not file.is_file():
        raise UserError(f"no file {file}.", "Give a part's folder, e.g. descriptors/gallery, of: occreid extract")
    return read_json(file)


def _described(folder: Path, tags: tuple[str, ...], keep: bool, batch: int) -> Iterator[list[Entry]]:
    """Entries of descriptors on disk; their pictures give them their ids where they can be read."""
    from occreid.descriptors import Descriptors
    from occreid.gallery import entries, picture_id

    everything = Descriptors.load(folder)
    for start in range(0, len(everything), batch):
        some = everything[start : start + batch]
        contents = [Path(path).read_bytes() if Path(path).is_file() else None for path in some.paths or ()]
        ids = ["" if content is None else picture_id(content) for content in contents] or None
        yield [*entries(some, ids=ids, tags=tags, pictures=contents if keep and contents else None)]


def _describing(
    gallery: Gallery,
    model: Path | None,
    records: Sequence[Record],
    tags: tuple[str, ...],
    keep: bool,
    batch: int,
    options: dict[str, Any],
    progress: bool,
) -> Iterator[Any]:
    """Entries of pictures, described only where the gallery does not know them; else a report of what it knows."""
    from occreid.extraction import extract, usable_device
    from occreid.gallery import AddReport, entries, picture_id
    from occreid.models import load_model

    options = {**options, "device": usable_device(options["device"])}
    network = load_model(model or Path())
    for start in range(0, len(records), batch):
        contents = {record: record.path.read_bytes() for record in records[start : start + batch]}
        ids = {record: picture_id(content) for record, content in contents.items()}
        known = gallery.known([*ids.values()])
        new = [record for record, name in ids.items() if name not in known]
        yield AddReport(0, len(contents) - len(new))
        if new:
            yield [
                *entries(
                    extract(network, new, progress=progress, **options),
                    ids=[ids[record] for record in new],
                    times=[record.time for record in new],
                    tags=tags,
                    pictures=[contents[record] for record in new] if keep else None,
                )
            ]


def _of_benchmark(on: str, part: str, option: list[str] | None) -> Sequence[Record]:
    from occreid.cli.splits import load_benchmarks

    if part not in ("gallery", "query", "train"):
        raise UserError(f"a benchmark has no part '{part}'.", "Give gallery, query or train.")
    return getattr(load_benchmarks(Path(), [on], option)[0], part)


def _of_folder(folder: Path | None, camera: int | None, taken: str | None) -> list[Record]:
    """Records of a folder's pictures; −1 stands for a person or camera that is not known."""
    from occreid.data.benchmarks._files import images_under
    from occreid.records import Record

    when, where = None if taken is None else moment(taken), -1 if camera is None else camera
    return [Record(file, pid=-1, camid=where, time=when) for file in images_under(folder or Path())]
