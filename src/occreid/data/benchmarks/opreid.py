"""OPReID (the set of the SSGR paper, Section 4): occluded queries, and a mapping file for however it lies on disk.

The paper contradicts itself. Its text (one occluded and one holistic gallery picture of a query's person, 1–3 of each
of others) gives at most 22,984 gallery pictures, its Table 2 says 41,014; that table's total of 74,416 is not the sum
of its parts, 72,442; and 4,200 queries of 3,515 persons are not one each. The counts below are the table's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.data.benchmarks._labels import numbered
from occreid.data.benchmarks.folder import PATTERN, by_part, compiled, parse_names
from occreid.data.table import Row
from occreid.data.walk import existing_folder
from occreid.errors import UserError, did_you_mean
from occreid.files import read_json
from occreid.records import Split
from occreid.yaml_files import read_yaml

FACTS = Facts(
    layout="train, query, gallery / 0001_c1_….jpg, or as a mapping file says",
    counts={"": {"train": (27_228, 1_744), "query": (4_200, 3_515), "gallery": (41_014, 6_174)}},
    note="all queries occluded; layout=FILE.yaml maps folders and names",
    shared_layout=True,
)
_DEFAULT = {"train": "train", "query": "query", "gallery": "gallery", "pattern": PATTERN, "occluded": ""}


def opreid(root: Path, *, layout: Path | None = None, strict: bool = True) -> Split:
    r"""Read OPReID.

    Args:
        root: the folder, or the one that holds OPReID.
        layout: a YAML or JSON file with any of the keys train, query, gallery (folder, "a/b" for nested ones),
            pattern (of the file name, groups pid and optionally camid) and occluded (pattern found somewhere in
            the names of occluded images; left out, only the queries are known to be occluded).
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders, a mapping that makes no sense; when strict, misnamed files or counts.
    """
    mapping = _DEFAULT | (_read_mapping(layout) if layout else {})
    existing_folder(root)
    folders = find_folders(root, ("OPReID",), {part: (mapping[part],) for part in ("train", "query", "gallery")})
    pattern = compiled(mapping["pattern"])
    skipped: list[Path] = []
    rows: list[Row] = []
    for part, place in folders.items():
        for row in parse_names(place, part, pattern, skipped):
            rows.append(replace(row, occluded=_occluded(row, mapping["occluded"])))
    result = numbered(rows)
    rule = "junk" if rows[0].camera else "keep"
    train, query, gallery = by_part(result.records, root)
    split = Split("opreid", train, query, gallery, rule, notes=result.notes)
    return finish(split, FACTS.counts[""], skipped, mapping["pattern"], strict)


def _occluded(row: Row, pattern: str) -> bool | None:
    if row.part == "query":
        return True
    return re.search(pattern, row.path.name) is not None if pattern else None


def _read_mapping(path: Path) -> dict[str, str]:
    read = read_json if path.suffix.lower() == ".json" else read_yaml
    content: Any = read(path, what="the mapping file", hint="Give a YAML or JSON file of key: value lines.")
    if not isinstance(content, dict):
        raise UserError(f"the mapping file {path} holds no keys.", f"Known: {', '.join(_DEFAULT)}.")
    for key, value in content.items():
        if key not in _DEFAULT:
            raise UserError(f"the mapping file {path} has an unknown key '{key}'.", did_you_mean(str(key), _DEFAULT))
        if not isinstance(value, str):
            raise UserError(f"the key '{key}' in {path} is {value!r}.", "Give a text in quotes.")
    if "occluded" in content:
        try:
            re.compile(content["occluded"])
        except re.error as error:
            raise UserError(f"the key 'occluded' in {path} is no regular expression: {error}.", "Mend it.") from error
    return content
