"""The service: pictures in, persons out, over HTTP, with keys, limits and an audit log.

`occreid.serve.app` needs the extra ``serve``; `Calibration`, `calibrate` and the keys do not.
"""

from occreid.serve.calibration import Calibration, calibrate
from occreid.serve.keys import ROLES, add_key, read_keys, revoke_key
from occreid.serve.settings import Settings

__all__ = ["ROLES", "Calibration", "Settings", "add_key", "calibrate", "read_keys", "revoke_key"]
