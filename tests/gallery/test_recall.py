from types import SimpleNamespace

import pytest

from occreid.errors import UserError
from occreid.gallery.recall import recall, share_found


def hits(*names):
    return [SimpleNamespace(id=name) for name in names]


def test_the_share_leaves_out_each_query_itself():
    truth = [hits("q", "a", "b"), hits("r", "c", "d")]
    found = [hits("q", "a", "x"), hits("c", "d", "y")]
    assert share_found(["q", "r"], truth, found) == pytest.approx((1 / 2 + 2 / 2) / 2)
    assert share_found(["q"], [hits("q")], [hits("q")]) == 0.0


def test_the_nearest_none_are_refused():
    with pytest.raises(UserError, match="the nearest 0 say nothing"):
        recall(lambda *words, **more: [], None, 0, 1, 0)
