from dataclasses import replace

from occreid.report.figure_files import KINDS, write_figures


def test_each_figure_is_written_in_each_format(entries, log, tmp_path):
    files = write_figures(tmp_path, KINDS, [replace(entries[0], log=log), entries[1]])
    names = ("cmc", "distances-1", "distances-2", "losses-1", "scores")
    assert sorted(file.name for file in files) == sorted(f"{name}.{kind}" for name in names for kind in KINDS)
    assert all(file.stat().st_size for file in files)


def test_an_oracle_is_marked_in_the_figures(entries, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("occreid.report.figure_files.save_figure", lambda path, draw: draw() and path)
    monkeypatch.setattr("occreid.report.figure_files.draw_cmc", lambda curves: drawn.extend(curves) or True)
    ranking = entries[0].ranking
    told = replace(entries[0], ranking=replace(ranking, protocol=ranking.protocol.marked("exact masks")))
    write_figures(tmp_path, ["svg"], [told])
    assert drawn == [f"{entries[0].name} (ORACLE)"]
