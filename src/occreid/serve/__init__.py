"""The service: pictures in, persons out, over HTTP, with keys, limits and an audit log.

`occreid.serve.run` and `occreid.serve.app` need the extra ``serve``; keys and `occreid.retrieval.calibration` do not.
"""

from occreid.serve.keys import ROLES, add_key, read_keys, revoke_key
from occreid.serve.settings import Settings

__all__ = ["ROLES", "Settings", "add_key", "read_keys", "revoke_key"]
