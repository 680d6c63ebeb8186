"""Writing safetensors files that others may read."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor


def write_tensors(tensors: Mapping[str, Tensor], path: str | Path, about: dict[str, str] | None = None) -> None:
    """Write tensors as one safetensors file, with the permissions that any file written here has.

    The library itself gives its files to their owner alone, whatever the umask says: a model trained by one account
    could not be served by another.

    Args:
        tensors: contiguous, by name.
        path: the file, new or to be replaced.
        about: the file's own notes.

    Raises:
        OSError: it cannot be written.
    """
    from safetensors.torch import save_file

    path = Path(path)
    path.open("ab").close()
    mode = stat.S_IMODE(path.stat().st_mode)
    save_file(dict(tensors), path, about)
    path.chmod(mode)
