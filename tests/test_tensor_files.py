import os
import stat

import pytest
import torch
from safetensors.torch import load_file

from occreid.tensor_files import write_tensors


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_tensors({"a": torch.arange(3.0)}, tmp_path / "a.safetensors", {"metric": "cosine"})
        (tmp_path / "plain").write_bytes(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )
    assert load_file(tmp_path / "a.safetensors")["a"].tolist() == [0, 1, 2]


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"older")
    file.chmod(0o640)
    write_tensors({"a": torch.zeros(1)}, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert load_file(file)["a"].tolist() == [0]


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_tensors({"a": torch.zeros(1)}, tmp_path / "nowhere" / "a.safetensors")
