"""Services: pages tried in a headless browser outside the request that asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.authoring.trial_result import Trial
from jobs.blobs import Blobs
from jobs.errors import InvalidInput, NotFound
from jobs.tables import TemplateTrial

MOST_PAGES = 20
GIVEN_UP_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class SavedTrial:
    """Where a trial stands; each result has a picture's key in place of its file name."""

    id: int
    title: str
    state: str
    n_pages: int
    results: tuple[dict[str, Any], ...]
    problem: str


def plan_trial(
    session: Session, title: str, pages: Sequence[str], *, actor: str, now: datetime
) -> int:
    """The id of a trial of these pages, which nobody has begun yet.

    Raises:
        InvalidInput: for no page, or more than twenty.

    """
    if not 1 <= len(pages) <= MOST_PAGES:
        raise InvalidInput(f"trial: expected 1 to {MOST_PAGES} pages, got {len(pages)}")
    row = TemplateTrial(
        title=title[:200], pages=list(pages), state="planned", results=[], problem="",
        created_by=actor, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def saved_trial(session: Session, trial_id: int, now: datetime) -> SavedTrial:
    """Where the trial stands. NotFound when there is none.

    One that has not ended after a quarter of an hour counts as failed: its process is gone.
    """
    row = _row(session, trial_id)
    is_lost = row.state == "planned" and now - row.created_at > GIVEN_UP_AFTER
    return SavedTrial(
        id=row.id,
        title=row.title,
        state="failed" if is_lost else row.state,
        n_pages=len(row.pages),
        results=tuple(row.results),
        problem="it did not end within 15 minutes; start it again" if is_lost else row.problem,
    )


def pages_of(session: Session, trial_id: int) -> tuple[tuple[int, str], ...]:
    """Number and HTML of each page still to be tried; none once the trial has ended."""
    row = _row(session, trial_id)
    done = len(row.results)
    pages = enumerate(row.pages, start=1) if row.state == "planned" else ()
    return tuple(page for page in pages if page[0] > done)


def add_results(
    session: Session, trial_id: int, found: Iterable[Trial], folder: Path, blobs: Blobs
) -> None:
    """Keep what came of further pages, with their pictures."""
    row = _row(session, trial_id, lock=True)
    added = []
    for one in found:
        picture = (folder / one.screenshot).read_bytes() if one.screenshot else b""
        key = blobs.put(picture, "image/png") if picture else ""
        added.append({**asdict(one), "screenshot": key})
    row.results = [*row.results, *added]


def end_trial(session: Session, trial_id: int, now: datetime, problem: str = "") -> None:
    """The trial is over; a second time nothing changes."""
    row = _row(session, trial_id, lock=True)
    if row.state == "planned":
        row.state, row.problem, row.finished_at = ("failed" if problem else "done"), problem, now


def _row(session: Session, trial_id: int, *, lock: bool = False) -> TemplateTrial:
    found = select(TemplateTrial).where(TemplateTrial.id == trial_id)
    row = session.scalars(found.with_for_update() if lock else found).first()
    if row is None:
        raise NotFound(f"trial {trial_id} does not exist")
    return row
