"""The packages of one extra of pyproject.toml, one a line, to install them without occreid itself.

Example: pip install $(python tools/extra.py docs)
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def packages(extra: str) -> list[str]:
    """Its requirements as they are written; an extra that does not exist is a KeyError."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    return [line.replace(" ", "") for line in tomllib.loads(text)["project"]["optional-dependencies"][extra]]


if __name__ == "__main__":
    print("\n".join(packages(sys.argv[1])))
