from dataclasses import fields

import pytest

from occreid.errors import UserError
from occreid.serve import Settings


def test_the_defaults_are_possible():
    assert Settings().retention_days is None and Settings().keep_pictures


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if f.name not in ("keep_pictures", "durability")])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_of_nothing_is_refused(name, value):
    with pytest.raises(UserError, match=f"{name} is {value}"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", ["request_seconds", "scene_seconds", "body_seconds", "check_every"])
@pytest.mark.parametrize("value", [float("inf"), 1e10])
def test_nobody_waits_longer_than_a_clock_can_say(name, value):
    with pytest.raises(UserError, match=f"{name} is") as caught:
        Settings(**{name: value})
    assert "at most 9" in caught.value.hint


def test_any_limit_is_reached_by_its_name():
    found = Settings.of(["decoders=4", "body_seconds=1.5", "keep_pictures=false", "retention_days=30"], max_k=20)
    assert (found.decoders, found.body_seconds, found.keep_pictures, found.retention_days) == (4, 1.5, False, 30.0)
    assert found.max_k == 20
    for text, message in (
        ("decoder=4", "Did you mean 'decoders'"),
        ("decoders=x", "is no int"),
        ("decoders", "is no int"),
    ):
        with pytest.raises(UserError, match=message):
            Settings.of([text])


def test_a_durability_is_one_of_two():
    assert Settings.of(["durability=disk"]).durability == "disk"
    with pytest.raises(UserError, match="Did you mean 'disk'"):
        Settings(durability="disc")  # type: ignore[arg-type]
