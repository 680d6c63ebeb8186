from types import SimpleNamespace

import pytest

from occreid.gallery.recall import share_found


def hits(*names):
    return [SimpleNamespace(id=name) for name in names]


def test_the_share_leaves_out_each_query_itself():
    truth = [hits("q", "a", "b"), hits("r", "c", "d")]
    found = [hits("q", "a", "x"), hits("c", "d", "y")]
    assert share_found(["q", "r"], truth, found) == pytest.approx((1 / 2 + 2 / 2) / 2)
    assert share_found(["q"], [hits("q")], [hits("q")]) == 0.0
