"""A model on the Hugging Face hub: what goes there, the page that describes it, and the way there.

`occreid.load_model("hf:owner/name")` is the way back.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from occreid.errors import UserError, reason, worded
from occreid.files import read_json
from occreid.models.locate import CARD, MASKER, WEIGHTS, called, locate
from occreid.models.masker import CARD_KEY, path_of
from occreid.models.weights import load_trained, read_card

PAGE = "README.md"
RESULT = "result.json"
_RESPONSIBLE = """\
A ranked list is a suggestion to be looked at, never proof of who somebody is. Descriptors are personal data: a
person can be found again by them. Do not use this to decide about people, to follow people who did nothing, or
where the law forbids it. On which persons it was trained and measured stands above: expect worse on people,
cameras and clothes unlike these."""
_SCORES = ("mAP", "R-1", "R-5", "R-10", "mINP")


def gather(source: str | Path) -> dict[str, bytes]:
    """The files of a model as the hub gets them: weights, card, page, and the run's results where there are any.

    The model is loaded first, so that nothing is shared that cannot be. Paths of this machine leave the card.

    Args:
        source: a run folder, a folder of `save_model`, or a ``.safetensors`` file.

    Raises:
        UserError: nothing there, an exported or foreign network, or weights and card that do not fit.
    """
    weights = locate(source)
    if weights.suffix != ".safetensors":
        raise UserError(
            f"{weights} is no model of this package's own.", "Push the run it was made of, or upload the file yourself."
        )
    load_trained(source)
    card = without_places(read_card(source))
    result = weights.parent / RESULT
    found = without_places(read_json(result, what="the result")) if result.is_file() else {}
    files = {WEIGHTS: weights.read_bytes(), CARD: _as_json(card), PAGE: model_page(card, found).encode()}
    if CARD_KEY in card:  # the parser that makes its masks, without which it does not load
        parser = path_of(weights.parent)
        files[f"{MASKER}/{WEIGHTS}"] = (parser / WEIGHTS).read_bytes()
        files[f"{MASKER}/{CARD}"] = _as_json(without_places(read_card(parser)))
    return {**files, RESULT: _as_json(found)} if found else files


def push(
    source: str | Path, repository: str, *, private: bool = False, message: str = "", endpoint: str | None = None
) -> str:
    """Upload a model; made if missing, one commit.

    Args:
        source: as `gather`.
        repository: ``owner/name``.
        private: whether a repository made now is seen by its owner only.
        message: of the commit.
        endpoint: the hub's address; None: the public one, or the variable ``HF_ENDPOINT``.

    Returns:
        How `load_model` calls it: ``hf:owner/name``.

    Raises:
        UserError: what `gather` raises, no login, no right to write there, no network.
    """
    import huggingface_hub

    if repository.count("/") != 1:
        raise UserError(f"'{repository}' names no repository.", "Write owner/name.")
    files = gather(source)
    hub = huggingface_hub.HfApi(endpoint=endpoint)
    with _refusals(repository), tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            file = Path(folder) / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=message or "Upload a model of occreid")
    return f"hf:{repository}"


def without_places(entries: dict[str, Any]) -> dict[str, Any]:
    """A card or result without what names a place on this machine: absolute paths keep their last part.

    >>> without_places({"root": "/home/anna/data/market1501", "lr": 0.1, "tests": [{"root": "~/duke"}]})
    {'root': 'market1501', 'lr': 0.1, 'tests': [{'root': 'duke'}]}
    """
    return {key: _without_place(value) for key, value in entries.items()}


def model_page(card: Mapping[str, Any], result: Mapping[str, Any] | None = None) -> str:
    """The hub's page of a model in Markdown, from its card and result alone: nothing on it is typed by hand.

    Args:
        card: of `read_card`.
        result: a run's ``result.json``; None or empty: the page says that nothing was measured.
    """
    benchmarks = list((result or {}).get("benchmarks", ()))
    recipe = card.get("recipe") or {}
    data = recipe.get("data") or {}
    height, width = card["input_size"]
    head = {
        "library_name": "occreid",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["person-re-identification", "occlusion", str(card["method"])],
        "datasets": [data["name"]] if data.get("name") else [],
    }
    options = ", ".join(f"`{key}: {value}`" for key, value in card["options"].items()) or "all as the method has them"
    lines = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in head.items()),
        "---",
        "",
        f"# {called(card)} for occluded person re-identification",
        "",
        "```python",
        "import occreid",
        "",
        'model = occreid.load_model("hf:OWNER/NAME")  # this repository',
        'descriptors = model.embed("person.jpg")',
        "```",
        "",
        f"- **Method** `{card['method']}`; options: {options}",
        f"- **Pictures** {height} × {width} (height × width), RGB; `embed` takes any size",
        f"- **Trained on** {data.get('name') or 'not said'}, {card['num_classes']:,} persons",
        f"- **Weights** sha256 `{card.get('sha256', 'not said')}`",
        *([f"- **Licence of the data** {card['data_licence']}"] if card.get("data_licence") else []),
        "",
        "## Measured",
        "",
        *_table(benchmarks),
        "",
        "## Use it responsibly",
        "",
        _RESPONSIBLE,
        "",
    ]
    return "\n".join(lines)


@contextmanager
def _refusals(repository: str) -> Iterator[None]:
    """The hub's refusals as sentences; whatever else its client raises is the network's."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

    with worded("the hub cannot be reached", "Check the network, and HF_ENDPOINT."):
        try:
            yield
        except HFValidationError as error:
            raise UserError(f"'{repository}' names no repository.", "Write owner/name.") from error
        except OfflineModeIsEnabled as error:
            raise UserError("the hub is switched off (HF_HUB_OFFLINE).", "Run it with HF_HUB_OFFLINE=0.") from error
        except LocalTokenNotFoundError as error:
            raise UserError("nobody is logged in to the hub.", "Run: hf auth login, or set HF_TOKEN.") from error
        except HfHubHTTPError as error:
            raise UserError(
                f"the hub refuses {repository} ({reason(error)}).",
                "Log in with a token that may write there: hf auth login, or HF_TOKEN.",
            ) from error


def _table(benchmarks: list[Mapping[str, Any]]) -> list[str]:
    if not benchmarks:
        return ["Nothing: this model came without results."]
    shown = [name for name in _SCORES if any(name in entry["scores"] for entry in benchmarks)]
    rows = ["| benchmark | " + " | ".join(shown) + " |", "|---|" + "---:|" * len(shown)]
    for entry in benchmarks:
        scores = entry["scores"]
        cells = (f"{100 * scores[name]:.1f}" if name in scores else "–" for name in shown)
        oracle = " (oracle)" if entry["protocol"].get("oracle") else ""
        rows.append(f"| {entry['benchmark']}{oracle} | {' | '.join(cells)} |")
    protocols = sorted({json.dumps(entry["protocol"], sort_keys=True) for entry in benchmarks})
    return [*rows, "", "In per cent. Protocol:", "", *(f"    {protocol}" for protocol in protocols)]


def _without_place(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_place(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_place(inner) for inner in value]
    if isinstance(value, str) and value.startswith(("/", "~/", "file:/")) and "\n" not in value:
        return Path(value).name
    return value


def _as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
