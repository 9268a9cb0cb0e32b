"""Commands that change how a worker stands with us: shown first, asked for, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from jobs.cli import _door
from jobs.settings import Settings
from jobs.tables import StandingChange
from jobs.workers import letters, standing

preview_option = click.option("--preview", is_flag=True, help="Show what it would do, and stop.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
reason_option = click.option("--reason", required=True, help="Why, for the books.")


@click.command("exclude")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("worker")
@reason_option
@click.option("--block", is_flag=True, help="Block at the venue too: it counts, and is told.")
@preview_option
@yes_option
@_door.json_option
@_door.settings_of
def exclude(
    settings: Settings,
    job_id: int,
    worker: str,
    reason: str,
    block: bool,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Keep WORKER (a number, or the venue's id) of a job out of HITs posted from now on."""
    with _door.reading(settings) as session:
        found = standing.find_worker(session, job_id, worker)
        seen = standing.preview_exclusion(session, job_id, found.id)
    if not _agreed(seen, exclusion_text(seen, block), preview, yes, as_json, "Keep them out?"):
        return
    by = standing.BLOCK if block else standing.QUALIFICATION

    def change(session: Session) -> StandingChange:
        return standing.exclude(
            session, job_id, found.id, by=by, reason=reason, actor=_door.actor(), now=_door.now()
        )

    _change(settings, found.id, change, "excluded", as_json)


@click.command("readmit")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("worker")
@reason_option
@preview_option
@yes_option
@_door.json_option
@_door.settings_of
def readmit(
    settings: Settings,
    job_id: int,
    worker: str,
    reason: str,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Let an excluded WORKER in again, lift a block, and count their answers again."""
    with _door.reading(settings) as session:
        found = standing.find_worker(session, job_id, worker)
        seen = standing.preview_exclusion(session, job_id, found.id)
    n_answers = sum(one.n_answers for one in seen.votes_lost)
    text = (
        f"Worker {seen.provider_worker_id} ({seen.provider}) is "
        f"{'excluded' if seen.is_excluded else 'not excluded'}; {n_answers} answers would vote."
    )
    if not _agreed(seen, text, preview, yes, as_json, "Let them in again?"):
        return

    def change(session: Session) -> StandingChange:
        return standing.readmit(
            session, job_id, found.id, reason=reason, actor=_door.actor(), now=_door.now()
        )

    _change(settings, found.id, change, "readmitted", as_json)


@click.command("grant")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("worker")
@click.argument("name")
@click.option(
    "--value", type=_door.Whole(0, 2**31 - 1), default=1, show_default=True, help="The score."
)
@click.option("--take-away", is_flag=True, help="Take the qualification away instead.")
@reason_option
@preview_option
@yes_option
@_door.json_option
@_door.settings_of
def grant(
    settings: Settings,
    job_id: int,
    worker: str,
    name: str,
    value: int,
    take_away: bool,
    reason: str,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Give WORKER your own qualification NAME, which is made at the venue when it is missing."""
    with _door.reading(settings) as session:
        found = standing.find_worker(session, job_id, worker)
        account = standing.account_of(session, job_id, found.id)[1]
    score = None if take_away else value
    does = "loses" if take_away else f"gets the score {value} in"
    text = f"Worker {found.provider_worker_id} ({found.provider}, {account}) {does} {name!r}."
    seen = {
        "worker_id": found.id,
        "provider_worker_id": found.provider_worker_id,
        "environment": account,
        "name": name,
        "value": score,
    }
    if not _agreed(seen, text, preview, yes, as_json, "Change it?"):
        return

    def change(session: Session) -> StandingChange:
        return standing.grant(
            session, job_id, found.id, name, score,
            reason=reason, actor=_door.actor(), now=_door.now(),
        )  # fmt: skip

    _change(settings, found.id, change, f"{name}: {does}", as_json)


@click.command("warn")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("workers", nargs=-1, required=True)
@click.option("--subject", required=True, help="Subject of the letter.")
@click.option("--text", required=True, help="What it says.")
@click.option("--key", default="", help="Names the letter: one of each name is sent.")
@preview_option
@yes_option
@_door.json_option
@_door.settings_of
def warn(
    settings: Settings,
    job_id: int,
    workers: tuple[str, ...],
    subject: str,
    text: str,
    key: str,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Write to WORKERS of a job, each once; venues pass on letters to those whose work you judged.

    The same words to the same workers are sent once, unless another key is given.
    """
    with _door.reading(settings) as session:
        ids = [standing.find_worker(session, job_id, worker).id for worker in workers]
        seen = letters.preview_letter(session, job_id, ids)
    names = ", ".join(one.provider_worker_id for one in seen)
    told = f"To {names}:\n{subject}\n\n{text}"
    if not _agreed(seen, told, preview, yes, as_json, f"Write to {len(seen)} workers?"):
        return
    with _door.writing(settings) as session:
        letter_id = letters.warn(
            session, job_id, ids, subject=subject, text=text, key=key,
            actor=_door.actor(), now=_door.now(),
        )  # fmt: skip
        row = letters.read_letter(session, letter_id)
    _door.show(row, as_json, f"letter {letter_id} to {names}: sent once, by the background")


@click.command("letter")
@click.argument("letter_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def letter(settings: Settings, letter_id: int, as_json: bool) -> None:
    """What became of each copy of a letter."""
    with _door.reading(settings) as session:
        row = letters.read_letter(session, letter_id)
    shown = [(one.provider, one.provider_worker_id, one.state, one.error) for one in row.recipients]
    _door.show(row, as_json, _door.table(("route", "worker", "state", "why not"), shown))


@click.command("standing")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("worker")
@_door.json_option
@_door.settings_of
def show_standing(settings: Settings, job_id: int, worker: str, as_json: bool) -> None:
    """Qualifications and blocks of WORKER, the newest change first, with who made it and why."""
    with _door.reading(settings) as session:
        found = standing.find_worker(session, job_id, worker)
        rows = standing.standings(session, found.id)
    columns = (
        "when", "what", "name", "account", "value", "at the venue", "by", "why", "refusal",
        "venue's id",
    )  # fmt: skip
    shown = [
        (
            f"{row.created_at:%Y-%m-%d %H:%M}",
            row.kind,
            row.name,
            row.environment,
            "taken away" if row.value is None else row.value,
            row.state,
            row.actor,
            row.reason,
            row.error,
            row.provider_type_id,
        )
        for row in rows
    ]
    _door.show(rows, as_json, _door.table(columns, shown))


def exclusion_text(seen: standing.ExclusionPreview, is_block: bool) -> str:
    """Whom an exclusion touches and what it does, for people."""
    n_answers = sum(one.n_answers for one in seen.votes_lost)
    lines = [
        f"Worker {seen.provider_worker_id} ({seen.provider}, {seen.environment}): "
        f"{seen.n_approved} approved, {seen.n_rejected} rejected, {seen.n_waiting} to be decided.",
        f"{n_answers} answers in {len(seen.votes_lost)} jobs would not vote any more.",
        "HITs posted from now on are not shown to them; work they did is still paid.",
    ]
    if seen.n_hits_still_open_to_them:
        lines.append(
            f"{seen.n_hits_still_open_to_them} of {seen.n_open_hits} HITs that are out were "
            "posted before this account kept anybody out: they may still take those."
        )
    if is_block:
        lines.append("The block is told to them and counts against both at the venue.")
    return "\n".join(lines)


def _agreed(seen: Any, text: str, preview: bool, yes: bool, as_json: bool, question: str) -> bool:
    """Show what would be done; True when it should be."""
    if preview:
        _door.show(seen, as_json, text)
        return False
    if not yes:
        click.echo(text, err=True)
        click.confirm(question, abort=True, err=True)
    return True


def _change(
    settings: Settings,
    worker_id: int,
    change: Callable[[Session], StandingChange],
    text: str,
    as_json: bool,
) -> None:
    with _door.writing(settings) as session:
        made = change(session)
        rows = standing.standings(session, worker_id)
        shown = next(row for row in rows if (row.kind, row.name) == (made.kind, made.name))
    _door.show(shown, as_json, f"{text}; the background carries it to the venue")
