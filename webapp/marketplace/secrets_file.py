"""The installation's own secrets: made at the first start, readable by its user only."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Secrets:
    """Keys of one installation. Two installations never share one."""

    session_key: str
    admin_token: str
    requester_key: str = ""
    """What signs for the accounts ``local`` and ``inhouse`` where signatures are verified."""

    def __repr__(self) -> str:
        """No key, for logs."""
        return "Secrets(…)"


def load_secrets(path: Path | None) -> Secrets:
    """The secrets kept at ``path``, made (mode 0600) if it is not there; None: only in memory."""
    if path is None:
        return _fresh()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            _put(path, _fresh(), os.link)
    kept = json.loads(path.read_text())
    if "requester_key" not in kept:
        kept["requester_key"] = _derived(kept["session_key"])
        _put(path, Secrets(**kept), os.replace)
    return Secrets(**kept)


def _fresh() -> Secrets:
    session_key = secrets.token_hex(32)
    return Secrets(session_key, secrets.token_urlsafe(32), _derived(session_key))


def _derived(session_key: str) -> str:
    """The same for every process that finds an older file without it."""
    return hmac.new(session_key.encode(), b"requesters", "sha256").hexdigest()


def _put(path: Path, kept: Secrets, place: Callable[[Path, Path], None]) -> None:
    """Write beside ``path``, then put it there in one step."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(asdict(kept)))
    try:
        place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
