from occreid.report.markdown import row


def test_a_row_is_one_line_of_a_table():
    assert row(["a", "b"]) == "| a | b |"
