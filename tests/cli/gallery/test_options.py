import pytest

from occreid.cli.gallery import moment
from occreid.errors import UserError

pytest.importorskip("lancedb")


def test_a_moment_is_named_or_refused():
    assert moment("2026-03-01") == moment("2026-03-01T00:00+00:00") == 1772323200.0
    with pytest.raises(UserError, match="'yesterday' is not a moment"):
        moment("yesterday")
