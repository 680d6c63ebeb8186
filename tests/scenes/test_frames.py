import pytest
from PIL import Image

from occreid.errors import UserError
from occreid.scenes import frames, frames_of


def test_pictures_and_folders(scene, tmp_path):
    for name in ("b.png", "a.jpg"):
        Image.fromarray(scene()).save(tmp_path / name)
    found = list(frames_of([tmp_path, tmp_path / "b.png"]))
    assert [frame.source for frame in found] == [str(tmp_path / name) for name in ("a.jpg", "b.png", "b.png")]
    assert found[0].pixels.shape == (120, 200, 3) and found[0].seconds is None and found[0].timestamp is None


def test_videos_are_read_every_so_many_seconds(video):
    found = list(frames_of([video], every=0.5, start=1_700_000_000.0))
    assert [frame.number for frame in found] == [0, 3, 5, 8]  # the first frame at or after each half second
    assert [frame.seconds for frame in found] == pytest.approx([0, 0.6, 1.0, 1.6])
    assert found[2].timestamp == pytest.approx(1_700_000_001.0)
    assert len(list(frames_of([video], every=0))) == 10 and len(list(frames_of([video], every=0, most=3))) == 3
    assert next(frames_of([video])).timestamp is None
    assert found[0].pixels[60, 20, 0] > 180 > found[0].pixels[60, 20, 2]  # red is red


def test_what_is_no_scene_is_named(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    for source, problem in ((tmp_path / "gone.mp4", "no scene"), (tmp_path / "text.mp4", "no video that OpenCV")):
        with pytest.raises(UserError, match=problem):
            list(frames_of([source]))
    with pytest.raises(UserError, match="no video comes from rtsp://127") as told:
        list(frames_of(["rtsp://anna:secret@127.0.0.1:9/door"]))
    assert "secret" not in str(told.value)
    with pytest.raises(UserError, match="every -1"):
        list(frames_of([], every=-1))


def test_a_cameras_password_is_not_kept(video, monkeypatch):
    opened, real = [], frames.cv2.VideoCapture
    monkeypatch.setattr(frames.cv2, "VideoCapture", lambda source: opened.append(source) or real(str(video)))
    (frame,) = frames_of(["rtsp://anna:p@ss@10.0.0.5/door?to=a@b"], most=1)
    assert opened == ["rtsp://anna:p@ss@10.0.0.5/door?to=a@b"]
    assert frame.source == "rtsp://10.0.0.5/door?to=a@b"


def test_a_name_too_long_to_exist_is_no_scene():
    with pytest.raises(UserError, match="there is no scene 'xxx"):
        list(frames_of(["x" * 5000]))
