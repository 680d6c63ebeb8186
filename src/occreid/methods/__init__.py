"""Methods: one file or small folder per paper. The file name is the registration (`occreid.models.registry`).

What builds, loads and saves them lives in `occreid.models`; the names that were here before are here still.
"""

from occreid.models import Method, Stage, create_model, list_methods, load_model, read_card, save_model

__all__ = ["Method", "Stage", "create_model", "list_methods", "load_model", "read_card", "save_model"]
