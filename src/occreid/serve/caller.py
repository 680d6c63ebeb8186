"""Who calls, as far as the service knows."""

from __future__ import annotations

from dataclasses import dataclass

from occreid.serve.keys import Key


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key, and what the log says of the request."""

    key: Key
    request_id: str
    address: str

    def facts(self) -> dict[str, str]:
        """For the audit log."""
        return {"key": self.key.id, "name": self.key.name, "request": self.request_id, "from": self.address}
