r"""The study's tables, from the result files that 'occreid evaluate --out' wrote.

    python tools/study.py results/data/study.zip
    python tools/study.py runs/scores
    python tools/study.py runs/scores --against ssgr=ssgr_base

Each of them is METHOD-SEED/BENCHMARK.json, in a folder or in a zip. Printed are means and deviations over seeds, and
the paired bootstrap over persons against the reference, under the rule of `occreid.retrieval.verdict`.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from occreid.retrieval import Ranking, load_ranking, verdict

TESTS = ("occsynth-2", "market1501_mini", "market1501_mini_occluded")
REFERENCES = dict.fromkeys(("sureid", "sureid_noda", "sureid_hts"), "baseline_vit")
"""Of the others it is `baseline`."""

Runs = dict[str, dict[int, Ranking]]


def read(folder: Path) -> dict[str, Runs]:
    """Test → method → seed → its ranking."""
    found: dict[str, Runs] = defaultdict(lambda: defaultdict(dict))
    for file in sorted(folder.rglob("*.json")):
        method, _, seed = file.parent.name.rpartition("-")
        found[file.stem][method][int(seed)] = load_ranking(file)
    return found


def spread(values: list[float]) -> str:
    """Mean and deviation in per cent; of one value that alone."""
    shown = f"{100 * float(np.mean(values)):.1f}"
    return shown if len(values) < 2 else f"{shown} ± {100 * float(np.std(values, ddof=1)):.1f}"


def row(runs: Runs, method: str, references: dict[str, str]) -> str:
    """One method's line."""
    own = runs[method]
    scores = [" / ".join(spread([ranking.scores()[key] for ranking in own.values()]) for key in ("mAP", "R-1"))]
    reference = runs.get(references.get(method, "baseline"), {})
    seeds = sorted(own.keys() & reference.keys())
    if not seeds or own is reference:
        return f"| {method} | {len(own)} | {scores[0]} | | |"
    said = verdict([reference[seed] for seed in seeds], [own[seed] for seed in seeds])
    change = said.difference
    band = f"{100 * (change.second - change.first):+.1f} ({100 * change.low:+.1f} … {100 * change.high:+.1f})"
    counts = "counts" if not said.missing else "; ".join(said.missing)
    return f"| {method} | {len(own)} | {scores[0]} | {band} | p = {change.p_value:.3f}: {counts} |"


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a folder, or a zip of it")
    parser.add_argument(
        "--against", metavar="METHOD=OTHER", action="append", default=[], help="a method's other reference; repeat it"
    )
    given = parser.parse_args()
    chosen = dict(pair.partition("=")[::2] for pair in given.against)
    with tempfile.TemporaryDirectory() as unpacked:
        folder = given.results
        if folder.suffix == ".zip":
            zipfile.ZipFile(folder).extractall(unpacked)
            folder = Path(unpacked)
        found = read(folder)
    names = {name for runs in found.values() for name in runs}
    if unknown := sorted({*chosen, *chosen.values()} - names):
        parser.error(f"--against: no results of '{unknown[0]}' there; there are {', '.join(sorted(names))}")
    for test in (test for test in TESTS if test in found):
        print(f"\n{test}\n\n| | seeds | mAP / R-1 | against its reference, mAP | |\n|---|---|---|---|---|")
        for method in sorted(found[test], key=lambda name: (not name.startswith("start"), name != "baseline", name)):
            print(row(found[test], method, {**REFERENCES, **chosen}))


if __name__ == "__main__":
    main()
