import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.extraction import extract, extract_to_disk
from occreid.extraction import on_disk as module


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
