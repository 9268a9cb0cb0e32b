"""The queue: what waits for a person, worst first, and what was set aside."""

from __future__ import annotations

from flask import render_template, request

from jobs.adjudication.reasons import NO_LABEL_REASONS
from jobs.errors import InvalidInput
from jobs.reports.conflicts import (
    MOST_COUNTED,
    conflicts,
    n_waiting,
    read_place,
    waiting_by_state,
)
from jobs.reports.datasets import job_schema
from jobs.reports.decisions import last_act, set_aside_reasons, set_asides
from jobs.reports.heads import job_head
from webapp.adjudication.board import asked_queue, blueprint, words_of
from webapp.auth import actor, allow
from webapp.installation import now, reading
from webapp.requests import cursor

N_TILES = 60


@blueprint.get("/adjudicate")
@allow("adjudicator")
def queue() -> str:
    """Questions of every job, or of one, the least sure first."""
    asked = asked_queue()
    if asked.state == "set_aside":
        return _put_aside(asked.job_id)
    with reading() as session:
        job = job_head(session, asked.job_id) if asked.job_id else None
        schema = job_schema(session, asked.job_id) if asked.job_id else None
        place = read_place(request.args.get("after", ""))
        rows = conflicts(session, asked, after=place, limit=N_TILES + 1, now=now())
        n = n_waiting(session, asked)
        by_state = waiting_by_state(session, asked.job_id)
        undoable = last_act(session, actor())
    return render_template(
        "adjudicate/queue.html",
        job=job,
        schema=schema,
        queue=asked,
        query=words_of(asked),
        rows=rows[:N_TILES],
        n=n,
        is_more=bool(asked.about) and n >= MOST_COUNTED,
        by_state=by_state,
        more=rows[N_TILES - 1].place if len(rows) > N_TILES else None,
        undoable=undoable,
        me=actor(),
    )


def _put_aside(job_id: int | None) -> str:
    reason = request.args.get("reason", "")
    if reason and reason not in NO_LABEL_REASONS:
        raise InvalidInput(
            f"reason: expected one of {', '.join(NO_LABEL_REASONS)}, got {reason!r:.40}"
        )
    with reading() as session:
        job = job_head(session, job_id) if job_id else None
        by_state = waiting_by_state(session, job_id)
        by_reason = set_aside_reasons(session, job_id)
        rows = set_asides(session, job_id, reason=reason, after=cursor(), limit=N_TILES + 1)
    return render_template(
        "adjudicate/set_aside.html",
        job=job,
        rows=rows[:N_TILES],
        by_state=by_state,
        by_reason=by_reason,
        reason=reason,
        more=rows[N_TILES - 1].id if len(rows) > N_TILES else None,
    )
