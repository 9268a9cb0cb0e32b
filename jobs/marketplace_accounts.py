"""Workers' accounts on our own marketplace, made by the installation's operator."""

from __future__ import annotations

import json
from pathlib import Path

import requests

from jobs.errors import Conflict, InvalidInput, ProviderError

TIMEOUT_SECONDS = 30


def add_worker(
    url: str, admin_token: str, name: str, password: str, *, is_staff: bool = False
) -> str:
    """The id of a new worker who may sign in at ``url``; staff see in-house HITs.

    Raises:
        Conflict: when the marketplace makes no such account; its reason is the message.
        ProviderError: when no marketplace answers there.

    """
    body = {"name": name, "password": password, "staff": is_staff}
    headers = {"Authorization": f"Bearer {admin_token}"}
    try:
        response = requests.post(
            f"{url}/admin/workers", json=body, headers=headers, timeout=TIMEOUT_SECONDS
        )
    except requests.ConnectionError as error:
        raise ProviderError(
            f"marketplace: nothing answers at {url}; is `hitworks up` running?", permanent=False
        ) from error
    if response.status_code != 201:
        raise Conflict(f"worker {name!r}: the marketplace made no account: {response.text:.200}")
    return str(response.json()["worker_id"])


def read_admin_token(data_dir: Path) -> str:
    """The marketplace's admin token, as the data folder keeps it.

    Raises:
        InvalidInput: when the folder holds none: the marketplace has not run there.

    """
    path = data_dir / "marketplace-secrets.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["admin_token"])
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput(f"{path}: expected the marketplace's secrets: {error}") from error


def read_requester_key(data_dir: Path, account: str) -> str:
    """What signs for ``account`` at our marketplace, should that verify signatures.

    A folder without the marketplace's secrets gives the account's name: a marketplace that
    verifies nothing takes any key.
    """
    path = data_dir / "marketplace-secrets.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["requester_key"])
    except (OSError, ValueError, KeyError):
        return account
