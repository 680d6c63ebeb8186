import json

import numpy as np
import pytest

from occreid.cli.splits import load_benchmarks
from occreid.cli.subjects import ABOUT, is_extracted, subjects
from occreid.data.masks.files import write_mask
from occreid.data.occlusion.stress import Stress
from occreid.errors import UserError


def test_a_subject_carries_descriptors_protocol_and_facts(make_run):
    run = make_run()
    (subject,) = subjects(run, load_benchmarks(run, None, None), "cpu", "float32", 4, 0, quiet=True)
    assert (len(subject.query), len(subject.gallery)) == (6, 18)
    assert (subject.metric, subject.same_camera) == ("cosine", "junk")
    assert subject.facts["precision"] == "float32" and subject.facts["data"]["counts"]["query"]["images"] == 6


def test_masks_of_test_images_are_passed_on_and_oracles_marked(make_run, market, tmp_path):
    for image in (*(market / "query").iterdir(), *(market / "bounding_box_test").iterdir()):
        write_mask(tmp_path / "masks" / image.parent.name / image.name, np.ones((32, 16), np.uint8))
    run, on = make_run(cls="Masked"), [f"market1501={market}"]
    masked = load_benchmarks(run, on, ["strict=false", f"test_masks={tmp_path / 'masks'}"])
    plain = load_benchmarks(run, on, ["strict=false"])
    stress = [Stress.parse("flat:0.5")]
    given = [
        *subjects(run, masked, "cpu", "float32", 4, 0, True, stress),
        *subjects(run, plain, "cpu", "float32", 4, 0, True),
    ]
    assert [bool(subject.gallery.visibility.all()) for subject in given] == [True, True, False]
    assert [subject.oracle for subject in given] == ["", "masks that leave out what the stress hides", ""]
    assert given[0].facts["data"]["notes"]["test_masks"] == str(tmp_path / "masks")


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
