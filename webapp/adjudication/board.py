"""What every page of the desk shares: its name, and which queue its person works through."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.datastructures import MultiDict

from jobs.errors import InvalidInput
from jobs.records import WAITING
from jobs.reports.conflicts import KINDS, ConflictRow, Queue

blueprint = Blueprint("adjudicate", __name__)
LONGEST_ABOUT = 400


def asked_queue(values: MultiDict[str, str] | None = None) -> Queue:
    """The queue that the address names, or the form: job, only (a kind), state, about."""
    given = request.args if values is None else values
    job = given.get("job", "") or "0"
    if not (job.isascii() and job.isdigit() and len(job) <= 18):
        raise InvalidInput(f"job: expected the number of a job, got {job!r:.40}")
    about = given.get("about", "")
    if len(about) > LONGEST_ABOUT:
        raise InvalidInput(f"about: expected at most {LONGEST_ABOUT} characters, got {len(about)}")
    return Queue(
        job_id=int(job) or None,
        kind=_one_of(given, "only", KINDS),
        state=_one_of(given, "state", (*WAITING, "set_aside")),
        about=about,
    )


def words_of(queue: Queue) -> dict[str, Any]:
    """The queue as the words of an address, without those that say nothing."""
    named = {"job": queue.job_id, "only": queue.kind, "state": queue.state, "about": queue.about}
    return {name: value for name, value in named.items() if value}


def address_of(row: ConflictRow, queue: Queue) -> str:
    """The page on which a question is decided, on the way through ``queue``."""
    return url_for(
        "adjudicate.decide",
        job_id=row.job_id,
        item_id=row.item_id,
        kind=row.kind,
        **words_of(queue),
    )


def _one_of(given: MultiDict[str, str], name: str, known: tuple[str, ...]) -> str:
    text = given.get(name, "")
    if text and text not in known:
        raise InvalidInput(f"{name}: expected one of {', '.join(known)}, got {text!r:.40}")
    return text
