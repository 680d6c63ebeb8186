"""occsynth, the generated benchmark: Market-1501's layout, and everything else in a sidecar table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._market import PARTS
from occreid.data.walk import IMAGE_SUFFIXES, existing_folder, files_under, is_clutter
from occreid.errors import UserError
from occreid.records import PART_NAMES, Record, Split

SIDECAR = "occsynth.parquet"
EDITION_KEY = b"occsynth_edition"
"""Of the table's metadata."""
_STUDY = {"train": (5_337, 450), "query": (640, 320), "gallery": (2_253, 400)}
FACTS = {
    "occsynth": Facts(
        layout=f"Market-1501's folders, masks, {SIDECAR}",
        note="generated; exact masks, visible fractions and occluders",
    ),
    "occsynth_study": Facts(
        layout="occsynth, of 'occreid data synth --edition occsynth-2 --size study --seed 0'",
        counts={"": _STUDY},
        note="generated, to tell methods apart: 640 occluded queries of 320 persons, 4 to 8 gallery images each",
        shared_layout=True,
    ),
}
_VISIBLE = tuple(f"visible_{part}" for part in PART_NAMES)
_COLUMNS = ("file", "split", "pid", "camid", "occluded", "occluder_kind", "occluder_id", "mask", "time", *_VISIBLE)


def occsynth(root: Path, *, strict: bool = True) -> Split:
    """Read a generated benchmark.

    Args:
        root: the folder that holds ``occsynth.parquet``, or the one that holds its folder ``occsynth``.
        strict: refuse image files that the table does not name; False leaves them out and says so.

    Raises:
        UserError: no table, one without the columns, or one naming files that are not there.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    base = _base(root)
    try:
        table = pq.read_table(base / SIDECAR)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{base / SIDECAR} is not a readable Parquet table.", "Generate the benchmark again."
        ) from error
    absent = [name for name in _COLUMNS if name not in table.column_names]
    if absent:
        raise UserError(f"{base / SIDECAR} has no column {', '.join(absent)}.", "Generate the benchmark again.")
    rows = table.select(_COLUMNS).to_pylist()
    on_disk = {path.relative_to(base).as_posix() for path in files_under(base)}
    missing = sorted({row[key] for row in rows for key in ("file", "mask") if row[key]} - on_disk)
    if missing:
        raise UserError(
            f"{len(missing)} files that {base / SIDECAR} names are missing: {', '.join(missing[:5])}.",
            "Generate the benchmark again.",
        )
    parts: dict[str, list[Record]] = {part: [] for part in PARTS}
    for row in sorted(rows, key=lambda r: r["file"]):
        if row["split"] not in parts:
            raise UserError(f"{base / SIDECAR} has the split '{row['split']}'.", "Known: train, query, gallery.")
        parts[row["split"]].append(_record(base, row))
    extra = [base / name for name in sorted(on_disk - {row["file"] for row in rows}) if _is_person(name)]
    split = Split(_name(table.schema.metadata), tuple(parts["train"]), tuple(parts["query"]), tuple(parts["gallery"]))
    return finish(split, {}, extra, f"a file of {SIDECAR}", strict)


def occsynth_study(root: Path, *, strict: bool = True) -> Split:
    """Read the generated benchmark that methods are compared on: size ``study`` of the second edition, seed 0.

    Args:
        root: as `occsynth`.
        strict: as `occsynth`; insist on its counts, too.

    Raises:
        UserError: what `occsynth` raises, or another size or seed.
    """
    split = replace(occsynth(root, strict=strict), name="occsynth_study")
    return finish(split, _STUDY, (), "", strict)


def _name(metadata: dict[bytes, bytes] | None) -> str:
    """The benchmark's name with its edition; tables of the first edition do not say one."""
    return (metadata or {}).get(EDITION_KEY, b"occsynth").decode()


def _base(root: Path) -> Path:
    existing_folder(root)
    looked = [root, *(c for c in sorted(root.iterdir()) if c.is_dir() and not is_clutter(c.name))]
    for base in (root, root / "occsynth"):
        if (base / SIDECAR).is_file():
            return base
    near = next((base for base in looked if (base / SIDECAR).is_file()), None)
    raise UserError(
        f"there is no {SIDECAR} in {root} or {root / 'occsynth'}.",
        f"There is one in {near}." if near else f"Generate it: occreid data synth --size tiny --out {root}",
    )


def _is_person(name: str) -> bool:
    """Whether a relative file name lies in one of the three picture folders."""
    path = PurePosixPath(name)
    return path.suffix.lower() in IMAGE_SUFFIXES and (path.parts[0],) in PARTS.values()


def _record(base: Path, row: dict[str, Any]) -> Record:
    visible = tuple(row[name] for name in _VISIBLE)
    return Record(
        base / row["file"],
        row["pid"],
        row["camid"],
        camera=str(row["camid"] + 1),  # as in its file names
        occluded=row["occluded"],
        mask=base / row["mask"] if row["mask"] else None,
        visibility=None if None in visible else visible,
        occluder_kind=row["occluder_kind"],
        occluder_id=row["occluder_id"],
        time=row["time"],
    )
