"""What the minutes of a job's life brought, added up in at most N_POINTS stretches of time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import Tally

N_POINTS = 120
_MINUTE = timedelta(minutes=1)
# How much of a minute's key names each stretch, and how long it is.
_WIDTHS = ((16, _MINUTE), (15, 10 * _MINUTE), (13, 60 * _MINUTE), (10, 24 * 60 * _MINUTE))


@dataclass(frozen=True)
class Stretches:
    """Sums by part (route; 0: none) and start of the stretch, and how long a stretch is."""

    length: timedelta
    by_part: dict[int, dict[datetime, int]]

    def together(self) -> dict[datetime, int]:
        """Sums over all parts, in the order of time."""
        found: dict[datetime, int] = defaultdict(int)
        for sums in self.by_part.values():
            for at, n in sums.items():
                found[at] += n
        return dict(sorted(found.items()))


def stretches(session: Session, job_id: int, subject: str) -> Stretches:
    """The counts of a subject kept by the minute (``pace``, ``spent``), over the job's life."""
    here = (Tally.owner_id == job_id) & (Tally.subject == subject)
    first, last = session.execute(
        select(func.min(Tally.key), func.max(Tally.key)).where(here)
    ).one()
    if first is None:
        return Stretches(_MINUTE, {})
    span = at_minute(last) - at_minute(first)
    n_letters, length = next(
        (width for width in _WIDTHS if span / width[1] < N_POINTS), _WIDTHS[-1]
    )
    place = func.substr(Tally.key, 1, n_letters)
    rows = session.execute(
        select(Tally.part_id, place.label("place"), func.sum(Tally.n))
        .where(here)
        .group_by(Tally.part_id, "place")
        .order_by("place", Tally.part_id)
    )
    by_part: dict[int, dict[datetime, int]] = defaultdict(dict)
    for part, key, n in rows:
        by_part[part][at_minute(key)] = int(n)
    return Stretches(length, dict(by_part))


def at_minute(key: str) -> datetime:
    """The time that a key, or its beginning, names."""
    whole = key + "2000-01-01 00:00"[len(key) :]
    return datetime.strptime(whole, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def minute_of(at: datetime) -> str:
    """The key of a time's minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
