"""`occreid.extraction.in_memory` on many machines: Ray Data hands chunks of records to models that stay loaded.

Every node must see the images under the same paths. Descriptors come back to this process, which writes them, so
that an interrupted extraction goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError, require
from occreid.extraction.in_memory import extract
from occreid.extraction.on_disk import Engine
from occreid.models.contract import Method
from occreid.records import Record


def ray_engine(actors: int = 1) -> Engine:
    """An `occreid.extraction.Engine` on the Ray cluster this process is connected to, else on one of its own.

    Connect with the environment variable ``RAY_ADDRESS``, or with ``ray.init`` before. Each model takes one CPU, or
    one GPU where ``device`` is one.

    Args:
        actors: models that work at once.

    Raises:
        UserError: Ray is not installed, or there are more actors than the cluster has room for.
    """
    require("ray.data", "cluster")

    def engine(
        model: Method, pieces: Sequence[Sequence[Record]], options: Mapping[str, Any]
    ) -> Iterator[tuple[int, Descriptors]]:
        if not pieces:
            return
        data = require("ray.data", "cluster")
        unit = "GPU" if torch.device(options["device"]).type == "cuda" else "CPU"
        _require_room(actors, unit)
        rows = data.from_items([{"number": number, "records": list(piece)} for number, piece in enumerate(pieces)])
        described = rows.map_batches(
            Describer,
            fn_constructor_args=(require("ray.cloudpickle", "cluster").dumps(model.cpu()), dict(options)),
            batch_size=1,
            compute=data.ActorPoolStrategy(size=min(actors, len(pieces))),
            **{f"num_{unit.lower()}s": 1},
        )
        for row in described.iter_rows():
            yield int(row["number"]), joined(row, pieces[int(row["number"])])

    return engine


class Describer:
    """A loaded model on a node: rows of records in, rows of arrays out.

    The model comes as bytes, so that a class a node cannot import is an error there and no wait without end.
    """

    def __init__(self, pickled: bytes, options: dict[str, Any]) -> None:
        # made by this program a moment ago and sent within the cluster: never a file from elsewhere
        self._model: Method = require("ray.cloudpickle", "cluster").loads(pickled).eval()
        self._options = {**options, "progress": False}

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        """Describe each row's records; features (N, P, D) and visibility (N, P) travel as one array each."""
        numbers, features, visible = [], [], []
        for number, records in zip(rows["number"], rows["records"], strict=True):
            found = extract(self._model, list(records), **self._options)
            numbers.append(int(number))
            features.append(found.features.numpy())
            visible.append(found.visibility.numpy())
        return {"number": np.asarray(numbers), "features": features, "visibility": visible}


def joined(row: Mapping[str, Any], records: Sequence[Record]) -> Descriptors:
    """Arrays that came back, with what the records say."""
    return Descriptors(
        torch.from_numpy(np.array(row["features"], np.float32)),
        torch.from_numpy(np.array(row["visibility"], bool)),
        torch.tensor([r.pid for r in records], dtype=torch.int64),
        torch.tensor([r.camid for r in records], dtype=torch.int64),
        [str(r.path) for r in records],
        [r.person_name for r in records],
        [r.camera_name for r in records],
    )


def _require_room(actors: int, unit: str) -> None:
    """Ray waits for ever for what a cluster does not have; say so instead.

    Raises:
        UserError: fewer CPUs or GPUs than actors.
    """
    ray = require("ray", "cluster")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    there = int(ray.cluster_resources().get(unit, 0))
    if actors > there:
        raise UserError(f"the Ray cluster has {there} {unit}s for {actors} actors.", f"Use --actors {max(there, 1)}.")
