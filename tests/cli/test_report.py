import json
from dataclasses import replace

import typer
from matplotlib.figure import Figure
from typer.testing import CliRunner

from occreid.cli import groups
from occreid.cli import report as command
from occreid.cli.groups import add
from occreid.cli.splits import load_benchmarks
from occreid.errors import UserError


def invoke(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    add(app, command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run(*arguments):
    return invoke("report", *arguments, "--quiet", "--device", "cpu")


def problem(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def change_card(run, **entries):
    card = json.loads((run / "model.json").read_text())
    (run / "model.json").write_text(json.dumps(card | entries))


def test_one_run(make_run):
    folder = make_run()
    (folder / "log.csv").write_text("epoch,loss\n1,5\n2,3\n")
    result = run(folder, "--shown", 1)
    assert result.exit_code == 0, result.output
    page = (folder / "report.html").read_text()
    assert f"report {folder}/report.html" in result.stdout
    for words in ("run on market1501", "Losses", "Distances", "name: market1501", "Ranked lists"):
        assert words in page
    assert "differ most" not in page


def test_two_runs_side_by_side_with_figures_for_paper(make_run, market, tmp_path):
    make_run("one/run"), make_run("two/run", gain=2.0)
    result = run(
        tmp_path / "one/run", tmp_path / "two/run", "--on", f"market1501={market}", "--option", "strict=false",
        "--out", tmp_path / "both.html", "--figures", tmp_path / "figures", "--figure-format", "png",
        "--shown", 1, "--title", "Gains", "--name", "plain", "--name", "twice as strong",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    page = (tmp_path / "both.html").read_text()
    for words in ("<title>Gains</title>", "plain", "twice as strong"):
        assert words in page
    assert sorted(file.name for file in (tmp_path / "figures").iterdir()) == [
        "cmc.png", "distances-1.png", "distances-2.png", "scores.png"]  # fmt: skip


def test_exact_masks_are_marked_as_an_oracle(make_run, market, tmp_path, monkeypatch):
    folder, shown = make_run(cls="Masked"), {}
    drawn = "occreid.report.figure_files.draw_cmc"
    monkeypatch.setattr(drawn, lambda curves: shown.update(names=[*curves]) or Figure())
    monkeypatch.setattr(groups, "load_benchmarks", lambda *words: [exact(split) for split in load_benchmarks(*words)])

    def exact(split):
        return replace(split, notes={**split.notes, "oracle": "exact masks of the test images"})

    result = run(folder, "--shown", 1, "--figures", tmp_path / "figures")
    assert result.exit_code == 0, result.output
    page = (folder / "report.html").read_text()
    assert "<strong>ORACLE:</strong> exact masks of the test images." in page
    assert shown["names"] == ["run (ORACLE)"]


def test_runs_under_two_protocols_are_refused_unless_one_is_given_for_all(make_run, tmp_path):
    one, two = make_run("one"), make_run("two")
    recipe = json.loads((two / "model.json").read_text())["recipe"]
    change_card(two, recipe={**recipe, "evaluation": {"ap": "trapezoid"}})
    assert "two protocols (ap: step / trapezoid)" in problem(one, two)
    assert run(one, two, "--ap", "step", "--shown", 1, "--out", tmp_path / "r.html").exit_code == 0


def test_runs_of_different_data_are_refused(make_run):
    one, two = make_run("one"), make_run("two")
    change_card(two, data={"name": "dukemtmc", "counts": {}})
    assert "was made with market1501" in problem(one, two) and "dukemtmc" in problem(one, two)
    change_card(two, data={"name": "market1501", "counts": {"query": {"images": 9, "ids": 9, "cameras": 1}}})
    assert "another market1501: 9 query images there, 6 here" in problem(one, two)


def test_missing_images_are_listed(make_run, market, monkeypatch):
    load = groups.load_benchmarks

    def moved(*arguments):
        from dataclasses import replace

        splits = load(*arguments)
        gone = tuple(replace(r, path=r.path.with_name(f"gone-{r.path.name}")) for r in splits[0].query[:2])
        return [replace(splits[0], query=(*gone, *splits[0].query[2:]))]

    monkeypatch.setattr(groups, "load_benchmarks", moved)
    said = problem(make_run())
    assert said.startswith("2 images of market1501 are missing: ")
    assert "gone-0005_c1s1_000005_00.png" in said and "gone-0006_c1s1_000006_00.png" in said


def test_mistakes_are_said(make_run, market):
    folder = make_run()
    assert "given twice" in problem(folder, folder)
    assert "2 names do not fit 1 runs" in problem(folder, "--name", "a", "--name", "b")
    assert "Did you mean 'png'?" in problem(folder, "--figure-format", "pgn")
    both = ("--on", f"market1501={market}") * 2
    assert "one benchmark" in problem(folder, *both, "--option", "strict=false")


def test_neighbours_are_shown_with_the_trust_in_each(make_run):
    folder = make_run(cls="Trusting")
    assert run(folder, "--shown", 1).exit_code == 0
    page = (folder / "report.html").read_text()
    assert page.count("trust 0.75") == page.count("trust 0.25") == 3  # one random, one worst, one best
    assert "trust 0.00" not in page
