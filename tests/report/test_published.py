from pathlib import Path

import pytest

from occreid.data.benchmarks import list_benchmarks
from occreid.errors import UserError
from occreid.report.published import read_published

SHIPPED = Path(__file__).parents[2] / "results/data/published.yaml"


def test_every_competitor_row_of_the_papers_is_there():
    """Counted in the papers' own tables: rows that print a figure on the benchmark."""
    found = {(t.paper, t.table, t.benchmark, t.protocol): len(t.rows) for t in read_published(SHIPPED).tables}
    assert found == {
        ("SSGR", "3", "occluded_duke", ""): 12,
        ("SSGR", "3", "occluded_reid", ""): 7,
        ("SSGR", "3", "opreid", ""): 5,
        ("SSGR", "4", "market1501", ""): 20,
        ("SSGR", "4", "dukemtmc", ""): 18,
        ("OR-GNN", "1", "occluded_duke", ""): 11,
        ("OR-GNN", "2", "partial_reid", ""): 8,
        ("OR-GNN", "2", "occluded_reid", ""): 7,
        ("OR-GNN", "3", "market1501", ""): 10,
        ("OR-GNN", "3", "dukemtmc", ""): 10,
        ("HPNet", "2", "partial_reid", "single-gallery-shot"): 4,
        ("HPNet", "2", "partial_ilids18", "single-gallery-shot"): 4,
        ("HPNet", "3", "occluded_reid", "multi-gallery-shot"): 5,
        ("HPNet", "3", "partial_reid", "multi-gallery-shot"): 6,
        ("HPNet", "3", "partial_ilids19", "multi-gallery-shot"): 5,
        ("SUReID", "I", "occluded_duke", ""): 13,
        ("SUReID", "II", "occluded_reid", ""): 8,
        ("SUReID", "II", "partial_reid", ""): 8,
        ("SUReID", "III", "market1501", ""): 12,
        ("SUReID", "III", "dukemtmc", ""): 12,
        ("HAN", "II", "market1501", ""): 18,
        ("HAN", "III", "dukemtmc", ""): 19,
        ("HAN", "IV", "cuhk03_np", "labeled boxes"): 12,
        ("HAN", "IV", "cuhk03_np", "detected boxes"): 11,
        ("HAN", "V", "msmt17", ""): 11,
    }


def test_benchmarks_are_named_as_the_loaders_name_them_and_figures_are_per_cent():
    for table in read_published(SHIPPED).tables:
        assert table.benchmark in list_benchmarks()
        for figures in table.rows.values():
            assert any(x is not None for x in figures)
            scores = [x for name, x in zip(table.columns, figures, strict=True) if name != "images/s" and x is not None]
            assert all(1 < x < 100 for x in scores)


def test_lines_show_all_rows_scores_in_one_order_and_the_papers_own_in_bold(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(
        "- {paper: A, table: I, page: 3, benchmark: market1501, protocol: odd, columns: [R-1, mAP, images/s],"
        " rows: {B*: [1.5, null, 119], A: [70.25, 60, 9]}}"
    )
    published = read_published(file)
    assert published.on("market1501") == [
        "As published, **not measured here** (A, Table I, p. 3, odd):",
        "",
        "| method | mAP | R-1 | images/s |",
        "| --- | ---: | ---: | ---: |",
        r"| B\* | – | 1.5 | 119 |",
        "| **A** | 60.0 | 70.2 | 9 |",
        "",
    ]
    assert published.on("msmt17") == [] and published.elsewhere(["market1501"]) == []
    assert published.elsewhere([])[:2] == ["### market1501", ""]
    assert read_published(tmp_path / "none.yaml").tables == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {paper: A, table: I, benchmark: b, columns: [mAP], rows: {A: [1, 2]}}", "A has not 1 figures"),
        ("- {paper: A, table: I, benchmark: b, columns: [mAP], rows: {B: [1]}}", "own row is missing"),
        ("- {paper: A, table: I, columns: [mAP], rows: {A: [1]}}", "0.benchmark: Field required"),
        ("nothing", "is no list of published figures"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, words):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(UserError, match=words):
        read_published(tmp_path / "p.yaml")
