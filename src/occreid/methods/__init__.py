"""Methods: one file or small folder per paper. The file name is the registration (`occreid.models.registry`)."""

from occreid.models.contract import Method, Stage

__all__ = ["Method", "Stage"]
