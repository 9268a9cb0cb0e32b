"""The installation's own secrets: made at the first start, readable by its user only."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Secrets:
    """Keys of one installation. Two installations never share one."""

    session_key: str
    admin_token: str

    def __repr__(self) -> str:
        """No key, for logs."""
        return "Secrets(…)"


def load_secrets(path: Path | None) -> Secrets:
    """The secrets kept at ``path``, made (mode 0600) if it is not there; None: only in memory."""
    fresh = Secrets(secrets.token_hex(32), secrets.token_urlsafe(32))
    if path is None:
        return fresh
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(fresh))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return Secrets(**json.loads(path.read_text()))
