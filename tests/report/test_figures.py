import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.report.figures import (
    SERIES,
    bar_figure,
    cmc_figure,
    draw_cmc,
    loss_figure,
    read_log,
    save_figure,
    separation_figure,
)
from occreid.report.separation import Separation

CURVES = {"trained": {1: 0.5, 5: 0.8, 10: 0.9}, "floor": {1: 0.2, 5: 0.4, 10: 0.5}}


def parsed(svg):
    """The element; a figure that is not well-formed, or needs a namespace we removed, fails here."""
    return ET.fromstring(str(svg))


def texts(svg):
    return [element.text for element in parsed(svg).iter("text")]


def make(kind, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,loss\n1,3\n2,1\n")
    scores = {name: {"mAP": curve[1], "R-1": curve[5]} for name, curve in CURVES.items()}
    return {"cmc": lambda: cmc_figure(CURVES), "bars": lambda: bar_figure(scores), "loss": lambda: loss_figure(log)}[
        kind
    ]()


@pytest.mark.parametrize("kind", ["cmc", "bars", "loss"])
def test_inline_svg_is_alone_accessible_and_themed(kind, tmp_path):
    svg = make(kind, tmp_path)
    root = parsed(svg)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert root.get("width") is None, "the page sets the width"
    assert "://" not in svg
    assert "currentColor" in svg
    assert "var(--series-1, " in svg
    assert "DejaVu" not in svg, "the figure uses the page's font"
    bare = re.sub(r"var\(--series-\d, #\w+\)", "", svg)
    assert not any(colour in bare for colour in SERIES)


@pytest.mark.parametrize("kind", ["cmc", "bars", "loss"])
def test_same_figure_same_bytes(kind, tmp_path):
    assert make(kind, tmp_path) == make(kind, tmp_path)


def test_ids_of_two_figures_do_not_meet_and_references_resolve():
    first, second = cmc_figure(CURVES, name="one"), cmc_figure(CURVES, name="two")
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', first)) <= ids[0]


def test_cmc_says_its_numbers_and_draws_one_look_per_method():
    svg = cmc_figure(CURVES)
    label = parsed(svg).get("aria-label")
    assert "trained: rank 1 50.0%, rank 5 80.0%, rank 10 90.0%" in label
    assert {"trained", "floor", "1", "5", "10", "rank"} <= set(texts(svg))
    assert "stroke-dasharray" in svg, "lines differ in more than colour"


def test_hostile_names_stay_text():
    svg = cmc_figure({'<script>alert("1")</script>': {1: 0.5}, "$x$ _y": {1: 0.1}, "_hidden": {1: 0.2}})
    assert "<script" not in svg
    said = texts(svg)
    assert '<script>alert("1")</script>' in said
    assert "$x$ _y" in said, "no mathematics"
    assert "hidden" in said, "a leading underscore would hide a legend entry"
    assert '<script>alert("1")</script>' in parsed(svg).get("aria-label")


def test_bars_carry_their_numbers():
    said = texts(bar_figure({"trained": {"mAP": 0.5, "R-1": 0.123}, "floor": {"mAP": 0.2, "R-1": 1.0}}))
    assert {"trained", "floor", "mAP", "R-1", "50.0\u202f%", "12.3\u202f%", "100.0\u202f%"} <= set(said)


def test_long_curves_get_few_ticks():
    said = texts(cmc_figure({"a": {rank: rank / 50 for rank in range(1, 51)}}))
    ticks = [text for text in said if text and text.isdigit()]
    assert ticks[0] == "1" and ticks[-1] == "50" and len(ticks) <= 8


def test_read_log_takes_losses_and_skips_rates_clocks_and_empty_cells(log):
    log.write_text("step,epoch,loss,loss_id,lr,lr_1,seconds\n10,1,5,4,0.1,0.2,3\n20,1,3,,0.1,0.2,6\n")
    axis, curves = read_log(log)
    assert axis == "step"
    assert curves == {"loss": [(10, 5), (20, 3)], "id": [(10, 4)]}


@pytest.mark.parametrize("content", ["epoch,loss\n0,5\n1,4\n", "step,epoch,loss\n30,0,5\n60,1,4\n"])
def test_read_log_by_epoch_where_each_has_one_row(content, log):
    log.write_text(content)
    assert read_log(log) == ("epoch", {"loss": [(0, 5), (1, 4)]})


def test_read_log_keeps_stages_apart(log):
    log.write_text("stage,epoch,step,loss,loss_id\nfen,1,9,5,4\nfen,2,18,3,2\ngnn,1,9,1,\n")
    curves = {"fen: loss": [(1, 5), (2, 3)], "fen: id": [(1, 4), (2, 2)], "gnn: loss": [(1, 1)]}
    assert read_log(log) == ("epoch", curves)


def test_loss_figure_names_axis_and_losses(log):
    svg = loss_figure(log)
    assert {"step", "loss", "id", "triplet"} <= set(texts(svg))
    assert "lr" not in texts(svg)
    assert "loss from 5.88 to 4" in parsed(svg).get("aria-label")


@pytest.mark.parametrize("content", ["", "loss\n3\n", "step,loss\n"])
def test_log_without_steps_is_refused(content, log):
    log.write_text(content)
    with pytest.raises(UserError, match=r"log\.csv has neither"):
        read_log(log)


def test_log_with_words_names_the_line(log):
    log.write_text("step,loss\n1,3\n2,many\n")
    with pytest.raises(UserError, match="line 3: loss is no number: 'many'"):
        read_log(log)


def test_missing_log_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no training log .*nowhere\.csv"):
        loss_figure(tmp_path / "nowhere.csv")


def test_distances_are_drawn_for_both_kinds_of_pairs():
    found = Separation(np.linspace(0, 1, 4), np.array([5, 0, 0]), np.array([0, 1, 9]), 0, 0.0, 3)
    svg = separation_figure(found, name="sep", metric="visible_parts")
    assert "5 pairs of one person and 10 of two, 0.0% overlap" in svg
    assert "visible parts distance" in svg
    assert svg.startswith("<svg") and 'id="sep-' in svg


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_figures_for_paper(suffix, magic, tmp_path):
    def draw():
        return draw_cmc({"one": {1: 0.5, 2: 0.75}})

    one, other = (save_figure(tmp_path / f"sub/{name}.{suffix}", draw) for name in "ab")
    assert one.read_bytes().startswith(magic)
    assert suffix == "svg" or one.read_bytes() == other.read_bytes()


def test_figures_that_cannot_be_written(tmp_path):
    with pytest.raises(UserError, match=r"'\.bmp'"):
        save_figure(tmp_path / "a.bmp", lambda: draw_cmc({"one": {1: 0.5}}))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        save_figure(tmp_path / "file/a.png", lambda: draw_cmc({"one": {1: 0.5}}))
