import errno
import os
import pickle
import zipfile

import pytest
import torch

from occreid.errors import UserError
from occreid.training.checkpoints import Checkpoint


def checkpoint(value=1.0):
    parameter = torch.nn.Parameter(torch.tensor([value]))
    optimizer = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimizer.step()
    return Checkpoint(
        1, 3, {"w": parameter.detach()}, optimizer.state_dict(), {"scale": 4.0}, {"w": torch.ones(1)}, 0.5
    )


def test_what_is_saved_is_loaded(tmp_path):
    saved = checkpoint()
    saved.save(tmp_path / "new/last.ckpt")
    loaded = Checkpoint.load(tmp_path / "new/last.ckpt")
    assert (loaded.stage, loaded.epoch, loaded.best, loaded.scaler) == (1, 3, 0.5, {"scale": 4.0})
    assert torch.equal(loaded.model["w"], saved.model["w"])
    assert torch.equal(loaded.optimizer["state"][0]["exp_avg"], saved.optimizer["state"][0]["exp_avg"])
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["last.ckpt"]


def test_a_kill_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    checkpoint(1.0).save(tmp_path / "last.ckpt")
    monkeypatch.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        checkpoint(2.0).save(tmp_path / "last.ckpt")
    assert torch.equal(Checkpoint.load(tmp_path / "last.ckpt").model["w"], checkpoint(1.0).model["w"])


def test_a_full_disk_is_said_so(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write the checkpoint .*No space left"):
        checkpoint().save(tmp_path / "last.ckpt")


class Malice:
    def __reduce__(self):
        return print, ("code of the file was run",)


@pytest.mark.parametrize("content", ["pickle", "text", "empty", "truncated"])
def test_foreign_and_damaged_files_are_refused_and_never_run(tmp_path, capsys, content):
    file = tmp_path / "last.ckpt"
    checkpoint().save(file)
    data = {
        "pickle": pickle.dumps(Malice()),
        "text": b"hello",
        "empty": b"",
        "truncated": file.read_bytes()[:500],
    }[content]
    file.write_bytes(data)
    with pytest.raises(UserError, match=r"the checkpoint .*last\.ckpt is damaged"):
        Checkpoint.load(file)
    assert capsys.readouterr().out == ""


def test_code_inside_a_checkpoint_is_never_run(tmp_path, capsys):
    torch.save({"format": 1, "model": Malice()}, tmp_path / "last.ckpt")
    with pytest.raises(UserError, match="is damaged"):
        Checkpoint.load(tmp_path / "last.ckpt")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"the weights", b".", b"GIF89a", b"X\x00\x00\x00\x01\xff", b"\x80\x02K\x01Q."]
)
def test_a_checkpoint_with_damage_inside_is_refused(tmp_path, content):
    checkpoint().save(tmp_path / "whole.ckpt")
    with zipfile.ZipFile(tmp_path / "whole.ckpt") as whole, zipfile.ZipFile(tmp_path / "last.ckpt", "w") as damaged:
        for name in whole.namelist():
            damaged.writestr(name, content if name.endswith("/data.pkl") else whole.read(name))
    with pytest.raises(UserError, match=r"the checkpoint .*last\.ckpt is damaged \(.+\)"):
        Checkpoint.load(tmp_path / "last.ckpt")


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(UserError, match="no checkpoint of this version"):
        Checkpoint.load(tmp_path / "other.ckpt")
