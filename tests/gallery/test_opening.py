import threading

import pytest
import torch

from occreid.errors import UserError
from occreid.gallery import Gallery, Manifest, create_gallery, manifest_of, open_or_create
from occreid.models import create_model

pytest.importorskip("lancedb")


def test_a_models_manifest_says_what_it_describes():
    torch.manual_seed(0)
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none")
    model.input_size = (64, 32)
    found = manifest_of(model.eval(), {"sha256": "w", "method": "baseline"})
    assert found == Manifest(512, 1, "cosine", "w", "baseline")
    card = {"sha256": "w", "method": "baseline", "name": "occreid-lite"}
    assert manifest_of(model, card, "somewhere").model_name == "occreid-lite"


def test_many_that_start_at_once_share_one_gallery(tmp_path):
    made = []
    manifest = Manifest(3, 1, "cosine", "w")
    threads = [
        threading.Thread(target=lambda: made.append(open_or_create(str(tmp_path / "g"), manifest))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [gallery.manifest for gallery in made] == [manifest] * 4


def test_other_weights_and_other_folders_are_refused(tmp_path):
    create_gallery(str(tmp_path / "g"), Manifest(3, 1, "cosine", "w")).close()
    with pytest.raises(UserError, match="other weights"):
        open_or_create(str(tmp_path / "g"), Manifest(3, 1, "cosine", "v"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(UserError, match="not a gallery"):
        open_or_create(str(tmp_path / "other"), Manifest(3, 1, "cosine", "w"))


def test_the_token_comes_from_the_environment(monkeypatch):
    from occreid.gallery.milvus import MilvusStore

    given = []
    monkeypatch.setattr(MilvusStore, "open", classmethod(lambda cls, uri, token: given.append(token)))
    monkeypatch.setenv("OCCREID_MILVUS_TOKEN", "user:word")
    for token in (None, "other"):
        with pytest.raises(AttributeError):  # the stand-in has no manifest
            Gallery.open("http://localhost:19530", token=token)
    assert given == ["user:word", "other"]


def test_a_gallery_that_is_there_is_opened_without_a_lock(tmp_path, monkeypatch):
    manifest = Manifest(3, 1, "cosine", "w")
    create_gallery(str(tmp_path / "g"), manifest).close()

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("occreid.gallery.opening.locked", refuse)
    assert open_or_create(str(tmp_path / "g"), manifest).manifest == manifest
