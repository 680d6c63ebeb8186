"""A `Ranking` as a JSON file that says under which protocol, of which weights and on which data it was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from occreid.errors import UserError
from occreid.files import read_json, write_file
from occreid.retrieval.precision import Floats
from occreid.retrieval.protocol import Protocol
from occreid.retrieval.ranking import Ranking

_FORMAT = 1


def save_ranking(ranking: Ranking, path: str | Path) -> Path:
    """Write a ranking as JSON, whole or not at all.

    Args:
        ranking: what to write; its ``facts`` must be JSON-serialisable.
        path: the file; its folder is made.

    Raises:
        UserError: the file cannot be written.
    """
    return write_file(path, json.dumps(to_json(ranking), indent=1, allow_nan=False) + "\n")


def load_ranking(path: str | Path) -> Ranking:
    """Read what `save_ranking` wrote.

    Raises:
        UserError: there is no such file, or it is not a saved ranking.
    """
    hint = "Give a file written by: occreid evaluate --out FILE"
    content = read_json(path, hint=hint)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise UserError(f"{path} is not a ranking of format {_FORMAT}.", hint)
    try:
        return _from_json(content)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"the ranking {path} is damaged ({type(error).__name__}: {error}).", hint) from error


def summary(ranking: Ranking) -> dict[str, Any]:
    """The ranking without its per-query lists: protocol, counts, scores in [0, 1], their spread, facts."""
    spread = {"mAP": ranking.mean_ap_std, **{f"R-{k}": v for k, v in ranking.cmc_std.items()}}
    return {
        "format": _FORMAT,
        "protocol": ranking.protocol.to_json(),
        "counts": {
            "queries": len(ranking.query_pids),
            "valid_queries": ranking.num_valid_queries,
            "skipped_queries": ranking.num_skipped_queries,
            "query_ids": len(np.unique(ranking.query_pids)),
            **{f"gallery_{name}": count for name, count in ranking.gallery.items()},
        },
        "scores": {name: _null(value) for name, value in ranking.scores().items()},
        **({"std": spread} if ranking.protocol.shots == "single" else {}),
        "facts": ranking.facts,
    }


def to_json(ranking: Ranking) -> dict[str, Any]:
    """`summary` and the per-query lists."""
    return {
        **summary(ranking),
        "ranks": list(ranking.ranks),
        "gallery": ranking.gallery,
        "queries": {
            "pid": ranking.query_pids.tolist(),
            "camid": None if ranking.query_camids is None else ranking.query_camids.tolist(),
            "path": None if ranking.query_paths is None else list(ranking.query_paths),
            "first_rank": ranking.first_ranks.tolist(),
            "average_precision": [_null(v) for v in ranking.average_precision.tolist()],
            "inverse_negative_penalty": [_null(v) for v in ranking.inverse_negative_penalty.tolist()],
        },
    }


def _from_json(content: dict[str, Any]) -> Ranking:
    queries = content["queries"]
    pids = np.array(queries["pid"], np.int64)
    first = np.array(queries["first_rank"], np.int64).reshape(-1, len(pids))
    scores = [_floats(queries[key]) for key in ("average_precision", "inverse_negative_penalty")]
    if any(len(s) != len(pids) for s in scores) or not len(first):
        raise ValueError("per-query lists of different lengths")
    camids, paths = queries["camid"], queries["path"]
    return Ranking(
        Protocol(**{**content["protocol"], "ranks": content["ranks"]}),
        first,
        scores[0],
        scores[1],
        pids,
        None if camids is None else np.array(camids, np.int64),
        None if paths is None else tuple(paths),
        content["gallery"],
        content["facts"],
    )


def _null(value: float) -> float | None:
    return None if np.isnan(value) else value


def _floats(values: list[float | None]) -> Floats:
    return np.array([np.nan if v is None else v for v in values], np.float64)
