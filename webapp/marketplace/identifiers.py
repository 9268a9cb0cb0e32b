"""Ids shaped like the service's own: unguessable, 30 characters, or a worker's 14."""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_uppercase + string.digits


def new_id() -> str:
    """An id of a HIT, type, group, assignment or qualification type: 150 bits after the 3."""
    return "3" + "".join(secrets.choice(_LETTERS) for _ in range(29))


def new_person_id() -> str:
    """A worker's or a requester's id, such as ``A2YUCJ28XANFOX``."""
    return "A" + "".join(secrets.choice(_LETTERS) for _ in range(13))
