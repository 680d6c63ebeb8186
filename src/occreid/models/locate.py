"""From what a user calls a model to the file that holds it: a path, a name, a hub's repository or an address."""

from __future__ import annotations

import re
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from occreid.errors import UserError, did_you_mean
from occreid.models import shipped

WEIGHTS, CARD = "model.safetensors", "model.json"
NETWORKS = (".onnx", ".pt2", ".torchscript", ".pt")
"""How files of networks end that are run as they are."""
MASKER = "masker"
"""In a model's folder: the parser that makes its masks, a model folder of its own (`occreid.models.masker`)."""
_URL = re.compile(r"(https?):/+(?P<rest>[^#]+)(?:#sha256=(?P<sha256>[0-9a-fA-F]{64}))?")  # a Path has lost one slash


def locate(source: str | Path) -> Path:
    """The weights file of a model.

    Args:
        source: a run folder or model folder, a file, the name of a model of the package (`shipped_models`),
            ``hf:owner/name`` or ``hf:owner/name@revision`` (fetched once, then from the hub's cache), or
            ``https://…/model.safetensors#sha256=…`` (the same, with the card beside it).

    Raises:
        UserError: nothing there; a name that is not known lists those that are.
    """
    text, path = str(source), Path(source).expanduser()
    if text in shipped.shipped_models(shipped.SHIPPED):
        if path.exists():
            raise UserError(
                f"'{text}' is a model of the package and something in this folder.",
                f"Give the full path {path.absolute()}, or rename it.",
            )
        return shipped.shipped_file(text, shipped.SHIPPED)
    if text.startswith("hf:"):
        return _in_folder(_from_hub(text[3:]), text)
    if (address := _URL.fullmatch(text)) is not None:
        return _from_web(text, f"{address[1]}://{address['rest']}", address["sha256"])
    if path.is_dir():
        return _in_folder(path, text)
    if path.is_file():
        return path
    names = shipped.shipped_models(shipped.SHIPPED)
    near = f"{did_you_mean(text, names)} " if names and "/" not in text and not path.suffix else ""
    raise UserError(
        f"there is no model '{text}'.",
        f"{near}Give a run folder of 'occreid train', a weights file with its card beside it, hf:owner/name, or "
        "https://…#sha256=…",
    )


def called(card: Mapping[str, Any], source: str | Path = "") -> str:
    """What people call a model: the name it came with, else its folder's or file's with the method, else the method.

    Args:
        card: of `occreid.models.read_card`.
        source: as `locate`, where it is known; of an address or path only the last part is said.

    >>> called({"name": "occreid-lite", "method": "baseline"}), called({"method": "baseline"}, "runs/market")
    ('occreid-lite', 'market (baseline)')
    >>> called({"method": "osnet"}, "osnet.onnx"), called({"method": "veil"}, "runs/m/model.safetensors"), called({})
    ('osnet', 'm (veil)', 'a model')
    >>> called({"method": "veil"}, "/home/me@work/#3/market"), called({"method": "veil"}, "hf:me/market@v2")
    ('market (veil)', 'market (veil)')
    """
    if card.get("name"):
        return str(card["name"])
    address = str(source)  # a path may hold what parts an address
    address = address.partition("@")[0] if address.startswith("hf:") else address
    place = Path(address.partition("#sha256=")[0] if _URL.fullmatch(address) else address)
    own = place.parent.name if place.stem == Path(WEIGHTS).stem and place.suffix else place.name
    own = own.removesuffix(".safetensors").removesuffix(".onnx")
    method = str(card.get("method", ""))
    return f"{own} ({method})" if own and method and own != method else own or method or "a model"


def is_named(source: str) -> bool:
    """Whether this is a whole model's name or address, as `locate` takes them, and not a path.

    >>> is_named("hf:owner/name"), is_named("imagenet"), is_named("runs/market")
    (True, False, False)
    """
    known = source in shipped.shipped_models(shipped.SHIPPED)
    return known or source.startswith("hf:") or _URL.fullmatch(source) is not None


def _in_folder(folder: Path, text: str) -> Path:
    for name in (WEIGHTS, *(f"model{ending}" for ending in NETWORKS)):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{text} holds no {WEIGHTS}.", "Give a run folder of 'occreid train', or a folder with a model.")


def _from_hub(name: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    wanted = [WEIGHTS, CARD, f"{MASKER}/{WEIGHTS}", f"{MASKER}/{CARD}", *(f"model{ending}" for ending in NETWORKS)]
    try:
        return Path(huggingface_hub.snapshot_download(repository, revision=revision or None, allow_patterns=wanted))
    except HFValidationError as error:
        raise UserError(f"'hf:{name}' names no repository.", "Write hf:owner/name.") from error
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise UserError(
            f"cannot fetch hf:{name} ({str(error).strip().splitlines()[0]}).",
            "Check the name and the network; a model fetched once works without one.",
        ) from error


def _from_web(text: str, url: str, sha256: str | None) -> Path:
    import torch
    from huggingface_hub.constants import HF_HOME

    if sha256 is None:
        raise UserError(f"{text} does not say what it should be.", "Add the file's hash: …#sha256=<64 digits>")
    name = Path(url.partition("?")[0]).name
    folder = Path(HF_HOME) / "occreid" / sha256.lower()
    files: dict[str, str | None] = {name: sha256.lower()}
    if Path(name).suffix != ".onnx":
        files[Path(name).with_suffix(".json").name] = None
    for file, hash_ in files.items():
        if (folder / file).is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url.replace(name, file), str(folder / file), hash_, progress=False)
        except (urllib.error.URLError, OSError) as error:
            raise UserError(f"cannot fetch {url.replace(name, file)} ({error}).", "Check the address.") from error
        except RuntimeError as error:  # torch's word for another hash
            raise UserError(f"{url} is not the file that was asked for ({error}).", "Check the hash.") from error
    return folder / name
