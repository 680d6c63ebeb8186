from pathlib import Path

import torch

from occreid.descriptors import Descriptors
from occreid.display import html_table
from occreid.records import Record, Split
from occreid.retrieval import evaluate


def test_cells_are_escaped():
    assert html_table(["<a>"], [["&"]]) == "<table><tr><th>&lt;a&gt;</th></tr><tr><td>&amp;</td></tr></table>"


def test_splits_descriptors_and_rankings_are_short():
    split = Split("mine", (), (Record(Path("q"), 1, 0),), (Record(Path("g"), 1, 1), Record(Path("h"), 2, 1)))
    assert repr(split) == "Split(mine: query: 1 images of 1 ids, gallery: 2 images of 2 ids; same camera: junk)"
    assert "<td>gallery</td><td>2</td><td>2</td><td>1</td>" in split._repr_html_()
    query = Descriptors(torch.eye(2), pids=torch.tensor([1, 2]), camids=torch.tensor([0, 0]))
    assert repr(query) == "Descriptors(2 × 1 × 2 on cpu, with pids, camids)"
    assert "<td>100%</td><td>2</td><td>1</td>" in query._repr_html_()
    gallery = Descriptors(torch.eye(2), pids=torch.tensor([1, 2]), camids=torch.tensor([1, 1]))
    ranking = evaluate(query, gallery, "cosine")
    assert repr(ranking).startswith("Ranking(mAP 100.0, R-1 100.0") and "2 queries; cosine" in repr(ranking)
    assert "<th>mAP</th>" in ranking._repr_html_() and len(repr(ranking)) < 250
