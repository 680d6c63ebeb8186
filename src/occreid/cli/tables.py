"""Results as text: tables whose columns line up, and the protocol under each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from occreid.cli.console import percent, print_table

if TYPE_CHECKING:
    from occreid.retrieval import Difference, Ranking


def print_results(results: Sequence[tuple[str, Ranking]]) -> None:
    """One table of (name, ranking); rows under different protocols are marked with the number of theirs."""
    protocols = list(dict.fromkeys(ranking.protocol.sentence() for _, ranking in results))
    names = list(results[0][1].scores())
    rows = []
    for name, ranking in results:
        mark = f" [{protocols.index(ranking.protocol.sentence()) + 1}]" if len(protocols) > 1 else ""
        spread = {"mAP": ranking.mean_ap_std, **{f"R-{k}": v for k, v in ranking.cmc_std.items()}}
        scores = [
            percent(value)
            + (f" ± {percent(spread[key])}" if ranking.protocol.shots == "single" and key in spread else "")
            for key, value in ranking.scores().items()
        ]
        queries = f"{ranking.num_valid_queries:,} of {len(ranking.query_pids):,}"
        rows.append([name + mark, *scores, queries, f"{ranking.gallery['images']:,}"])
    print_table(["", *names, "queries that count", "gallery"], rows)
    for number, sentence in enumerate(protocols, start=1):
        typer.echo(f"[{number}] {sentence}" if len(protocols) > 1 else sentence)
    skipped = sum(ranking.num_skipped_queries for _, ranking in results)
    if skipped:
        typer.echo(f"{skipped:,} queries have no valid match and enter no number.")


def print_extras(name: str, extra: Mapping[str, Any]) -> None:
    """Intervals, subsets and verification of one benchmark, where they were asked for."""
    if "intervals" in extra:
        rows = [[key, f"{percent(low)} – {percent(high)}"] for key, (low, high) in extra["intervals"].items()]
        print_table(["", "interval"], rows, f"\n{name}: 95 % intervals, bootstrap over persons")
    for division, parts in extra.get("subsets", {}).items():
        head = [division, *(key for key in next(iter(parts.values()), {}))]
        rows = [
            [label, f"{scores['queries']:,}", *(percent(v) for k, v in scores.items() if k != "queries")]
            for label, scores in parts.items()
        ]
        print_table(head, rows, f"\n{name}: by {division}")
    if "verification" in extra:
        found = extra["verification"]
        rows = [
            [far, percent(at["tar"]), "none" if at["threshold"] is None else f"{at['threshold']:.4f}"]
            for far, at in found["tar_at_far"].items()
        ]
        pairs = f"{found['genuine_pairs']:,} genuine and {found['impostor_pairs']:,} impostor pairs"
        print_table(["FAR", "TAR", "threshold"], rows, f"\n{name}: verification over {pairs}")
        typer.echo(f"equal error rate {percent(found['equal_error_rate'])}")


def print_comparison(names: tuple[str, str], first: Ranking, found: Mapping[str, Difference]) -> None:
    """Two results side by side; the difference is second − first, in points."""
    rows = [
        [
            name,
            percent(d.first),
            percent(d.second),
            f"{100 * (d.second - d.first):+.2f}",
            f"[{100 * d.low:+.2f}, {100 * d.high:+.2f}]",
            f"{d.p_value:.4f}",
        ]
        for name, d in found.items()
    ]
    print_table(["", *names, "difference", "95 % interval", "p"], rows)
    persons = len(set(first.query_pids[first.valid].tolist()))
    typer.echo(f"{first.protocol.sentence()}; paired bootstrap over {persons:,} persons")
