import numpy as np

from occreid.cli.tables import print_comparison, print_extras, print_results
from occreid.retrieval import Difference, Protocol, Ranking


def ranking(first_ranks, **protocol):
    first = np.array([first_ranks])
    precision = np.where(first[0] > 0, 0.5, np.nan)
    return Ranking(
        Protocol("cosine", ranks=(1,), **protocol),
        first,
        precision,
        precision,
        np.arange(len(first[0])),
        gallery={"images": 1234},
    )


def test_one_protocol_is_said_once_and_skipped_queries_are_counted(capsys):
    print_results([("a", ranking([1, 2])), ("b", ranking([1, 0]))])
    out = capsys.readouterr().out
    assert out.count("step AP") == 1 and "[1]" not in out
    assert "1 of 2" in out and "1,234" in out and "1 queries have no valid match" in out


def test_rows_under_different_protocols_are_marked(capsys):
    print_results([("a", ranking([1])), ("b", ranking([1], ap="trapezoid"))])
    out = capsys.readouterr().out
    assert "a [1]" in out and "b [2]" in out and "[2] cosine distance" in out


def test_a_comparison_is_in_points(capsys):
    print_comparison(("x", "y"), ranking([1, 0]), {"mAP": Difference(0.5, 0.525, 0.01, 0.04, 0.0123)})
    out = capsys.readouterr().out
    assert "+2.50" in out and "[+1.00, +4.00]" in out and "0.0123" in out and "over 1 persons" in out


def test_sections_appear_where_asked_for(capsys):
    print_extras("a", {})
    assert capsys.readouterr().out == ""
    at = {"0.01": {"tar": 0.9, "threshold": 0.25}, "0.001": {"tar": 0.0, "threshold": None}}
    found = {"equal_error_rate": 0.1, "genuine_pairs": 5, "impostor_pairs": 7, "tar_at_far": at}
    print_extras("a", {"subsets": {"occluder": {"car": {"queries": 3, "mAP": 0.25}}}, "verification": found})
    out = capsys.readouterr().out
    assert "by occluder" in out and "25.00" in out and "none" in out and "equal error rate 10.00" in out
