from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from occreid.errors import UserError
from occreid.report.curves import draw_curves


def points(*values):
    return [SimpleNamespace(level=i / 5, mean_ap=v, low=v - 0.1, high=v + 0.1) for i, v in enumerate(values)]


def test_a_panel_for_each_stress_and_a_line_for_each_model(tmp_path):
    models = {"baseline": points(0.8, 0.5, 0.3), "ssgr": points(0.8, 0.7, 0.6)}
    file = tmp_path / "new" / "curves.svg"
    draw_curves({f"stress {i}": models for i in range(5)}, file)
    text = file.read_text()
    assert all(f"stress {i}" in text for i in range(5)) and text.count("baseline") == 1 and "ssgr" in text


def test_the_lines_differ_by_what_they_show(tmp_path):
    for name, values in (("a", (0.8, 0.5)), ("b", (0.8, 0.1))):
        draw_curves({"object": {"m": points(*values)}}, tmp_path / f"{name}.png")
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert a.width > 300 and not np.array_equal(np.array(a), np.array(b))


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws panels and gives back the figure."""

    def draw(names, panels):
        kept = []
        monkeypatch.setattr(Figure, "savefig", lambda self, *args, **options: kept.append(self))
        draw_curves({f"stress {i}": {n: points(0.8, 0.5) for n in names} for i in range(panels)}, tmp_path / "a.png")
        FigureCanvasAgg(kept[0]).draw()
        return kept[0]

    return draw


@pytest.mark.parametrize("panels", [1, 2, 3, 5])
@pytest.mark.parametrize("models", [1, 6, 9])
def test_all_names_are_on_the_picture_and_off_the_panels(drawn, panels, models):
    figure = drawn([f"a model of width {n} (oracle)" for n in range(models)], panels)
    (legend,) = figure.legends
    box, whole = legend.get_window_extent(), figure.bbox
    assert len(legend.get_texts()) == models
    assert box.x0 >= 0 and box.x1 <= whole.x1 and box.y1 <= whole.y1
    assert box.y0 >= max(axes.get_tightbbox().y1 for axes in figure.axes if axes.get_visible())
    assert min(axes.get_window_extent().height for axes in figure.axes) > 0.5 * 2.7 * figure.dpi


@pytest.mark.parametrize("name", ["_baseline", "a$b$c_1^2", "x" * 60, "W" * 40])
def test_names_of_any_form_are_shown_whole(drawn, name):
    figure = drawn([name, "ssgr"], 1)
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == 2
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1


def test_more_models_than_colours_look_different(drawn):
    lines = drawn([f"m{n}" for n in range(13)], 1).axes[0].get_lines()
    looks = {(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines}
    dashes = {(line.get_color(), str(line._dash_pattern)) for line in lines}  # no public way to read dashes
    assert len(looks) == len(dashes) == 13


def test_what_cannot_be_drawn_is_said(tmp_path):
    with pytest.raises(UserError, match="no curves"):
        draw_curves({}, tmp_path / "a.png")
    with pytest.raises(UserError, match="no curves"):
        draw_curves({"x": {}}, tmp_path / "a.png")
    with pytest.raises(UserError, match="cannot be written"):
        draw_curves({"x": {"m": points(0.5)}}, tmp_path / "a.doc")
