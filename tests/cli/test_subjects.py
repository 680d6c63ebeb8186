import json

import pytest

from occreid.cli.subjects import ABOUT, is_extracted, load_benchmarks, subjects
from occreid.errors import UserError


def test_the_card_names_the_benchmark(make_run, market):
    (split,) = load_benchmarks(make_run(), None, None)
    assert split.name == "market1501" and len(split.gallery) == 18


def test_on_replaces_it_and_options_reach_the_loader(make_run, market):
    run, on = make_run(), [f"market1501={market}"]
    assert len(load_benchmarks(run, on, ["strict=false"])) == 1
    with pytest.raises(UserError, match=r"12,?936"):
        load_benchmarks(run, on, None)


def test_a_subject_carries_descriptors_protocol_and_facts(make_run):
    run = make_run()
    (subject,) = subjects(run, load_benchmarks(run, None, None), "cpu", "float32", 4, 0, quiet=True)
    assert (len(subject.query), len(subject.gallery)) == (6, 18)
    assert (subject.metric, subject.same_camera) == ("cosine", "junk")
    assert subject.facts["precision"] == "float32" and subject.facts["data"]["counts"]["query"]["images"] == 6


def test_a_damaged_folder_of_descriptors_is_named(tmp_path):
    assert not is_extracted(tmp_path)
    (tmp_path / ABOUT).write_text("{")
    assert is_extracted(tmp_path)
    with pytest.raises(UserError, match=ABOUT):
        next(iter(subjects(tmp_path, None, "cpu", "float32", 4, 0, quiet=True)))


def test_a_folder_without_a_gallery_is_named(tmp_path):
    (tmp_path / ABOUT).write_text(
        json.dumps({"benchmark": "x", "metric": "cosine", "same_camera": "junk", "labels": {}})
    )
    with pytest.raises(UserError, match="query"):
        next(iter(subjects(tmp_path, None, "cpu", "float32", 4, 0, quiet=True)))
