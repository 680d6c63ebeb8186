import pytest

from occreid.errors import UserError
from occreid.evaluation import Settings
from occreid.evaluation.stress_runs import stress_runs

LEVELS = (0.0, 0.5)


def never():
    raise AssertionError("no benchmark is read")


@pytest.fixture
def measured(make_run, split, tmp_path):
    def run(*names, **options):
        pairs = [(make_run(name), lambda: split) for name in names]
        options = {"levels": LEVELS, "occluders": "procedural", "settings": Settings("cpu"), **options}
        return stress_runs(pairs, [("flat", "top"), ("flat", "bottom")], tmp_path / "out", **options)

    return run


def test_runs_stand_side_by_side_and_go_on_where_they_were(measured):
    points = []
    found = measured("a", "b", progress=lambda *point: points.append(point))
    assert [run.label for run in found] == ["a", "b"] and found[0].curves == found[1].curves
    assert [curve.side for curve in found[0].curves] == ["top", "bottom"]
    assert {name for name, _ in points} == {"a", "b"} and len(points) == 2 * 3
    again = measured("a", "b", progress=lambda *point: points.append(point))
    assert again == found and len(points) == 6
    assert found[0].summary["oracle"] == "" and 0 < found[0].summary["robustness"] <= 1


def test_mistakes_are_named_before_anything_is_read(make_run, tmp_path):
    run, how = make_run(), {"settings": Settings("cpu")}
    for pairs, options, problem in (
        ([(run, never), (run, never)], {"levels": LEVELS}, "two runs have the same name"),
        ([(run, never)], {"levels": (0.5, 0.2)}, "do not rise"),
        ([(run, never)], {"levels": LEVELS, "on": "all"}, "all"),
    ):
        with pytest.raises(UserError, match=problem):
            stress_runs(pairs, [("flat", "top")], tmp_path / "out", **options, **how)
