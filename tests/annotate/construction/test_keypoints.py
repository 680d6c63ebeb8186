import json

import pytest

from occreid.annotate.construction.keypoints import CHAINS, NAMES, Keypoints, missing_run, read_keypoints
from occreid.errors import UserError


def body(*hidden):
    return Keypoints(((0.0, 0.0),) * 17, tuple(name not in hidden for name in NAMES))


def flat(seen=2, **other):
    return [n for i, name in enumerate(NAMES) for n in (i, 2 * i, other.get(name, seen))]


@pytest.mark.parametrize(
    ("hidden", "chain"),
    [
        ((), None),
        (("left_knee", "left_ankle"), None),
        (("left_hip", "left_knee", "left_ankle"), "left side"),
        (("right_hip", "right_knee", "right_ankle"), "right side"),
        (("nose", "right_shoulder", "right_hip"), "right side"),
        (("left_shoulder", "left_elbow", "left_wrist"), "left arm"),
        (("right_shoulder", "right_elbow", "right_wrist"), "right arm"),
        (("nose", "left_hip", "left_ankle"), None),  # three, but not in a row
        (("left_eye", "right_eye", "left_ear", "right_ear"), None),  # a back of a head is no occlusion
        (("left_knee", "left_ankle", "right_knee", "right_ankle"), None),
    ],
)
def test_three_in_a_row_make_a_candidate(hidden, chain):
    assert missing_run(body(*hidden)) == chain


def test_chains_follow_the_body():
    assert [NAMES[i] for i in CHAINS["left side"]] == ["nose", "left_shoulder", "left_hip", "left_knee", "left_ankle"]
    assert [NAMES[i] for i in CHAINS["right arm"]] == ["right_shoulder", "right_elbow", "right_wrist"]


def write(path, annotations, names=("a/1.jpg", "2.jpg")):
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_flags_and_confidences_are_told_apart(tmp_path):
    flags = write(tmp_path / "f.json", [{"image_id": 0, "keypoints": flat(2, nose=1, left_hip=0)}])
    found = read_keypoints(flags)
    assert list(found) == ["1.jpg"]
    assert [n for n, s in zip(NAMES, found["1.jpg"].seen, strict=True) if not s] == ["nose", "left_hip"]
    assert found["1.jpg"].points[3] == (3.0, 6.0)
    scores = write(tmp_path / "s.json", [{"image_id": 1, "keypoints": flat(0.9, nose=0.29, left_hip=0.31)}])
    assert [n for n, s in zip(NAMES, read_keypoints(scores)["2.jpg"].seen, strict=True) if not s] == ["nose"]
    assert not read_keypoints(scores, score=0.95)["2.jpg"].seen[1]


def test_of_several_people_the_one_seen_best_counts(tmp_path):
    people = [
        {"image_id": 0, "keypoints": flat(2, nose=0), "bbox": [0, 0, 90, 90]},
        {"image_id": 0, "keypoints": flat(2), "bbox": [0, 0, 5, 5]},
        {"image_id": 0, "keypoints": [n + 1 if i % 3 < 2 else n for i, n in enumerate(flat(2))], "bbox": [0, 0, 9, 9]},
    ]
    for order in (people, people[::-1]):
        found = read_keypoints(write(tmp_path / "k.json", order))["1.jpg"]
        assert all(found.seen) and found.points[0] == (1.0, 1.0)  # whole and larger


@pytest.mark.parametrize(
    "content",
    ["[", "[]", '{"images": []}', '{"images": [{"id": 0, "file_name": "a"}], "annotations": [{"image_id": 0}]}'],
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "k.json").write_text(content)
    with pytest.raises(UserError, match=r"not COCO keypoint JSON|is not JSON"):
        read_keypoints(tmp_path / "k.json")


def test_missing_short_and_unlisted(tmp_path):
    with pytest.raises(UserError, match="no keypoint file"):
        read_keypoints(tmp_path / "none.json")
    with pytest.raises(UserError, match="50 numbers instead of 51"):
        read_keypoints(write(tmp_path / "k.json", [{"image_id": 0, "keypoints": flat()[:50]}]))
    with pytest.raises(UserError, match="image 7 that it does not list"):
        read_keypoints(write(tmp_path / "k.json", [{"image_id": 7, "keypoints": flat()}]))


def test_two_pictures_of_one_name_are_refused_for_keypoints_go_by_name(tmp_path):
    images = [{"id": 0, "file_name": "query/a.jpg"}, {"id": 1, "file_name": "gallery/a.jpg"}]
    (tmp_path / "k.json").write_text(json.dumps({"images": images, "annotations": []}))
    with pytest.raises(UserError, match=r"query/a\.jpg and gallery/a\.jpg have the same name"):
        read_keypoints(tmp_path / "k.json")
    (tmp_path / "k.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="is not JSON"):
        read_keypoints(tmp_path / "k.json")
