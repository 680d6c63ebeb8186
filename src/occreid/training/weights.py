"""Starting from other weights (``--init-from``): what fits is loaded, what does not is listed."""

from __future__ import annotations

from pathlib import Path

from occreid.errors import UserError
from occreid.models.contract import Trainable
from occreid.models.locate import locate
from occreid.models.weights import read_weights


def start_from(model: Trainable, path: str | Path) -> list[str]:
    """Load every tensor of the same name and shape.

    Args:
        model: the model to fill.
        path: a ``.safetensors`` file, a run folder that holds one, or whatever else `occreid.load_model` takes.

    Returns:
        One line for each tensor that was not loaded, with the reason; sorted. A classifier of another number
        of identities is such a tensor.

    Raises:
        UserError: no such file, a damaged one, or nothing in it fits.
    """
    file = locate(path)
    given, own = read_weights(file), model.state_dict()
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    if not fitting:
        raise UserError(
            f"none of the {len(given)} tensors of {file} fits the model.",
            "Start from weights of the same method, backbone and options.",
        )
    left_out: list[str] = []
    for name in sorted(own.keys() | given.keys()):
        if name not in given:
            left_out.append(f"{name}: not in the file")
        elif name not in own:
            left_out.append(f"{name}: not in the model")
        elif name not in fitting:
            left_out.append(f"{name}: {tuple(given[name].shape)} in the file, {tuple(own[name].shape)} in the model")
    model.load_state_dict({**own, **fitting})
    return left_out
