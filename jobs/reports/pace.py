"""How fast answers come, and when the job will have those that are ordered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.reports.growth import at_minute, minute_of, stretches
from jobs.tables import Tally

WINDOW = timedelta(hours=24)
MOST_SLOTS, FEWEST_SLOTS = 24, 6
FEWEST_ANSWERS = 30
CLOSED = ("closed", "failed")


@dataclass(frozen=True)
class Finish:
    """When the answers ordered so far will be in, seconds from now; 95 % lie within the bounds.

    ``likely`` is None while it is too early to say, ``high`` when no end is in sight at the
    slow end of what was seen. ``answers_an_hour`` is over the window looked at, at most a day.
    """

    n_awaited: int
    answers_an_hour: float
    likely: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Throughput:
    """Answers by stretch of time, each from its start, ``length`` long."""

    length: timedelta
    points: tuple[tuple[datetime, int], ...]


def throughput(session: Session, job_id: int) -> Throughput:
    """Answers over the job's life, in at most N_POINTS stretches; empty ones are there as 0."""
    found = stretches(session, job_id, "pace")
    sums = found.together()
    if not sums:
        return Throughput(found.length, ())
    times = [min(sums)]
    while times[-1] < max(sums):
        times.append(times[-1] + found.length)
    return Throughput(found.length, tuple((at, sums.get(at, 0)) for at in times))


def finish(session: Session, job_id: int, now: datetime) -> Finish:
    """The time to the last answer ordered, from the answers of the last day at most.

    Answers are counted in equal slots; the spread between slots gives the interval, so that
    nights and quiet hours widen it. Answers that will be bought later are not in it.
    """
    counts = tallies.read(session, [job_id], "wanted", "assignments", "answers")[job_id]
    n_awaited = _n_awaited(counts)
    here = (Tally.owner_id == job_id) & (Tally.subject == "pace")
    first = session.scalar(select(func.min(Tally.key)).where(here))
    if first is None:
        return Finish(n_awaited, 0.0)
    since = max(at_minute(first), now - WINDOW)
    rows = session.execute(
        select(Tally.key, func.sum(Tally.n))
        .where(here, Tally.key >= minute_of(since))
        .group_by(Tally.key)
    )
    return estimate(n_awaited, [(at_minute(key), int(n)) for key, n in rows], since, now)


def _n_awaited(counts: tallies.Counts) -> int:
    """Answers still to come from HITs that are not closed; closed ones count as filled."""
    n_submitted = counts.total("assignments")
    wanted = counts.by_key("wanted")
    n_closed = sum(wanted.get(state, 0) for state in CLOSED)
    n_missing = max(0, sum(wanted.values()) - n_closed - max(0, n_submitted - n_closed))
    each = counts.total("answers") / n_submitted if n_submitted else 1.0
    return round(n_missing * each)


def estimate(
    n_awaited: int, minutes: list[tuple[datetime, int]], since: datetime, now: datetime
) -> Finish:
    """The time that ``n_awaited`` answers take at the pace of ``minutes`` from ``since`` on."""
    span = (now - since).total_seconds()
    n_seen = sum(n for _, n in minutes)
    n_slots = min(MOST_SLOTS, int(span // 60))
    an_hour = n_seen / span * 3600 if span > 0 else 0.0
    if not n_awaited or n_slots < FEWEST_SLOTS or n_seen < FEWEST_ANSWERS:
        return Finish(n_awaited, an_hour)
    seconds = span / n_slots
    slots = [0] * n_slots
    for at, n in minutes:
        place = (at - since).total_seconds() // seconds
        slots[min(max(int(place), 0), n_slots - 1)] += n
    mean = n_seen / n_slots
    variance = sum((n - mean) ** 2 for n in slots) / (n_slots - 1)
    error = max(sqrt(variance / n_slots), sqrt(n_seen) / n_slots)  # at least that of chance
    reach = (2 + 3 / n_slots) * error  # Student's t at 95 %, to a hundredth
    slow, fast = (mean - reach) / seconds, (mean + reach) / seconds
    return Finish(
        n_awaited,
        an_hour,
        likely=n_awaited * seconds / mean,
        low=n_awaited / fast,
        high=n_awaited / slow if slow > 0 else None,
    )
