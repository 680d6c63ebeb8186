"""API keys: who may do what. The file holds names, roles and hashes; a key itself is shown once, when it is made.

A key is 256 random bits, so one SHA-256 is enough to keep it: nobody can try them all, and no dictionary helps.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from occreid.errors import UserError, did_you_mean
from occreid.files import locked, read_text, write_json
from occreid.serve.scope import Scope
from occreid.timestamps import LATEST

ROLES = ("search", "enrol", "admin", "monitor")
"""``search``: embed, search, compare, explain, mark; ``enrol``: embed, enrol; ``monitor``: metrics only;
``admin``: everything, and only it deletes."""

WHOLE = Scope()
"""The scope of a key that reaches everything."""
_MAKE_ONE = "Make a key with: occreid serve keys add NAME --role search --keys"


@dataclass(frozen=True, slots=True)
class Key:
    """What the file says of one key.

    Attributes:
        id: public name of the key in logs.
        name: who holds it.
        roles: of `ROLES`, sorted.
        sha256: hash of the whole key.
        created: seconds since 1970.
        revoked: seconds since 1970, or None while it is valid.
        expires: seconds since 1970 from which on it opens nothing, or None.
        scope: what of the gallery it reaches.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    sha256: str
    created: float
    revoked: float | None = None
    expires: float | None = None
    scope: Scope = WHOLE

    @property
    def valid(self) -> bool:
        """Whether it opens anything now."""
        return self.revoked is None and (self.expires is None or time.time() < self.expires)

    def may(self, *roles: str) -> bool:
        """Whether the key is valid and holds one of these roles, or is an admin's."""
        return self.valid and bool({"admin", *roles} & set(self.roles))


def read_keys(path: str | Path) -> list[Key]:
    """All keys of a file, revoked ones too.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = Path(path)
    try:
        held = json.loads(read_text(path, what="the keys file", hint=f"{_MAKE_ONE} {path}"))
        return [_from_json(entry) for entry in held["keys"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"the keys file {path} is damaged ({error}).", "Restore it from a copy.") from error


def _from_json(entry: dict[str, Any]) -> Key:
    reach: dict[str, Any] = {"camids": None, "tags": (), **entry.get("scope", {})}  # keys of earlier versions have none
    for name, held in {**reach, "roles": entry["roles"]}.items():
        if isinstance(held, str):  # its letters would be names
            raise TypeError(f"{name} of a key are one text")
    for name in ("id", "name", "sha256"):
        if not isinstance(entry[name], str):
            raise TypeError(f"{name} of a key is no text")
    for name in ("created", "revoked", "expires"):
        if name in entry and type(entry[name]) not in (int, float, type(None)):
            raise TypeError(f"{name} of a key is no time")
    camids = reach.pop("camids")
    scope = Scope(
        None if camids is None else tuple(camids), tuple(reach.pop("tags")), **reach
    )  # anything else: damaged
    return Key(**{**entry, "roles": tuple(entry["roles"]), "scope": scope})


def add_key(
    path: str | Path, name: str, roles: Iterable[str], *, expires: float | None = None, scope: Scope = WHOLE
) -> tuple[Key, str]:
    """Make a key and write its hash to the file, which is made if missing.

    Args:
        path: the keys file; only its owner can read it.
        name: who will hold the key.
        roles: of `ROLES`, at least one.
        expires: Unix seconds from which on it opens nothing.
        scope: what of the gallery it reaches.

    Returns:
        The entry, and the key itself, which is kept nowhere.

    Raises:
        UserError: an unknown role, an empty name, an end that is none, a file that cannot be written.
    """
    chosen = tuple(sorted(set(roles)))
    for role in chosen:
        if role not in ROLES:
            raise UserError(f"there is no role '{role}'.", did_you_mean(role, ROLES))
    if not chosen or not name.strip():
        raise UserError("a key needs a name and a role.", f"Roles: {', '.join(ROLES)}.")
    if expires is not None and not expires < LATEST:  # NaN, too; a calendar shows no such day
        raise UserError("a key cannot end after 2100.", "Leave --days out: it opens until it is revoked.")
    if "monitor" in chosen:
        scope.require_whole("metrics")
    identity = secrets.token_hex(4)
    token = f"occ_{identity}_{secrets.token_urlsafe(32)}"
    key = Key(identity, name.strip(), chosen, _hash(token), time.time(), expires=expires, scope=scope)
    with _changing(path) as keys:
        keys.append(key)
    return key, token


def revoke_key(path: str | Path, identity: str) -> Key:
    """Make a key worthless; a running service notices with its next request.

    Raises:
        UserError: no key of this id, or no such file.
    """
    read_keys(path)  # a missing file is an error here, not a new file
    with _changing(path) as keys:
        for place, key in enumerate(keys):
            if key.id == identity:
                keys[place] = key if key.revoked is not None else replace(key, revoked=time.time())
                return keys[place]
        raise UserError(f"there is no key '{identity}' in {path}.", did_you_mean(identity, [key.id for key in keys]))


@dataclass(slots=True)
class KeyRing:
    """The keys of a file, read again whenever the file changes."""

    path: Path
    _stamp: tuple[int, int] = (0, 0)
    _keys: dict[str, Key] = field(default_factory=dict)

    def find(self, token: str) -> Key | None:
        """The valid key behind a token, or None.

        Raises:
            UserError: the file has become unreadable; then nobody gets in.
        """
        self.refresh()
        given = _hash(token)
        identity = token.split("_", 2)[1] if token.count("_") >= 2 else ""
        key = self._keys.get(identity)
        if key is None or not key.valid or not hmac.compare_digest(key.sha256, given):
            return None
        return key

    def any_may(self, *roles: str) -> bool:
        """Whether some valid key holds one of these roles, or is an admin's; as of the last `refresh`."""
        return any(key.may(*roles) for key in self._keys.values())

    def refresh(self) -> None:
        """Read the file if it is another than last time."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise UserError(f"there is no keys file {self.path}.", f"{_MAKE_ONE} {self.path}") from error
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._keys = {key.id: key for key in read_keys(self.path)}
            self._stamp = stamp


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def _changing(path: str | Path) -> Iterator[list[Key]]:
    """The file's keys to change; written whole or not at all, by one process at a time."""
    path = Path(path)
    with locked(path):
        keys = read_keys(path) if path.exists() else []
        yield keys
        content = {"format": 1, "keys": [asdict(key) for key in keys]}
        write_json(path, content, what="the keys file", hint="Make room, or check permissions.", private=True)
