"""Who may work on our own marketplace: accounts and links, made by the installation's operator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from sqlalchemy.orm import Session

from jobs.errors import Conflict, InvalidInput, NotFound, ProviderError
from jobs.tables import Batch, Job, Route

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
    response = _ask(url, admin_token, "workers", body)
    if response.status_code != 201:
        raise Conflict(f"worker {name!r}: the marketplace made no account: {response.text:.200}")
    return str(response.json()["worker_id"])


def invite(url: str, admin_token: str, given: Mapping[str, Any]) -> str:
    """A new link to the marketplace at ``url`` for people of outside; ``given`` says what it opens.

    Raises:
        InvalidInput: for settings the marketplace refuses; its reason is the message.
        ProviderError: when no marketplace answers there.

    """
    response = _ask(url, admin_token, "invitations", given)
    if response.status_code != 201:
        raise InvalidInput(f"invitation: {response.json().get('problem', response.text)}")
    return str(response.json()["url"])


def local_hit_type(session: Session, batch_id: int) -> str:
    """The HIT type of a batch on our own marketplace.

    Raises:
        NotFound: there is no such batch.
        Conflict: it is elsewhere, or nothing of it is posted yet.

    """
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise NotFound(f"batch {batch_id}: there is none")
    job, route = session.get_one(Job, batch.job_id), session.get_one(Route, batch.route_id)
    if route.provider == "model" or job.environment != "local":
        raise Conflict(f"batch {batch_id}: its HITs are not on the local marketplace")
    if not route.provider_hit_type_id:
        raise Conflict(f"batch {batch_id}: nothing of it is posted yet")
    return route.provider_hit_type_id


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


def _ask(url: str, admin_token: str, path: str, body: Mapping[str, Any]) -> requests.Response:
    headers = {"Authorization": f"Bearer {admin_token}"}
    try:
        return requests.post(
            f"{url}/admin/{path}", json=body, headers=headers, timeout=TIMEOUT_SECONDS
        )
    except requests.ConnectionError as error:
        raise ProviderError(
            f"marketplace: nothing answers at {url}; is `hitworks up` running?", permanent=False
        ) from error
