import hashlib
import http.server
import threading
from functools import partial

import pytest
import torch

from occreid import load_model
from occreid.errors import UserError
from occreid.models import create_model, locate, save_model, shipped
from occreid.models.shipped import pack


@pytest.fixture
def model(toy):
    torch.manual_seed(0)
    return create_model(toy, 3)


@pytest.fixture
def named(model, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    pack(model, "toy-lite", "a toy", {}, tmp_path / "package")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def served(model, tmp_path, monkeypatch):
    """The address of a folder with a model, and the model's hash; downloads go to a folder of their own."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path / "cache"))
    save_model(model, tmp_path / "there")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "there")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sha256 = hashlib.sha256((tmp_path / "there" / "model.safetensors").read_bytes()).hexdigest()
    yield f"http://127.0.0.1:{server.server_address[1]}/model.safetensors", sha256
    server.shutdown()
    server.server_close()


def test_unknown_names_list_what_there_is(named):
    with pytest.raises(UserError, match=r"no model 'toy-light'. Did you mean 'toy-lite'"):
        load_model("toy-light")
    with pytest.raises(UserError, match="Known: toy-lite"):
        load_model("zzz")
    with pytest.raises(UserError, match=r"no model 'runs/gone'. Give a run folder"):
        load_model("runs/gone")


def test_a_name_that_is_also_a_folder_is_not_guessed_at(named, model, tmp_path):
    save_model(model, tmp_path / "toy-lite")
    with pytest.raises(UserError, match="a model of the package and something in this folder"):
        load_model("toy-lite")
    assert load_model(tmp_path / "toy-lite").spec == model.spec


def test_a_model_of_the_hub_is_a_folder_of_its_cache(model, tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(repository, *, revision, allow_patterns):
        asked.append((repository, revision))
        assert "model.safetensors" in allow_patterns and "model.json" in allow_patterns
        return str(tmp_path / "there")

    save_model(model, tmp_path / "there")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert load_model("hf:owner/name").spec == model.spec
    load_model("hf:owner/name@v2")
    assert asked == [("owner/name", None), ("owner/name", "v2")]


def test_a_hub_that_cannot_be_reached_or_a_name_that_is_none():
    with pytest.raises(UserError, match="cannot fetch hf:owner/nowhere"):
        load_model("hf:owner/nowhere")  # tests are offline
    with pytest.raises(UserError, match="names no repository"):
        load_model("hf:a/b/c")


def test_an_address_is_fetched_once_and_checked(served, model, tmp_path):
    address, sha256 = served
    with pytest.raises(UserError, match="does not say what it should be"):
        load_model(address)
    with pytest.raises(UserError, match="not the file that was asked for"):
        load_model(f"{address}#sha256={'0' * 64}")
    with pytest.raises(UserError, match="cannot fetch"):
        load_model(f"{address}x#sha256={sha256}")
    assert load_model(f"{address}#sha256={sha256}").spec == model.spec
    (tmp_path / "there" / "model.safetensors").unlink()
    assert load_model(f"{address}#sha256={sha256}").spec == model.spec


def test_a_path_that_lost_a_slash_is_still_an_address(served):
    from pathlib import Path

    address, sha256 = served
    assert locate.locate(Path(f"{address}#sha256={sha256}")).name == "model.safetensors"
