"""What a loop with outside effects works with: database, pictures, venues, a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from jobs import providers
from jobs.blobs import Blobs, open_blobs
from jobs.db import Sessions
from jobs.hit_specs import Venues
from jobs.settings import Settings


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
    venues = partial(providers.connect, settings=settings, blobs=blobs, now=clock)
    return Resources(settings, sessions, blobs, venues, clock)
