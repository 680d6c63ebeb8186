"""`occreid gallery index`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from occreid.cli.gallery.options import Uri, opened
from occreid.cli.options import Json


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
