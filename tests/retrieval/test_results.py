import json
from dataclasses import replace

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.retrieval import evaluate, load_ranking, save_ranking
from occreid.retrieval.results import summary


@pytest.fixture
def ranking(random_sides):
    query, gallery = random_sides(12, 60)
    query.pids[2] = 99  # a query without a match
    found = evaluate(query, gallery, "euclidean", shots="single", draws=3)
    return replace(found, facts={"benchmark": "made", "weights_sha256": "ab"})


def test_a_saved_ranking_is_the_same_when_read(ranking, tmp_path):
    back = load_ranking(save_ranking(ranking, tmp_path / "new" / "a.json"))
    assert back.protocol == ranking.protocol and back.facts == ranking.facts and back.ranks == ranking.ranks
    assert back.scores() == ranking.scores() and back.cmc_std == ranking.cmc_std
    assert back.query_paths == ranking.query_paths
    for name in ("first_ranks", "average_precision", "inverse_negative_penalty", "query_pids", "query_camids"):
        np.testing.assert_array_equal(getattr(back, name), getattr(ranking, name))


def test_the_file_is_strict_json_that_names_the_protocol(ranking, tmp_path):
    text = save_ranking(ranking, tmp_path / "a.json").read_text()
    content = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert content["protocol"]["ap"] == "step" and content["protocol"]["shots"] == "single"
    assert content["counts"]["skipped_queries"] == 1 and content["counts"]["gallery_images"] == 60
    assert content["facts"]["weights_sha256"] == "ab" and "R-1" in content["std"]
    assert content["queries"]["average_precision"][2] is None


def test_the_summary_holds_no_list_of_queries(ranking):
    assert "queries" not in summary(ranking) and summary(ranking)["scores"]["mAP"] == ranking.mean_ap


@pytest.mark.parametrize(
    ("content", "word"),
    [("not json", "not JSON"), ("[]", "not a ranking"), ('{"format": 9}', "format 1"), ('{"format": 1}', "damaged")],
)
def test_files_that_are_no_ranking(content, word, tmp_path):
    file = tmp_path / "a.json"
    file.write_text(content)
    with pytest.raises(UserError, match=word):
        load_ranking(file)


def test_lists_of_different_lengths_are_damage(ranking, tmp_path):
    file = save_ranking(ranking, tmp_path / "a.json")
    content = json.loads(file.read_text())
    content["queries"]["average_precision"].pop()
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="different lengths"):
        load_ranking(file)


def test_missing_file_and_unwritable_place(ranking, tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        load_ranking(tmp_path / "none.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        save_ranking(ranking, tmp_path / "file" / "a.json")
