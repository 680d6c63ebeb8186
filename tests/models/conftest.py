import sys
from pathlib import Path

import pytest


@pytest.fixture
def toy(monkeypatch):
    """Make ``toy_module`` importable, as a user's own module would be."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delitem(sys.modules, "toy_module", raising=False)
    return "toy_module:Toy"
