"""Folders of empty files, for what reads names and not pictures."""

from pathlib import Path

import pytest


@pytest.fixture
def touch(tmp_path):
    """Make empty files below a folder (the test's own by default) and return that folder."""

    def make(*names: str, root: Path = tmp_path) -> Path:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return root

    return make
