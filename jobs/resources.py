"""What a loop with outside effects works with: database, pictures, venues, a clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs import providers
from jobs.blobs import Blobs, open_blobs
from jobs.db import Sessions
from jobs.providers import Provider
from jobs.records import Environment
from jobs.settings import Settings
from jobs.specs.hit_specs import Venues


@dataclass(frozen=True)
class Resources:
    """Handed to every background call; ``clock`` gives the time, aware and in UTC."""

    settings: Settings
    sessions: Sessions
    blobs: Blobs
    venues: Venues
    clock: Callable[[], datetime]


def open_resources(
    settings: Settings, sessions: Sessions, clock: Callable[[], datetime]
) -> Resources:
    """Resources as the settings say; venues are connected when first asked for."""
    blobs = open_blobs(settings)
    return Resources(settings, sessions, blobs, _remembering(settings, blobs, clock), clock)


def _remembering(settings: Settings, blobs: Blobs, clock: Callable[[], datetime]) -> Venues:
    """Connects each venue once: a client or a network takes long to make, and may be shared."""
    connected: dict[str, Provider] = {}

    def venue(name: str, environment: Environment, options: dict[str, Any]) -> Provider:
        key = json.dumps([name, environment, options], sort_keys=True)
        if key not in connected:
            connected[key] = providers.connect(
                name, environment, options, settings=settings, blobs=blobs, now=clock
            )
        return connected[key]

    return venue
