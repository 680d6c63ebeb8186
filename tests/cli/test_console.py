from occreid.cli.console import percent, print_table, progress


def test_columns_line_up(capsys):
    print_table(["", "mAP"], [["a", "1.00"], ["longer", "10.00"]])
    assert capsys.readouterr().out == "          mAP\na        1.00\nlonger  10.00\n"


def test_a_title_stands_above(capsys):
    print_table(["name"], [["a"]], "all")
    assert capsys.readouterr().out == "all\nname\na\n"


def test_percent_has_two_decimals():
    assert percent(0.12345) == "12.35"


def test_progress_is_no_output(capsys):
    with progress("reading", 2) as tick:
        tick()
        tick()
    assert capsys.readouterr().out == ""
