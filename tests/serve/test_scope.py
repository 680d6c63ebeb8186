import pytest

from occreid.errors import UserError
from occreid.gallery import Filter
from occreid.serve.scope import OutOfScope, Scope


def test_the_default_reaches_everything_and_changes_nothing():
    assert Scope().whole and Scope().holds(None, ()) and Scope().narrowed(None) is None
    filter = Filter(camids=("2",))
    assert Scope().narrowed(filter) is filter
    Scope().require_whole("metrics")


@pytest.mark.parametrize(
    ("camid", "tags", "held"),
    [
        ("2", ("hall", "x"), True),
        ("3", ("hall",), True),
        ("4", ("hall",), False),
        (None, ("hall",), False),
        ("2", (), False),
    ],
)
def test_an_entry_must_have_a_camera_of_it_and_all_its_tags(camid, tags, held):
    scope = Scope(("02", "3"), ("hall",))  # 02 and 2 are one camera
    assert scope.holds(camid, tags) is held
    if not held:
        with pytest.raises(OutOfScope, match="cameras 2, 3 and entries tagged hall"):
            scope.check(camid, tags)


def test_a_filter_is_narrowed_and_never_widened():
    scope = Scope(("2", "3"), ("hall",))
    assert scope.narrowed(None) == Filter(camids=("2", "3"), tags=("hall",))
    asked = Filter(camids=("3",), tags=("door",), start=5.0, exclude_camid="2", pids=("7",))
    assert scope.narrowed(asked) == Filter(("3",), 5.0, None, ("door", "hall"), "2", pids=("7",))
    assert Scope(tags=("hall",)).narrowed(Filter(camids=("9",))) == Filter(camids=("9",), tags=("hall",))


def test_a_camera_outside_is_said_and_not_answered_with_nothing():
    with pytest.raises(OutOfScope, match="does not reach the camera 4"):
        Scope(("2",)).narrowed(Filter(camids=("2", "4")))


def test_what_tells_of_everything_needs_everything():
    with pytest.raises(OutOfScope, match="metrics tell of the whole gallery"):
        Scope(tags=("hall",)).require_whole("metrics")


def test_a_scope_of_what_cannot_be_is_refused():
    with pytest.raises(UserError, match="not a tag"):
        Scope(tags=("'",))
    with pytest.raises(UserError, match="no name of a camera"):
        Scope(camids=("",))
