"""Who calls, as far as the service knows."""

from __future__ import annotations

from dataclasses import dataclass

from occreid.serve.keys import Key
from occreid.serve.scope import Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key, and what the log says of the request."""

    key: Key
    request_id: str
    address: str

    @property
    def scope(self) -> Scope:
        """What of the gallery the key reaches."""
        return self.key.scope

    def facts(self) -> dict[str, str]:
        """For the audit log."""
        return {"key": self.key.id, "name": self.key.name, "request": self.request_id, "from": self.address}
