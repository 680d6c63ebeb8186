import json
from dataclasses import replace

import pytest

from occreid.data.masks.evaluation import ORACLE, TEST_MASKS
from occreid.errors import UserError
from occreid.evaluation import Describer, Settings, rank
from occreid.evaluation.saved import (
    ABOUT,
    REFINED,
    describe_to_disk,
    is_extracted,
    load_described,
    part_folder,
    read_about,
    write_about,
)

CPU = Settings("cpu")
ASKED = {"evaluation": {"ap": "trapezoid", "shots": "single", "draws": 3, "ranks": [1, 2]}, "training": {"seed": 5}}


def describer(model, split, **notes):
    model.card = {"method": "colours", "sha256": "abc", "recipe": ASKED}
    return Describer(model, replace(split, notes=notes), settings=CPU)


@pytest.mark.parametrize("kind", ["colours", "centred"])
def test_what_is_written_ranks_like_the_model(request, hard, tmp_path, kind):
    one = describer(request.getfixturevalue(kind), hard)
    describe_to_disk(one, tmp_path)
    assert is_extracted(tmp_path) and part_folder(tmp_path) == (tmp_path / REFINED if kind == "centred" else tmp_path)
    saved, fresh = load_described(tmp_path), one.described()
    assert saved.protocol == fresh.protocol and saved.protocol.seed == 5
    assert rank(saved).scores() == rank(fresh).scores()
    assert (saved.labels, saved.occluders, saved.name) == (fresh.labels, fresh.occluders, fresh.name)
    assert saved.facts["weights_sha256"] == "abc" and saved.facts["recipe"] == ASKED


def test_the_protocol_can_be_changed(colours, hard, tmp_path):
    describe_to_disk(describer(colours, hard), tmp_path)
    changed = load_described(tmp_path, same_camera="keep", shots="multi").protocol
    assert (changed.same_camera, changed.shots, changed.ap, changed.metric) == (
        "keep",
        "multi",
        "trapezoid",
        "euclidean",
    )


def test_the_mark_of_an_oracle_is_kept(colours, hard, split, tmp_path):
    describe_to_disk(describer(colours, split, **{TEST_MASKS: "exact", ORACLE: "exact masks"}), tmp_path / "exact")
    assert load_described(tmp_path / "exact").protocol.oracle == "exact masks"
    describe_to_disk(describer(colours, hard), tmp_path / "plain")
    assert load_described(tmp_path / "plain").protocol.oracle == ""


def test_written_parts_say_how_many_were_described_now(colours, hard, tmp_path):
    first = describe_to_disk(describer(colours, hard), tmp_path, ["gallery"])
    assert [(w.part, w.images, w.described) for w in first] == [("gallery", 30, 30)] and first[0].rate > 0
    again = describe_to_disk(describer(colours, hard), tmp_path, ["query", "gallery"])
    assert [(w.part, w.described) for w in again] == [("query", 6), ("gallery", 0)]
    with pytest.raises(UserError, match="no train images"):
        describe_to_disk(describer(colours, hard), tmp_path, ["train"])


def test_damaged_folders_are_named(tmp_path):
    assert not is_extracted(tmp_path)
    (tmp_path / ABOUT).write_text("{")
    assert is_extracted(tmp_path)
    with pytest.raises(UserError, match=ABOUT):
        read_about(tmp_path)
    write_about(tmp_path, {"benchmark": "x", "metric": "cosine", "same_camera": "junk", "labels": {}})
    with pytest.raises(UserError, match="query"):
        load_described(tmp_path)
    assert json.loads((tmp_path / ABOUT).read_text())["metric"] == "cosine"
