import pytest

from occreid.gallery.hit import score


@pytest.mark.parametrize(
    ("metric", "distance", "expected"),
    [
        ("cosine", 0.0, 1.0),
        ("cosine", 2.0, 0.0),
        ("cosine", 2.1, 0.0),
        ("visible_parts", 1.0, 0.5),
        ("euclidean", 0.0, 1.0),
        ("euclidean", 9.0, 0.1),
    ],
)
def test_a_score_falls_with_the_distance_and_stays_in_the_unit_interval(metric, distance, expected):
    assert score(distance, metric) == pytest.approx(expected)
