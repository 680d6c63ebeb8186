"""The example's tracker: what appearance adds to overlap."""

import numpy as np

from track_scene import Tracker, _overlap, follow


class ByColour:
    """Stands for `TrackEmbedder`: the mean colour of a box, of length 1."""

    def get_features(self, boxes, frame):
        cuts = (frame[int(y1) : int(y2), int(x1) : int(x2)] for x1, y1, x2, y2 in boxes)
        means = np.array([cut.reshape(-1, 3).mean(0) + 1e-6 for cut in cuts], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def scene(gap: int):
    """A red and a green square walk towards each other; unseen for ``gap`` frames while they pass, 20 frames in all."""
    frames = []
    for t in range(20):
        frame = np.zeros((40, 120, 3), np.uint8)
        places = {1: (5 * t, (0, 0, 255)), 2: (95 - 5 * t, (0, 255, 0))}
        boxes = {}
        for pid, (x, colour) in places.items():
            frame[10:30, x : x + 20] = colour
            if not 10 - gap / 2 <= t < 10 + gap / 2:
                boxes[pid] = (x, 10, x + 20, 30)
        frames.append((frame, boxes))
    return frames


def test_appearance_finds_people_again_that_overlap_loses(tmp_path):
    frames = scene(gap=6)
    assert follow(frames, Tracker(None), tmp_path / "a.mp4") == 2  # both come back as somebody else
    assert follow(frames, Tracker(ByColour()), tmp_path / "b.mp4") == 0
    assert (tmp_path / "b.mp4").stat().st_size > 0


def test_a_track_ends_when_nobody_was_seen_for_its_patience(tmp_path):
    assert follow(scene(gap=8), Tracker(ByColour(), patience=3), tmp_path / "a.mp4") == 2


def test_overlap_is_intersection_over_union():
    assert _overlap((0, 0, 2, 2), (1, 0, 3, 2)) == 1 / 3
    assert _overlap((0, 0, 2, 2), (5, 5, 6, 6)) == 0
