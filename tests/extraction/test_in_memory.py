from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.extraction import extract, extract_to_disk, usable_device
from occreid.extraction import on_disk as module
from occreid.methods import Method
from occreid.records import Record


class Mean(Method):
    input_size = (8, 4)

    def __init__(self):
        super().__init__()
        self.layer, self.norm, self.seen = nn.Linear(3, 5), nn.BatchNorm1d(5), []

    def describe(self, images, masks=None):
        self.seen.append((len(images), images.dtype, masks is not None, self.training))
        return Descriptors(self.norm(self.layer(self.normalize(images).mean((2, 3)))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Mean()


@pytest.fixture
def records(tmp_path):
    made = []
    for i in range(7):
        picture = np.random.default_rng(i).integers(0, 255, (16, 8, 3)).astype(np.uint8)
        path = tmp_path / f"{i}.png"
        assert cv2.imwrite(str(path), picture)
        made.append(Record(path, 10 + i, i % 2))
    return made


def test_order_ids_and_paths_are_those_of_the_records(model, records):
    found = extract(model, records[::-1], batch_size=3)
    assert found.pids.tolist() == [16, 15, 14, 13, 12, 11, 10] and found.camids.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert found.paths == [str(r.path) for r in records[::-1]]
    assert [n for n, *_ in model.seen] == [3, 3, 1]
    torch.testing.assert_close(found.features.flip(0), extract(model, records).features)


def test_images_arrive_as_bytes_in_eval_mode_and_without_gradient(model, records):
    found = extract(model, records)
    assert model.seen == [(7, torch.uint8, False, False)]
    assert not found.features.requires_grad and found.features.dtype == torch.float32


def test_exact_masks_reach_the_method_only_when_asked_for(model, records, tmp_path):
    mask = tmp_path / "mask.png"
    assert cv2.imwrite(str(mask), np.ones((16, 8), np.uint8))
    masked = [replace(record, mask=mask) for record in records]
    extract(model, masked)
    extract(model, masked, masks=True)
    assert [given for _, _, given, _ in model.seen] == [False, True]


def test_every_module_gets_its_mode_back_even_after_an_error(model, records):
    model.train()
    model.norm.eval()
    extract(model, records)
    assert model.training and model.layer.training and not model.norm.training
    records[3].path.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"3\.png"):
        extract(model, records)
    assert model.training and not model.norm.training


def test_mixed_precision_gives_float32_near_the_exact(model, records):
    exact, mixed = (extract(model, records, precision=p) for p in ("float32", "bfloat16"))
    assert mixed.features.dtype == torch.float32
    assert not torch.equal(mixed.features, exact.features)
    torch.testing.assert_close(mixed.features, exact.features, atol=0.05, rtol=0.05)


def test_workers_change_nothing(model, records):
    torch.testing.assert_close(
        extract(model, records, batch_size=2, workers=1).features, extract(model, records, batch_size=2).features
    )


def test_mistakes_are_named(model, records):
    with pytest.raises(UserError, match="Did you mean 'bfloat16'"):
        extract(model, records, precision="bfloat")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no images"):
        extract(model, [])
    with pytest.raises(UserError, match="no device 'abacus'"):
        usable_device("abacus")


def test_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="no device 'cuda'"):
        usable_device("cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert usable_device("auto").type == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert usable_device("auto").type == "cuda"
    with pytest.raises(UserError, match="cuda:3"):
        usable_device("cuda:3")


def test_to_disk_equals_in_memory_and_leaves_no_chunks(model, records, tmp_path):
    found, described = extract_to_disk(model, records, tmp_path / "out", key={"w": 1}, chunk=3)
    assert described == 7
    on_disk = Descriptors.load(tmp_path / "out")
    for one in (found, on_disk):
        torch.testing.assert_close(one.features, extract(model, records).features)
        assert one.paths == [str(r.path) for r in records]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "descriptors.parquet",
        "descriptors.safetensors",
        "key.json",
    ]


def test_an_interrupted_extraction_goes_on_where_it_stopped(model, records, tmp_path):
    def stopped(model, pieces, options):
        for number, piece in enumerate(pieces[:2]):
            yield number, extract(model, piece, **options)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_to_disk(model, records, tmp_path / "out", key={}, chunk=2, engine=stopped)
    model.seen.clear()
    found, described = extract_to_disk(model, records, tmp_path / "out", key={}, chunk=2)
    assert described == 3 and sum(n for n, *_ in model.seen) == 3
    torch.testing.assert_close(found.features, extract(model, records).features)


def test_an_interruption_while_joining_loses_nothing(model, records, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "rmtree", lambda *a, **k: None)  # stopped before the chunks were removed
        extract_to_disk(model, records, tmp_path / "out", key={}, chunk=2)
    (tmp_path / "out" / "descriptors.safetensors").write_bytes(b"half")
    found, described = extract_to_disk(model, records, tmp_path / "out", key={}, chunk=2)
    assert described == 0 and len(found) == 7 and not (tmp_path / "out" / "chunks").exists()


def test_a_finished_extraction_is_read(model, records, tmp_path):
    extract_to_disk(model, records, tmp_path / "out", key={})
    model.seen.clear()
    found, described = extract_to_disk(model, records, tmp_path / "out", key={})
    assert described == 0 and not model.seen and len(found) == 7


def test_a_picture_replaced_under_its_name_is_another_picture(model, records, tmp_path):
    extract_to_disk(model, records, tmp_path / "out", key={})
    content = records[2].path.read_bytes()
    records[2].path.write_bytes(records[1].path.read_bytes())
    with pytest.raises(UserError, match="other weights, images or settings"):
        extract_to_disk(model, records, tmp_path / "out", key={})
    records[2].path.write_bytes(content)  # the same bytes, written later: nobody knows that
    with pytest.raises(UserError, match="other weights, images or settings"):
        extract_to_disk(model, records, tmp_path / "out", key={})


@pytest.mark.parametrize("change", ["key", "records", "precision", "chunk"])
def test_another_extraction_is_refused(model, records, tmp_path, change):
    extract_to_disk(model, records, tmp_path / "out", key={"w": 1}, chunk=4)
    with pytest.raises(UserError, match="other weights, images or settings"):
        extract_to_disk(
            model,
            records[:3] if change == "records" else records,
            tmp_path / "out",
            key={"w": 2 if change == "key" else 1},
            chunk=5 if change == "chunk" else 4,
            precision="bfloat16" if change == "precision" else "float32",
        )


def test_folders_that_cannot_be_used(model, records, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        extract_to_disk(model, records, tmp_path / "full", key={})
    with pytest.raises(UserError, match="cannot write"):
        extract_to_disk(model, records, tmp_path / "full" / "thesis.tex" / "x", key={})
    with pytest.raises(UserError, match="chunks of 0"):
        extract_to_disk(model, records, tmp_path / "new", key={}, chunk=0)


def test_with_mirror_images_and_without_do_not_share_a_folder(model, records, tmp_path):
    extract_to_disk(model, records, tmp_path / "d", key={"weights": "a"}, progress=False)
    with pytest.raises(UserError):
        extract_to_disk(model, records, tmp_path / "d", key={"weights": "a"}, flip_test=True, progress=False)
    model.seen.clear()
    extract_to_disk(model, records, tmp_path / "e", key={"weights": "a"}, flip_test=True, progress=False)
    assert [n for n, *_ in model.seen] == [7, 7]
