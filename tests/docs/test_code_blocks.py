"""Every block of code in the pages is run, checked, or says why it cannot be.

Doctest blocks (`pycon`, `>>>`) are run by pytest itself. Python is run in a folder that holds what the pages speak of.
Lines for a shell are taken apart: command, options, arguments, recipes and their keys must exist. YAML must be YAML.
"""

import re

import numpy as np
import pytest
import torch
from command_lines import check, lines_of
from page_blocks import BLOCKS, blocks, blocks_of
from PIL import Image

from occreid.models import create_model, save_model, shipped
from occreid.yaml_files import parse_yaml

SHELL = ("bash", "console", "")
NO_CODE = ("text", "nginx", "caddyfile", "json", "dockerfile")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model of random weights, pictures, and the names that the pages use without making them."""
    folder = tmp_path_factory.mktemp("pages")
    torch.manual_seed(0)
    save_model(create_model("baseline", 2, backbone="resnet18", pretrained="none"), folder / "runs" / "market")
    pictures = np.random.default_rng(0).integers(0, 256, (5, 96, 48, 3), dtype=np.uint8)
    (folder / "crops").mkdir()
    for name, pixels in zip(("person", "a", "b", "c", "crops/d"), pictures, strict=True):
        Image.fromarray(pixels).save(folder / f"{name}.jpg")
    return folder


def names_of_pages() -> dict[str, object]:
    frame = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    boxes = np.array([[10.0, 10, 50, 100], [60, 5, 90, 90]])

    class Detections:
        xyxy = boxes

    return {"frame": frame, "frames": [frame, frame], "xyxys": boxes, "xywh": boxes, "detections": Detections()}


@blocks("python")
def test_python_runs(block, place, monkeypatch):
    if ">>>" in block.code:
        return  # a doctest: pytest runs it
    if not shipped.shipped_models():  # a checkout without weights: the pages' model is one of random weights
        model = create_model("baseline", 2, backbone="resnet18", pretrained="none")
        monkeypatch.setattr(shipped, "SHIPPED", place / "shipped")
        shipped.pack(model, shipped.DEFAULT, "for this test", {}, place / "shipped")
    monkeypatch.chdir(place)
    exec(compile(block.code, block.place, "exec"), {"__name__": "page", **names_of_pages()})


@blocks(*SHELL)
def test_lines_for_a_shell_call_what_there_is(block):
    wrong = [f"{' '.join(words)}\n    {said}" for words in lines_of(block.code) if (said := check(words))]
    assert not wrong, f"{block.place}\n" + "\n".join(wrong)


@blocks("yaml")
def test_yaml_is_yaml(block):
    assert parse_yaml(block.code, block.place) is not None


def test_every_block_names_a_language_that_somebody_checks():
    known = {*SHELL, *NO_CODE, "python", "pycon", "yaml"}
    assert [block.place for block in BLOCKS if block.language not in known and not block.why_not] == []
    assert len(BLOCKS) > 60


def test_a_mark_says_why():
    assert all(block.why_not.strip() for block in BLOCKS if block.why_not)
    text = "<!-- not run: needs a GPU -->\n```bash\noccreid x\n```\n\n```python\n1\n```\n"
    assert [(b.why_not, b.language, b.code) for b in blocks_of(text, "p")] == [
        ("needs a GPU", "bash", "occreid x\n"),
        ("", "python", "1\n"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("occreid evaluat runs/x", "no command"),
        ("occreid evaluate runs/x --intervall", "No such option"),
        ("occreid gallery fill x", "no command"),
        ("occreid train baseline/market1501 --out r --set data.hieght=3", "data.height"),
        ("occreid train baseline/market1502 --out r", "no recipe"),
        ("pip install 'occreid[server]'", "no extra server"),
        ("make tests", "no target tests"),
        ("python examples/serch.py", "no file"),
        ("python examples/search.py m p g --tops 3", "has no --tops"),
        ("frobnicate", "nobody knows"),
    ],
)
def test_a_wrong_line_is_seen(line, said):
    ((words),) = lines_of(line)
    assert re.search(said, check(words)), check(words)
