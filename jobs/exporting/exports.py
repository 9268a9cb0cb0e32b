"""Service: exports. Each is a named snapshot: it pins label versions now, its file comes after.

The snapshot rule: one statement finds the newest version of every settled label that was
chosen, and these versions are written down with the export in the same transaction. What is
labeled, decided or reverted later changes nothing in it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs import work
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.exporting.choices import Choices, Filters, check_choices, kinds_of, to_body
from jobs.exporting.selection import chosen_ids, count_final, count_labels
from jobs.records import LabelSchema
from jobs.specs.label_schemas import load_schema
from jobs.tables import Export, ExportPage, Job, PseudonymKey, SchemaVersion, Work

TASK = "export_job"
LONGEST_NAME = 100
_PAGE = 500


@dataclass(frozen=True)
class Count:
    """How many labels would be exported, of all final labels of the job."""

    n_labels: int
    n_final: int


def count_export(
    session: Session,
    job_id: int,
    format: str,  # noqa: A002 - the word that the command, the form and the API use
    filters: Filters,
    wanted: Mapping[str, bool | None],
) -> Count:
    """What an export would hold if it were asked for now; see ``plan_export``."""
    job, schema = _job(session, job_id)
    choices = check_choices(schema, format, filters, wanted)
    by_kind = count_final(session, job.id)
    if choices.filters == Filters(kind=choices.filters.kind):
        n_labels = sum(by_kind.get(kind, 0) for kind in kinds_of(choices))
    else:
        n_labels = count_labels(session, job.id, schema, choices)
    return Count(n_labels, sum(by_kind.values()))


def plan_export(
    session: Session,
    job_id: int,
    format: str,  # noqa: A002
    filters: Filters,
    wanted: Mapping[str, bool | None],
    *,
    name: str = "",
    actor: str,
    now: datetime,
) -> Export:
    """A new export whose labels are pinned from now on; the background writes its file.

    ``wanted`` is as in ``check_choices``; without a ``name`` it gets one.

    Raises:
        NotFound: when there is no such job.
        InvalidInput: for choices that the question or the format does not know, a name that
            is none, or when no label is chosen.
        Conflict: when the job has an export of this name.

    """
    job, schema = _job(session, job_id)
    choices = check_choices(schema, format, filters, wanted)
    row = Export(
        job_id=job.id,
        name=_checked_name(name) or _free_name(session, job.id, format, now),
        format=format,
        choices=to_body(choices),
        state="planned",
        actor=actor,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(
            f"job {job.id} has an export named {row.name!r}: choose another name, "
            "or have that one made again"
        ) from error
    row.n_labels = _pin(session, row.id, job.id, schema, choices)
    if not row.n_labels:
        raise InvalidInput(_nothing(session, job, choices))
    _ensure_key(session, job.id)
    work.enqueue(session, TASK, row.id, now)
    return row


def make_again(session: Session, job_id: int, export_id: int, now: datetime) -> Export:
    """Have the file written once more from the same label versions, and its bytes compared.

    Serves as "try again" after a failure; asking while it is under way changes nothing.

    Raises:
        NotFound: when the job has no such export.
        Conflict: for an export from before label versions were pinned.

    """
    row = session.get(Export, export_id, with_for_update=True)
    if row is None or row.job_id != job_id:
        raise NotFound(f"export {export_id} is not of job {job_id}")
    if not row.choices:
        raise Conflict(
            f"export {export_id} was made before label versions were pinned: "
            "its file can be downloaded, not made again"
        )
    row.state, row.problem = "planned", ""
    waiting = session.scalar(select(Work).where(Work.key == f"{TASK}:{row.id}"))
    if waiting is not None and waiting.state == "needs_person":
        work.revive(session, waiting.id, now)
    else:
        work.enqueue(session, TASK, row.id, now)
    return row


def export_named(session: Session, job_id: int, name: str) -> Export:
    """The job's export of this name. NotFound lists nothing: names are somebody's own."""
    row = session.scalar(select(Export).where(Export.job_id == job_id, Export.name == name))
    if row is None:
        raise NotFound(f"job {job_id} has no export named {name!r:.120}")
    return row


def _job(session: Session, job_id: int) -> tuple[Job, LabelSchema]:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    return job, load_schema(session.get_one(SchemaVersion, job.schema_id))


def _pin(
    session: Session, export_id: int, job_id: int, schema: LabelSchema, choices: Choices
) -> int:
    """Write down which label versions the choices name at this moment; how many they are."""
    found = session.execute(
        chosen_ids(session, job_id, schema, choices).execution_options(yield_per=_PAGE)
    )
    n_labels = 0
    for number, rows in enumerate(found.partitions(_PAGE)):
        session.add(
            ExportPage(
                export_id=export_id,
                number=number,
                label_ids=[row.id for row in rows],
                agreements=[_rounded(row.agreement) for row in rows],
            )
        )
        n_labels += len(rows)
    session.flush()
    return n_labels


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _nothing(session: Session, job: Job, choices: Choices) -> str:
    held = " or ".join(kinds_of(choices))
    n_final = sum(count_final(session, job.id).values())
    if choices.filters == Filters() or not n_final:
        return f"job {job.name!r}: has no labels of {held} yet to write as {choices.format}"
    return f"job {job.name!r}: the filters leave no labels of {held} (of {n_final:,} final ones)"


def _checked_name(name: str) -> str:
    plain = name.strip()
    if len(plain) > LONGEST_NAME or not plain.isprintable():
        raise InvalidInput(
            f"name: expected at most {LONGEST_NAME} printable characters, got {plain!r:.120}"
        )
    return plain


def _free_name(session: Session, job_id: int, format: str, now: datetime) -> str:  # noqa: A002
    """Format and day, and a number from the second of a day on."""
    stem = f"{format} {now:%Y-%m-%d}"
    taken = set(session.scalars(select(Export.name).where(Export.job_id == job_id)))
    number = 1
    while (name := stem if number == 1 else f"{stem} ({number})") in taken:
        number += 1
    return name


def _ensure_key(session: Session, job_id: int) -> None:
    """The job's secret for pseudonyms, made with its first export and kept."""
    if session.get(PseudonymKey, job_id) is not None:
        return
    try:
        with session.begin_nested():
            session.add(PseudonymKey(job_id=job_id, key=secrets.token_hex(32)))
    except IntegrityError:
        return  # another export of the job made it in this moment
