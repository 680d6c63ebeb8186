r"""Pack a trained run as a model that comes with the package, with a card that says what it is worth.

    python tools/ship.py runs/occreid-lite --generated data/study --seed 0 --photographs data/market-val \
        --about about.yaml

The probability is fitted on generated persons that the training never saw (`--generated`, an occsynth folder), and
measured on them and on photographs (`--photographs`, a Market-1501 layout, never trained on). Who the model fails on is
asked of the generated persons, whose looks are known. `--about` holds what no computation knows: licence, data, limits.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from occreid import measure
from occreid.data import load_benchmark
from occreid.descriptors import Descriptors
from occreid.extraction import extract
from occreid.models import load_model, read_card
from occreid.models.shipped import DEFAULT, pack
from occreid.records import Record, Split
from occreid.retrieval import Ranking
from occreid.retrieval.calibration import calibrate, check
from occreid.synth.population import appearance_of_second
from occreid.yaml_files import read_yaml

LUMA = np.array([0.2126, 0.7152, 0.0722])
FEWEST = 25
"""Queries below which a group's figure says nothing."""


def everyone(split: Split) -> list[Record]:
    """Query and gallery of a test part."""
    return [record for record in (*split.query, *split.gallery) if record.pid >= 0]


def groups(split: Split, seed: int) -> Iterable[tuple[str, str, Callable[[int, Record], bool]]]:
    """Question, group and who belongs to it, of the queries of a generated benchmark."""
    looks = {record.pid: appearance_of_second(record.pid, seed) for record in split.query}
    skins = {pid: float(LUMA @ np.array(look.skin)) for pid, look in looks.items()}
    low, high = np.quantile(list(skins.values()), [1 / 3, 2 / 3])
    for name, inside in (
        ("dark third", lambda s: s <= low),
        ("middle third", lambda s: low < s <= high),
        ("light third", lambda s: s > high),
    ):
        yield "skin", name, lambda _, record, inside=inside: inside(skins[record.pid])
    for kind in sorted({look.lower.kind for look in looks.values()}):
        yield "lower garment", kind, lambda _, record, kind=kind: looks[record.pid].lower.kind == kind
    for kind in sorted({look.upper.kind for look in looks.values()}):
        yield "upper garment", kind, lambda _, record, kind=kind: looks[record.pid].upper.kind == kind
    for pattern in sorted({look.upper.cloth.pattern for look in looks.values()}):
        yield "pattern", pattern, lambda _, record, pattern=pattern: looks[record.pid].upper.cloth.pattern == pattern
    twins = {pid for pid in looks if pid % 3 == 0}
    yield "somebody is dressed alike", "yes", lambda _, record: record.pid in twins or record.pid + 1 in twins
    yield "somebody is dressed alike", "no", lambda _, record: record.pid not in twins and record.pid + 1 not in twins
    for camera in sorted({record.camid for record in split.query}):
        yield "camera of the query", str(camera + 1), lambda _, record, camera=camera: record.camid == camera
    shares = visible(split)
    for low_, high_ in ((0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        name = f"{low_:.0%} to {min(high_, 1):.0%}"
        yield "visible share", name, lambda row, _, low_=low_, high_=high_: low_ <= shares[row] < high_


def visible(split: Split) -> np.ndarray:
    """(Q,) mean visible fraction of the parts of each query."""
    return np.array([np.mean(record.visibility or (1.0,)) for record in split.query])


def by_group(ranking: Ranking, split: Split, seed: int) -> dict[str, dict[str, Any]]:
    """Scores in per cent, and queries, of each group with enough of them."""
    found: dict[str, dict[str, Any]] = {}
    for question, name, belongs in groups(split, seed):
        rows = np.array([belongs(row, record) for row, record in enumerate(split.query)])
        if rows.sum() >= FEWEST:
            scores = ranking.select(rows).scores()
            shown = {key: round(100 * scores[key], 1) for key in ("mAP", "R-1")}
            found.setdefault(question, {})[name] = {**shown, "queries": int(rows.sum())}
    return found


def describe(model: Any, records: list[Record]) -> Descriptors:
    """Their descriptors, with a bar."""
    return extract(model, records)


def main() -> None:
    """Pack, measure, pack again with what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--generated", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True, help="of the generated set")
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--about", type=Path, required=True)
    parser.add_argument("--name", default=DEFAULT)
    given = parser.parse_args()
    words = read_yaml(given.about)
    about = words.pop("about")
    trained = read_card(given.run)
    card = {key: trained[key] for key in ("recipe", "data", "versions", "flip_test")} | words
    card["recipe"]["data"]["root"] = "data/occsynth-2"
    pack(load_model(given.run), given.name, about, card)
    model, weights = load_model(given.name), read_card(given.name)["sha256"]
    generated = load_benchmark("occsynth", given.generated)
    photographs = load_benchmark("market1501", given.photographs, strict=False)
    curve = calibrate(
        describe(model, everyone(generated)), model.metric, weights_hash=weights, fitted_on="generated persons, unseen"
    )
    card["calibration"] = asdict(curve)
    card["calibration_on_photographs"] = check(curve, describe(model, everyone(photographs)))
    ranking = measure(model, generated)
    card["fails_on"] = by_group(ranking, generated, given.seed)
    card["figures"] = {"generated persons, unseen (study)": {k: round(v, 4) for k, v in ranking.scores().items()}}
    card["figures"] |= words.get("figures", {})
    pack(load_model(given.run), given.name, about, card)
    for question, parts in card["fails_on"].items():
        for name, scores in parts.items():
            print(f"{question}: {name}: {scores}")
    print(ranking, curve.held_out["ece"], card["calibration_on_photographs"]["ece"])


if __name__ == "__main__":
    main()
