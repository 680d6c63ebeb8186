from occreid.training.tables import Table


def test_rows_are_appended_one_line_each(tmp_path):
    file = tmp_path / "log.csv"
    table = Table(file)
    table.append({"stage": "main", "epoch": 1, "loss": 0.5})
    table.append({"stage": "main", "epoch": 2, "loss": 0.25})
    assert file.read_text() == "stage,epoch,loss\nmain,1,0.5\nmain,2,0.25\n"


def test_another_process_goes_on_where_the_file_ends(tmp_path):
    file = tmp_path / "log.csv"
    Table(file).append({"stage": "main", "epoch": 1})
    Table(file).append({"stage": "main", "epoch": 2})
    assert file.read_text().count("\n") == 3


def test_a_new_column_leaves_earlier_rows_empty_there(tmp_path):
    file = tmp_path / "log.csv"
    table = Table(file)
    table.append({"stage": "fen", "epoch": 1, "loss_id": 1.5})
    table.append({"stage": "gnn", "epoch": 1, "loss_target": 2.5})
    assert file.read_text() == "stage,epoch,loss_id,loss_target\nfen,1,1.5,\ngnn,1,,2.5\n"


def test_rows_after_the_checkpoint_are_cut_away(tmp_path):
    file = tmp_path / "log.csv"
    table = Table(file)
    for stage in ("b", "a"):  # the stages' order counts, not the alphabet's
        for epoch in (1, 2, 3):
            table.append({"stage": stage, "epoch": epoch})
    table.cut_back(["b", "a"], 1, 1)
    assert file.read_text().splitlines()[1:] == ["b,1", "b,2", "b,3", "a,1"]
    table.cut_back(["b", "a"], 0, 2)
    assert file.read_text().splitlines()[1:] == ["b,1", "b,2"]
    table.append({"stage": "b", "epoch": 3})
    assert file.read_text().splitlines()[-1] == "b,3"


def test_a_line_that_a_kill_cut_short_is_dropped(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("stage,epoch,loss\nmain,1,0.5\nmain,2,0.")
    table = Table(file)
    assert [row["epoch"] for row in table.rows] == ["1"]
    table.cut_back(["main"], 0, 5)
    assert file.read_text() == "stage,epoch,loss\nmain,1,0.5\n"


def test_without_a_file_there_is_nothing_to_cut(tmp_path):
    Table(tmp_path / "log.csv").cut_back(["main"], 0, 0)
    assert not (tmp_path / "log.csv").exists()
