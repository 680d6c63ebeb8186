import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from occreid.report.summary import breakdowns, cmc_curve, count_rows, percent, score_table, scores, tiles, verdict


@dataclass
class Scored:
    """A ranking of which only the headline numbers matter."""

    mean_ap: float
    cmc: dict[int, float]
    mean_inp: float = 0.1

    def scores(self):
        return {"mAP": self.mean_ap, **{f"R-{k}": v for k, v in self.cmc.items()}, "mINP": self.mean_inp}


def with_scores(entry, name, mean_ap, rank1=0.5):
    return replace(entry, name=name, ranking=Scored(mean_ap, {1: rank1, 5: 0.8}))


def test_scores_are_those_the_ranking_holds(entries):
    assert list(scores(entries[0].ranking)) == ["mAP", "R-1", "R-5", "R-10", "mINP"]
    ranking = entries[0].ranking
    few = replace(ranking, protocol=replace(ranking.protocol, ranks=(1, 20)))
    assert list(scores(few)) == ["mAP", "R-1", "mINP"]


def test_curve_agrees_with_the_ranking_and_ends_at_the_last_rank(entries):
    ranking = entries[1].ranking
    curve = cmc_curve(ranking, last=20)
    assert list(curve) == list(range(1, 19)), "the gallery has 18 pictures"
    assert {rank: curve[rank] for rank in ranking.cmc if rank < 19} == {k: v for k, v in ranking.cmc.items() if k < 19}
    assert curve[1] < curve[18] == 1
    single = replace(ranking, protocol=replace(ranking.protocol, shots="single"))
    assert list(cmc_curve(single)) == list(range(1, ranking.gallery["ids"] + 1))
    assert cmc_curve(ranking.select(np.zeros(6, bool))) == {}


def test_table_marks_the_best_of_each_column(entries):
    first, second = with_scores(entries[0], "a", 0.6, rank1=0.7), with_scores(entries[1], "b", 0.4, rank1=0.9)
    names, rows = score_table([first, second])
    assert names == ["mAP", "R-1", "R-5", "mINP"]
    assert [cell["text"] for cell in rows[0]["cells"][:3]] == [percent(0.6), percent(0.7), percent(0.8)]
    assert [[cell["best"] for cell in row["cells"][:3]] for row in rows] == [[True, False, True], [False, True, True]]
    assert [row["numbers"] for row in rows] == ["6", "4"]
    assert rows[0]["note"] == "told the answer"


def test_a_lone_method_is_not_called_best(entries):
    assert not any(cell["best"] for cell in score_table(entries[:1])[1][0]["cells"])


def test_table_keeps_only_scores_all_methods_have(entries):
    names, _ = score_table([entries[0], with_scores(entries[1], "b", 0.1)])
    assert "R-10" not in names


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (0.8, "20.0 points above the best reference, b, with 60.0\u202f% mAP."),
        (0.5, "10.0 points below the best reference, b, with 60.0\u202f% mAP."),
    ],
)
def test_verdict_is_honest_in_both_directions(own, said, entries):
    mine = with_scores(entries[0], "mine", own)
    others = [with_scores(entries[1], "a", 0.2), with_scores(entries[1], "b", 0.6)]
    assert verdict([mine, *others]) == f"Mine reaches {percent(own)} mAP and 50.0\u202f% rank-1: {said}"
    assert verdict([mine]) == f"Mine reaches {percent(own)} mAP and 50.0\u202f% rank-1."


def test_tiles_show_the_best_reference(entries, split):
    shown = tiles([with_scores(entries[0], "mine", 0.8), with_scores(entries[1], "a", 0.2)], split)
    assert [tile["text"] for tile in shown] == ["mAP, mine", "rank-1, mine", "mAP, a", "queries over 18 gallery images"]
    assert [tile["value"] for tile in shown] == [percent(0.8), percent(0.5), percent(0.2), "6"]


def test_counts_say_how_many_are_occluded_or_that_nobody_knows(split):
    rows = count_rows(split)
    assert [row["name"] for row in rows] == ["Training", "Query", "Gallery"]
    assert [row["images"] for row in rows] == ["8", "6", "18"]
    assert [row["occluded"] for row in rows] == ["0 (0.0\u202f%)", "6 (100.0\u202f%)", "0 (0.0\u202f%)"]
    unknown = replace(split, train=(), query=tuple(replace(r, occluded=None) for r in split.query))
    assert [row["occluded"] for row in count_rows(unknown)[:2]] == ["not known", "not known"]


def test_breakdowns_average_over_the_queries_of_each_kind(split, entries):
    share, hidden_by = breakdowns(entries, split.query)
    assert hidden_by["methods"] == ["perfect", "hopeless", "histogram"]
    assert [(row["name"], row["count"]) for row in hidden_by["rows"]] == [("bin", "3"), ("car", "3")]
    values = entries[1].ranking.average_precision
    cars = [row for row, record in enumerate(split.query) if record.occluder_kind == "car"]
    assert hidden_by["rows"][1]["cells"][1] == percent(sum(values[row] for row in cars) / 3)
    assert [row["name"] for row in share["rows"]] == ["25 to 50\u202f%", "50 to 75\u202f%"]


def test_breakdowns_leave_out_queries_without_a_match(split, entries):
    values = entries[0].ranking.average_precision.copy()
    values[1] = math.nan
    skipped = replace(entries[0], ranking=replace(entries[0].ranking, average_precision=values))
    assert [row["count"] for row in breakdowns([skipped], split.query)[1]["rows"]] == ["3", "2"]


def test_no_breakdown_without_knowledge_or_contrast(split, entries):
    bare = [replace(r, occluder_kind=None, occluded=None, visibility=None) for r in split.query]
    same = [replace(r, occluder_kind="car", visibility=None) for r in split.query]
    assert breakdowns(entries, bare) == []
    assert breakdowns(entries, same) == []


def test_a_whole_query_is_hidden_by_nothing(split, entries):
    mixed = [replace(r, occluder_kind=None, occluded=False) if r.pid == 0 else r for r in split.query]
    assert [row["name"] for row in breakdowns(entries, mixed)[1]["rows"]] == ["car", "bin", "nothing"]


def test_many_rare_kinds_share_a_row(split, entries):
    ranking = entries[1].ranking.select(np.array([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]))
    kinds = ["wall", "car", "bin", "tree", "sign", "hedge", "wall", "cart", "plant", "shelf", "wall", "car"]
    records = [replace(split.query[0], occluder_kind=kind, visibility=None) for kind in kinds]
    (part,) = breakdowns([replace(entries[1], ranking=ranking)], records)
    shown = [(row["name"], row["count"]) for row in part["rows"]]
    assert shown[:3] == [("wall", "3"), ("car", "2"), ("bin", "1")], "most frequent first"
    assert shown[-1] == ("2 other kinds", "2") and len(shown) == 8
    rest = [ranking.average_precision[kinds.index(kind)] for kind in ("sign", "tree")]
    assert part["rows"][-1]["cells"] == [percent(sum(rest) / 2)]
