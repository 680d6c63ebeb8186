import subprocess
import sys
from pathlib import Path

import torch

from occreid.records import PART_NAMES, Batch, Record, Split, class_indices


def records(*pids_camids):
    return tuple(Record(Path(f"{i}.jpg"), pid, camid) for i, (pid, camid) in enumerate(pids_camids))


def test_reading_the_vocabulary_does_not_import_torch():
    code = "import sys, occreid.records, occreid.errors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_are_words_where_there_are_some_and_numbers_else():
    known, numbered = Record(Path("a"), 0, 1, person="zoe", camera="door"), Record(Path("a"), 0, 1)
    assert (known.person_name, known.camera_name) == ("zoe", "door") and known == numbered
    assert (numbered.person_name, numbered.camera_name) == ("0", "1")
    unknown = Record(Path("a"), -1, 0, camera="")
    assert (unknown.person_name, unknown.camera_name) == (None, None)


def test_counts_leave_distractors_out_of_the_ids():
    split = Split(
        "toy", records((5, 0), (5, 1), (7, 0)), records((1, 0)), records((0, 1), (1, 2)), distractor_pids=frozenset({0})
    )
    assert split.counts() == {
        "train": {"images": 3, "ids": 2, "cameras": 2},
        "query": {"images": 1, "ids": 1, "cameras": 1},
        "gallery": {"images": 2, "ids": 1, "cameras": 2},
    }


def test_class_indices_do_not_depend_on_the_order_of_records():
    forward = records((30, 0), (4, 0), (100, 0), (4, 1))
    assert class_indices(forward) == class_indices(reversed(forward)) == {4: 0, 30: 1, 100: 2}


def test_a_batch_moves_all_it_has_and_keeps_none_as_none():
    batch = Batch(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1]), torch.tensor([0, 0]), torch.tensor([5, 6]))
    moved = batch.to("meta")
    assert len(moved) == 2
    assert {t.device.type for t in (moved.images, moved.labels, moved.camids, moved.indices)} == {"meta"}
    assert moved.masks is None and moved.visibility is None
    assert batch.images.device.type == "cpu"


def test_there_are_four_parts():
    assert len(PART_NAMES) == 4
