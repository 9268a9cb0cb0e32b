"""Who answers a job, how well, how fast and for what wage; and what is done about it."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.errors import InvalidInput
from jobs.reports import WorkerRow, worker_page, worker_rows
from jobs.reports.assignments import assignment_list
from jobs.reports.habits import signs, worker_habits
from jobs.reports.heads import job_head
from jobs.workers import letters, standing
from webapp import confirming
from webapp.auth import actor, allow
from webapp.confirming import Field, Step, typed
from webapp.installation import now, reading, writing
from webapp.overlay import hand
from webapp.requests import cursor

blueprint = Blueprint("workers", __name__)

N_WORKERS = 50
N_ASSIGNMENTS = 50
_WHY = Field("reason", "Why", "For the books; the worker does not see it.", most=1024)


@blueprint.get("/jobs/<int:job_id>/workers")
@allow("manager")
def index(job_id: int) -> str:
    """The workers of a job with intervals, page by page."""
    after = cursor()
    with reading() as session:
        summary = job_head(session, job_id)
        page = worker_page(session, job_id, after=after or None, limit=N_WORKERS)
        found = signs(session, job_id, page.rows)
    by_worker: dict[int, list[WorkerRow]] = {}
    for row in page.rows:
        by_worker.setdefault(row.worker_id, []).append(row)
    return render_template(
        "workers/index.html",
        job=summary,
        workers=list(by_worker.values()),
        signs=found,
        is_first=not after,
        more=page.next,
    )


@blueprint.get("/jobs/<int:job_id>/workers/<int:worker_id>/habits")
@allow("manager")
def habits_part(job_id: int, worker_id: int) -> str:
    """What the worker takes for what, where they draw, what speaks against them; fetched later."""
    with reading() as session:
        standing.find_worker(session, job_id, str(worker_id))
        found = worker_habits(session, job_id, worker_id)
    return render_template("workers/_habits.html", habits=found, hand=hand)


@blueprint.get("/jobs/<int:job_id>/workers/<int:worker_id>")
@allow("manager")
def worker(job_id: int, worker_id: int) -> str:
    """One worker of a job: figures, standing, work, and what can be done."""
    after = cursor()
    with reading() as session:
        summary = job_head(session, job_id)
        found = standing.find_worker(session, job_id, str(worker_id))
        is_model = found.provider == standing.MODEL
        seen = None if is_model else standing.preview_exclusion(session, job_id, worker_id)
        rows = worker_rows(session, job_id, [worker_id])
        changes = standing.standings(session, worker_id)
        work = assignment_list(
            session, job_id, worker_id=worker_id, after=after, limit=N_ASSIGNMENTS + 1
        )
    return render_template(
        "workers/worker.html",
        job=summary,
        worker=found,
        seen=seen,
        rows=rows,
        changes=changes,
        work=work[:N_ASSIGNMENTS],
        more=work[N_ASSIGNMENTS - 1].id if len(work) > N_ASSIGNMENTS else None,
    )


@blueprint.get("/jobs/<int:job_id>/workers/<int:worker_id>/exclude")
@allow("manager")
def exclude_preview(job_id: int, worker_id: int) -> str:
    """Whom an exclusion touches, and what it changes."""
    with reading() as session:
        return confirming.show(_exclusion(session, job_id, worker_id))


@blueprint.post("/jobs/<int:job_id>/workers/<int:worker_id>/exclude")
@allow("manager")
def exclude(job_id: int, worker_id: int) -> Response | tuple[str, int]:
    """Keep a worker out of HITs posted from now on; a second press changes nothing."""
    try:
        with writing() as session:
            standing.exclude(
                session, job_id, worker_id, reason=typed("reason"), actor=actor(), now=now()
            )
    except InvalidInput as error:
        with reading() as session:
            return confirming.show_again(_exclusion(session, job_id, worker_id), error)
    return _done(job_id, worker_id, "Excluded. The background carries it to the venue.")


@blueprint.get("/jobs/<int:job_id>/workers/<int:worker_id>/readmit")
@allow("manager")
def readmit_preview(job_id: int, worker_id: int) -> str:
    """Whose answers would vote again."""
    with reading() as session:
        return confirming.show(_readmission(session, job_id, worker_id))


@blueprint.post("/jobs/<int:job_id>/workers/<int:worker_id>/readmit")
@allow("manager")
def readmit(job_id: int, worker_id: int) -> Response | tuple[str, int]:
    """Let an excluded worker in again; a second press changes nothing."""
    try:
        with writing() as session:
            standing.readmit(
                session, job_id, worker_id, reason=typed("reason"), actor=actor(), now=now()
            )
    except InvalidInput as error:
        with reading() as session:
            return confirming.show_again(_readmission(session, job_id, worker_id), error)
    return _done(job_id, worker_id, "Readmitted. The background carries it to the venue.")


@blueprint.get("/jobs/<int:job_id>/workers/<int:worker_id>/grant")
@allow("manager")
def grant_form(job_id: int, worker_id: int) -> str:
    """Which qualification, and what score."""
    with reading() as session:
        return confirming.show(_grant(session, job_id, worker_id))


@blueprint.post("/jobs/<int:job_id>/workers/<int:worker_id>/grant")
@allow("manager")
def grant(job_id: int, worker_id: int) -> Response | str | tuple[str, int]:
    """Show what would be given, then give it; the same score again changes nothing."""
    with reading() as session:
        asked = _grant(session, job_id, worker_id)
    try:
        name, score = typed("name"), _score(typed("value"))
        with confirming.attempt() as session:
            standing.grant(
                session, job_id, worker_id, name, score,
                reason=typed("reason"), actor=actor(), now=now(),
            )  # fmt: skip
    except InvalidInput as error:
        return confirming.show_again(asked, error)
    if not confirming.is_confirmed():
        with reading() as session:
            found, account = standing.account_of(session, job_id, worker_id)
        does = f"loses {name!r}" if score is None else f"gets the score {score} in {name!r}"
        told = (
            f"Worker {found.provider_worker_id} {does} at the {account} account.",
            "A qualification that does not exist there yet is made.",
        )
        kept = {"name": name, "value": typed("value"), "reason": typed("reason")}
        return confirming.show(confirming.second(asked, "Change it", told, **kept))
    return _done(job_id, worker_id, "Qualification changed. The background carries it out.")


@blueprint.get("/jobs/<int:job_id>/workers/<int:worker_id>/warn")
@allow("manager")
def warn_form(job_id: int, worker_id: int) -> str:
    """What to write."""
    with reading() as session:
        return confirming.show(_letter(session, job_id, worker_id))


@blueprint.post("/jobs/<int:job_id>/workers/<int:worker_id>/warn")
@allow("manager")
def warn(job_id: int, worker_id: int) -> Response | str | tuple[str, int]:
    """Show the letter, then have it sent; the same words are sent once."""
    subject, text = typed("subject"), typed("text")
    with reading() as session:
        asked = _letter(session, job_id, worker_id)
    try:
        with confirming.attempt() as session:
            letters.warn(
                session, job_id, [worker_id],
                subject=subject, text=text, actor=actor(), now=now(),
            )  # fmt: skip
    except InvalidInput as error:
        return confirming.show_again(asked, error)
    if not confirming.is_confirmed():
        told = ("This is what they read. A letter cannot be taken back.",)
        step = confirming.second(asked, "Send it", told, subject=subject, text=text)
        return confirming.show(replace(step, letter=f"{subject}\n\n{text}"))
    return _done(job_id, worker_id, "The letter goes out once, in the background.")


def _done(job_id: int, worker_id: int, message: str) -> Response:
    flash(message)
    return redirect(_address(job_id, worker_id))


def _address(job_id: int, worker_id: int) -> str:
    return url_for("workers.worker", job_id=job_id, worker_id=worker_id)


def _exclusion(session: Session, job_id: int, worker_id: int) -> Step:
    seen = standing.preview_exclusion(session, job_id, worker_id)
    n_answers = sum(one.n_answers for one in seen.votes_lost)
    told = [
        f"Their work so far: {seen.n_approved:,} approved, {seen.n_rejected:,} rejected, "
        f"{seen.n_waiting:,} to be decided. What they did is still decided and paid.",
        f"{n_answers:,} answers in {len(seen.votes_lost):,} jobs would not vote any more.",
        f"HITs posted from now on at the {seen.environment} account are not shown to them. They "
        "are not blocked: a block would count against them and against you.",
    ]
    if seen.n_hits_still_open_to_them:
        told.append(
            f"{seen.n_hits_still_open_to_them:,} of {seen.n_open_hits:,} HITs that are out were "
            "posted before this account kept anybody out: they may still take those."
        )
    if seen.is_excluded:
        told.append("They are excluded already.")
    return Step(
        f"Exclude {seen.name or seen.provider_worker_id}?",
        _address(job_id, worker_id), "Worker", "Exclude", tuple(told), (_WHY,),
        is_danger=True, is_possible=not seen.is_excluded,
    )  # fmt: skip


def _readmission(session: Session, job_id: int, worker_id: int) -> Step:
    seen = standing.preview_exclusion(session, job_id, worker_id)
    n_answers = sum(one.n_answers for one in seen.votes_lost)
    told = (
        f"{n_answers:,} answers in {len(seen.votes_lost):,} jobs would vote again."
        if seen.is_excluded
        else "They are not excluded.",
        f"They see HITs of the {seen.environment} account again; a block is lifted too.",
    )
    return Step(
        f"Let {seen.name or seen.provider_worker_id} in again?",
        _address(job_id, worker_id), "Worker", "Readmit", told, (_WHY,),
        is_possible=seen.is_excluded,
    )  # fmt: skip


def _grant(session: Session, job_id: int, worker_id: int) -> Step:
    found, account = standing.account_of(session, job_id, worker_id)
    fields = (
        Field("name", "Qualification", "Your own, at this account.", most=200),
        Field("value", "Score", "A whole number; empty takes the qualification away.", "1", 10,
              is_needed=False, mode="numeric"),
        _WHY,
    )  # fmt: skip
    told = (f"Routes can ask for qualifications of the {account} account.",)
    return Step(
        f"Qualify {found.name or found.provider_worker_id}",
        _address(job_id, worker_id), "Worker", "Look at it first", told, fields,
    )  # fmt: skip


def _letter(session: Session, job_id: int, worker_id: int) -> Step:
    one = letters.preview_letter(session, job_id, [worker_id])[0]
    fields = (
        Field("subject", "Subject", most=letters.LONGEST_SUBJECT),
        Field("text", "Letter", most=letters.LONGEST_TEXT, is_long=True),
    )
    told = ("Venues pass on letters to those whose work you have judged.",)
    return Step(
        f"Write to {one.provider_worker_id}",
        _address(job_id, worker_id), "Worker", "Look at it first", told, fields,
    )  # fmt: skip


def _score(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise InvalidInput(f"value: expected a whole number or nothing, got {text!r:.40}")
    return int(text) if text else None
