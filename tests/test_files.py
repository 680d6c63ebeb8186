import json
import os
from pathlib import Path

import pytest

from occreid.errors import UserError
from occreid.files import claim_folder


def test_a_folder_is_claimed_once_and_found_again(tmp_path):
    folder = tmp_path / "deep/folder"
    for _ in range(2):
        claim_folder(folder, "key.json", {"weights": "a"}, "other things")
        (folder / "piece").touch()
    assert json.loads((folder / "key.json").read_text()) == {"weights": "a"}


def test_what_is_anothers_is_refused_and_left_alone(tmp_path):
    claim_folder(tmp_path / "a", "key.json", {"weights": "a"}, "other things")
    with pytest.raises(UserError, match=r"a holds things of other weights\. Delete it"):
        claim_folder(tmp_path / "a", "key.json", {"weights": "b"}, "things of other weights")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter").touch()
    with pytest.raises(UserError, match="full is not empty"):
        claim_folder(tmp_path / "full", "key.json", {}, "other things")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        claim_folder(tmp_path / "file/under", "key.json", {}, "other things")
    assert json.loads((tmp_path / "a/key.json").read_text()) == {"weights": "a"}
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter"]


@pytest.mark.parametrize("kept", [b"", b'{"wei', b"\xff\xfe"])
def test_a_damaged_key_is_named_and_left_alone(tmp_path, kept):
    (tmp_path / "key.json").write_bytes(kept)
    with pytest.raises(UserError, match=r"key\.json is damaged \(.+\)\. Delete that folder"):
        claim_folder(tmp_path, "key.json", {"weights": "a"}, "other things")
    assert (tmp_path / "key.json").read_bytes() == kept


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_an_interrupted_claim_can_be_made_again(tmp_path, monkeypatch, step):
    write = Path.write_text

    def half(self, text):
        write(self, text[:3])
        raise KeyboardInterrupt

    def stop(one, other):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*{"write_text": (Path, step, half), "replace": (os, step, stop)}[step])
        with pytest.raises(KeyboardInterrupt):
            claim_folder(tmp_path / "a", "key.json", {"weights": "a"}, "other things")
    assert not (tmp_path / "a/key.json").exists()
    claim_folder(tmp_path / "a", "key.json", {"weights": "b"}, "other things")
    assert json.loads((tmp_path / "a/key.json").read_text()) == {"weights": "b"}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["key.json"]
