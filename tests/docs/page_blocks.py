"""The pages and their blocks of code."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))]
_BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^>]+) -->\n+)?^```(?P<language>[\w-]*)\n(?P<code>.*?)^```", re.S | re.M)


class Block(NamedTuple):
    """A block of code: ``FILE:LINE``, its language ("" where none is named), the code, why not run."""

    place: str
    language: str
    code: str
    why_not: str


def blocks_of(text: str, name: str) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        found.append(Block(f"{name}:{line}", match["language"], match["code"], match["why"] or ""))
    return found


BLOCKS = [b for page in PAGES for b in blocks_of(page.read_text("utf-8"), page.relative_to(ROOT).as_posix())]


def blocks(*languages: str):
    """Parametrise a test over the blocks in these languages that are not marked."""
    chosen = [block for block in BLOCKS if block.language in languages and not block.why_not]
    return pytest.mark.parametrize("block", chosen, ids=[block.place for block in chosen])
