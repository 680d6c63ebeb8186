import csv
import io
import shutil
import subprocess

import pytest

from occreid.training.ablation.ladder import load_plan
from occreid.training.ablation.results import collect
from occreid.training.ablation.table import grid, latex, markdown, runs_csv, table_csv, write_tables


@pytest.fixture
def found(plan, finish):
    for run, score in zip(plan.runs[:5], (0.3, 0.4, 0.5, 0.5, 0.7), strict=True):
        finish(run, score, rank_1=0.625)
    return collect(plan)


def test_the_papers_figures_and_gains_stand_beside_ours(plan, found):
    head, rows = grid(plan, found, "occsynth")
    assert head == ["", "mAP", "R-1", "Δ mAP", "paper mAP", "paper R-1", "paper Δ mAP"]
    assert rows == [
        ["base", "35.0 ± 7.1", "62.5 ± 0.0", "", "49.1", "58.5", ""],
        ["+ wide", "50.0 ± 0.0", "62.5 ± 0.0", "+15.0", "51.0", "–", "+1.9"],
        ["plain", "70.0", "62.5", "+35.0", "–", "–", "–"],
    ]


def test_a_ladder_without_a_paper_has_no_such_columns(ladder_file, tmp_path, finish):
    plan = load_plan(ladder_file("recipe: {recipe}\nmetrics: [R-1]\nrows: [{{name: a}}, {{name: b}}]"), tmp_path / "o")
    finish(plan.runs[1], 0.1, rank_1=0.25)
    assert grid(plan, collect(plan), "occsynth") == (["", "R-1", "Δ R-1"], [["a", "–", ""], ["b", "25.0", "–"]])


def test_markdown_says_protocol_data_and_every_command(plan, found):
    text = markdown(plan, found, "occreid ablate toy")
    assert "| base | 35.0 ± 7.1 | 62.5 ± 0.0 |  | 49.1 | 58.5 |  |" in text
    assert "4 query images, 1,800 gallery images. cosine distance; same-camera images" in text
    assert "The paper's figures are of occluded_duke, ours of occsynth: compare the gains" in text
    assert "Runs: base: 2, + wide: 2, plain: 1." in text
    lines = text.splitlines()
    assert all(run.command() in lines for run in plan.runs)
    assert "occreid ablate toy" in lines


def test_the_papers_column_goes_to_the_papers_benchmark(plan, finish):
    import json

    for run in plan.runs:
        finish(run, 0.5)
        result = run.folder / "result.json"
        content = json.loads(result.read_text())
        content["benchmarks"].append({**content["benchmarks"][0], "benchmark": "occluded_duke"})
        result.write_text(json.dumps(content))
    found = collect(plan)
    assert "paper mAP" not in grid(plan, found, "occsynth")[0]
    assert "paper mAP" in grid(plan, found, "occluded_duke")[0]
    assert "compare the gains" not in markdown(plan, found)


def test_before_the_first_run_there_is_a_table_that_says_so(plan):
    assert "No run has finished yet." in markdown(plan, [])
    assert len(runs_csv(plan, []).splitlines()) == 1


def test_csv_holds_the_figures_unrounded(plan, found):
    rows = list(csv.DictReader(io.StringIO(table_csv(plan, found))))
    assert rows[0] == {"row": "base", "benchmark": "occsynth", "metric": "mAP", "mean": "35.0000", "std": "7.0711",
                       "runs": "2", "paper": "49.1"}  # fmt: skip
    assert len(rows) == 6
    runs = list(csv.DictReader(io.StringIO(runs_csv(plan, found))))
    assert [r["value"] for r in runs if r["metric"] == "mAP"] == ["30.0000", "40.0000", "50.0000", "50.0000", "70.0000"]
    assert runs[-1]["folder"].endswith("out/plain/seed-0")


def test_latex_escapes_what_it_must(ladder_file, tmp_path, finish):
    plan = load_plan(ladder_file("recipe: {recipe}\nrows: [{{name: 'a_b & 5 % → c|d'}}]"), tmp_path / "o")
    finish(plan.runs[0], 0.5)
    found = collect(plan)
    text = latex(plan, found)
    assert r"a\_b \& 5 \% $\rightarrow$ c|d & 50.0 & 50.0 &  \\" in text
    assert text.count(r"\begin{tabular}{lrrr}") == text.count(r"\end{tabular}") == 1
    assert "a_b & 5 % → c\\|d" in markdown(plan, found)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_latex_compiles(plan, found, tmp_path):
    page = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}" + latex(plan, found) + "\\end{document}"
    (tmp_path / "page.tex").write_text(page)
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"], cwd=tmp_path, check=True)


def test_all_four_files_are_written(plan, found, tmp_path):
    files = write_tables(plan, found, tmp_path / "tables")
    assert [file.name for file in files] == ["table.md", "table.tex", "table.csv", "runs.csv"]
    assert all(file.read_text().endswith("\n") for file in files)
