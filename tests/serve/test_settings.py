from dataclasses import fields

import pytest

from occreid.errors import UserError
from occreid.serve import Settings


def test_the_defaults_are_possible():
    assert Settings().retention_days is None and Settings().max_wait == 0 and Settings().keep_pictures


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if f.name not in ("max_wait", "keep_pictures")])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_of_nothing_is_refused(name, value):
    with pytest.raises(UserError, match=f"{name} is {value}"):
        Settings(**{name: value})
