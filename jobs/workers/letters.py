"""Services: a letter to workers of a job, each copy sent at most once.

A venue gives no token for letters, so a lost reply is never followed by a second call: the
copy stays ``unknown``, for a lost letter is better than two. What the venue says of a copy
it could not send is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs import intents, work
from jobs.db import insert_new, reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound, ProviderError
from jobs.resources import Resources
from jobs.tables import Letter, LetterCopy, Worker
from jobs.work import Progress
from jobs.workers.enforcing import account_people
from jobs.workers.standing import account_of

LONGEST_SUBJECT, LONGEST_TEXT = 200, 4096
MOST_WORKERS = 10_000
COPIES_A_CALL = 100
TASK = "send_letter"


@dataclass(frozen=True)
class Recipient:
    """One worker a letter is for, and what became of their copy (empty before it is sent)."""

    worker_id: int
    provider: str
    provider_worker_id: str
    state: str
    error: str


@dataclass(frozen=True)
class LetterRow:
    """A letter with all its copies."""

    id: int
    job_id: int
    subject: str
    text: str
    actor: str
    created_at: datetime
    recipients: tuple[Recipient, ...]


def preview_letter(
    session: Session, job_id: int, worker_ids: Sequence[int]
) -> tuple[Recipient, ...]:
    """Who would get a letter. Changes nothing.

    Raises:
        InvalidInput: for nobody, or too many at once.
        NotFound: for a worker who did nothing in the job.
        Conflict: for a model.

    """
    distinct = sorted(set(worker_ids))
    if not 1 <= len(distinct) <= MOST_WORKERS:
        raise InvalidInput(f"workers: expected 1 to {MOST_WORKERS:,}, got {len(distinct):,}")
    found = [account_of(session, job_id, worker_id)[0] for worker_id in distinct]
    return tuple(
        Recipient(worker.id, worker.provider, worker.provider_worker_id, "", "") for worker in found
    )


def warn(
    session: Session,
    job_id: int,
    worker_ids: Sequence[int],
    *,
    subject: str,
    text: str,
    actor: str,
    now: datetime,
    key: str = "",
) -> int:
    """Have the letter sent; its id. The same letter to the same workers is sent once.

    ``key`` names the letter within its job (by default its contents do): give another one to
    write the same words again.

    Raises:
        InvalidInput: for a text that a venue does not take, nobody, or too many.
        NotFound: for a worker who did nothing in the job.
        Conflict: for a model, or another letter under the same key.

    """
    _check(subject, text)
    people = preview_letter(session, job_id, worker_ids)
    contents = json.dumps([subject, text, [one.worker_id for one in people]])
    name = hashlib.sha256((key or contents).encode()).hexdigest()
    values = {"subject": subject, "text": text, "actor": actor, "created_at": now}
    letter_id = insert_new(session, Letter, {"job_id": job_id, "key": name, **values})
    if letter_id is None:
        row = session.scalars(select(Letter).filter_by(job_id=job_id, key=name)).one()
        if (row.subject, row.text) != (subject, text):
            raise Conflict(f"letter {row.id}: another text was sent under the key {key!r:.80}")
        return row.id
    session.add_all(
        LetterCopy(letter_id=letter_id, worker_id=one.worker_id, state="waiting") for one in people
    )
    session.flush()
    work.enqueue(session, TASK, letter_id, now)
    return letter_id


def read_letter(session: Session, letter_id: int) -> LetterRow:
    """The letter and what became of each copy; NotFound when there is none."""
    row = session.get(Letter, letter_id)
    if row is None:
        raise NotFound(f"letter {letter_id}: no such letter")
    copies = session.execute(
        select(LetterCopy, Worker)
        .join(Worker, Worker.id == LetterCopy.worker_id)
        .where(LetterCopy.letter_id == letter_id)
        .order_by(LetterCopy.id)
    )
    return LetterRow(
        row.id, row.job_id, row.subject, row.text, row.actor, row.created_at,
        tuple(
            Recipient(w.id, w.provider, w.provider_worker_id, copy.state, copy.error)
            for copy, w in copies
        ),
    )  # fmt: skip


def send(resources: Resources, letter_id: int, progress: Progress) -> None:
    """Send the copies nobody has tried to send, a hundred a call; a repeat sends no copy twice.

    Raises:
        ProviderError: when the venue could not be reached; what was surely not sent waits.

    """
    with reading(resources.sessions) as session:
        letter = session.get_one(Letter, letter_id)
        chunks = _waiting(session, letter_id)
    for number, (provider_name, copies) in enumerate(chunks):
        progress(number, len(chunks))
        _send_chunk(resources, letter, provider_name, copies)


def _send_chunk(
    resources: Resources, letter: Letter, provider_name: str, copies: Sequence[tuple[int, str]]
) -> None:
    now = resources.clock()
    ids = [copy_id for copy_id, _ in copies]
    call = intents.Call(
        key=f"notify:letter:{letter.id}:copy:{ids[0]}",
        job_id=letter.job_id,
        operation="NotifyWorkers",
        parameters={"workers": [worker for _, worker in copies]},
        actor=letter.actor,
        is_paid=False,
    )
    with transaction(resources.sessions) as session:
        people = account_people(session, resources.venues, letter.job_id, provider_name)
        intent, _ = intents.begin(session, call, now)
        intents.stamp_attempt(session, intent.id, now)
        # Before the call: whatever stops this run, no copy of these is sent a second time.
        _mark(session, ids, "unknown", "the venue's reply was lost")
    try:
        failures = people.notify([worker for _, worker in copies], letter.subject, letter.text)
    except ProviderError as error:
        with transaction(resources.sessions) as session:
            if not error.outcome_unknown:
                state = "failed" if error.permanent else "waiting"
                intents.finish(session, intent.id, "failed", now, error=str(error))
                _mark(session, ids, state, str(error))
            else:
                intents.finish(session, intent.id, "unknown", now, error=str(error))
        if error.outcome_unknown or error.permanent:
            return
        raise
    with transaction(resources.sessions) as session:
        intents.finish(session, intent.id, "done", resources.clock())
        _mark(session, ids, "sent", "")
        for copy_id, worker in copies:
            if worker in failures:
                _mark(session, [copy_id], "failed", failures[worker])


def _waiting(session: Session, letter_id: int) -> list[tuple[str, list[tuple[int, str]]]]:
    """(provider, [(copy id, the venue's worker id)]) of at most a hundred each."""
    rows = session.execute(
        select(Worker.provider, LetterCopy.id, Worker.provider_worker_id)
        .join(Worker, Worker.id == LetterCopy.worker_id)
        .where(LetterCopy.letter_id == letter_id, LetterCopy.state == "waiting")
        .order_by(Worker.provider, LetterCopy.id)
    ).all()
    chunks: list[tuple[str, list[tuple[int, str]]]] = []
    for provider_name, copy_id, worker in rows:
        if not chunks or chunks[-1][0] != provider_name or len(chunks[-1][1]) == COPIES_A_CALL:
            chunks.append((provider_name, []))
        chunks[-1][1].append((copy_id, worker))
    return chunks


def _mark(session: Session, copy_ids: Sequence[int], state: str, error: str) -> None:
    session.execute(
        update(LetterCopy)
        .where(LetterCopy.id.in_(copy_ids))
        .values(state=state, error=error[:1000])
        .execution_options(synchronize_session=False)
    )


def _check(subject: str, text: str) -> None:
    if not subject.strip() or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidInput(f"subject: expected 1 to {LONGEST_SUBJECT} printable characters")
    lines = text.replace("\r\n", "\n").split("\n")
    if not text.strip() or len(text) > LONGEST_TEXT or not all(map(str.isprintable, lines)):
        raise InvalidInput(
            f"text: expected 1 to {LONGEST_TEXT:,} characters without control characters"
        )
