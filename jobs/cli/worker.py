"""Who answers: people and models. The process that does background work is ``background run``."""

from __future__ import annotations

import click

from jobs import reports
from jobs.cli import _door, _inviting, _standing
from jobs.marketplace_accounts import add_worker, read_admin_token
from jobs.money import format_usd, parse_usd
from jobs.reports.habits import worker_habits
from jobs.reports.heads import job_head
from jobs.settings import Settings
from jobs.spending import bonuses
from jobs.workers.standing import find_worker


@click.group("worker")
def group() -> None:
    """Workers: accounts, links, accuracy, earnings, bonuses, exclusions, letters."""


for _command in (
    _standing.exclude,
    _standing.readmit,
    _standing.grant,
    _standing.warn,
    _standing.letter,
    _standing.show_standing,
    _inviting.invite_worker,
    _inviting.study,
):
    group.add_command(_command)


@group.command("list")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--after", type=_door.ROW_ID, help="Go on behind the worker with this number.")
@click.option(
    "--limit", type=_door.Whole(1, 1000), default=100, show_default=True, help="Most workers."
)
@_door.json_option
@_door.settings_of
def list_workers(
    settings: Settings, job_id: int, after: int | None, limit: int, as_json: bool
) -> None:
    """Each worker of the job by question kind, most answers first.

    Where there are more, it says by what --after to go on.
    """
    with _door.reading(settings) as session:
        job_head(session, job_id)  # NotFound for an unknown job
        page = reports.worker_page(session, job_id, after=after, limit=limit)
    rows = page.rows
    columns = (
        "route",
        "worker",
        "question",
        "answers",
        "gold",
        "of gold right",
        "as the others",
        "seconds",
        "earned",
    )
    shown = [
        (
            row.provider,
            row.provider_worker_id,
            row.kind,
            row.n_answers,
            row.n_gold,
            _door.interval(row.gold_accuracy, row.gold_low, row.gold_high),
            _door.interval(row.consensus_accuracy, row.consensus_low, row.consensus_high),
            f"{row.mean_seconds:.1f}",
            format_usd(row.earned_micros),
        )
        for row in rows
    ]
    _door.show(rows, as_json, _door.table(columns, shown))
    if page.next is not None:
        click.echo(f"There are more: go on with --after {page.next}", err=True)


@group.command("add")
@click.argument("name")
@click.option("--staff", is_flag=True, help="May see in-house HITs.")
@click.password_option(help="Asked for when not given.")
@_door.json_option
@_door.settings_of
def add(settings: Settings, name: str, staff: bool, password: str, as_json: bool) -> None:
    """Make somebody's account on the local marketplace, which must be running."""
    token = read_admin_token(settings.data_dir)
    worker_id = add_worker(settings.local_mturk(), token, name, password, is_staff=staff)
    address = f"{settings.local_mturk()}/worker"
    _door.show(
        {"worker_id": worker_id, "name": name, "address": address},
        as_json,
        f"{name}: {worker_id}, signs in at {address}",
    )


@group.command("habits")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("worker")
@_door.json_option
@_door.settings_of
def habits(settings: Settings, job_id: int, worker: str, as_json: bool) -> None:
    """What WORKER (a number, or the venue's id) takes for what, and what speaks against them."""
    with _door.reading(settings) as session:
        found = worker_habits(session, job_id, find_worker(session, job_id, worker).id)
    lines = []
    for habit in found:
        lines += [f"{habit.kind}: {one.kind}: {one.told}" for one in habit.evidence]
        for table in habit.confusions:
            lines.append(f"{habit.kind}: {table.title}: {table.n_right} of {table.n} as settled")
            lines += [
                f"  {table.names[i] or 'nothing'} taken for {table.names[j] or 'nothing'}: {n}"
                for i, row in enumerate(table.rows)
                for j, n in enumerate(row)
                if n and i != j
            ]
    _door.show(found, as_json, "\n".join(lines) or "no answers that are combined")


@group.command("bonus")
@click.argument("assignment_id", type=_door.ROW_ID)
@click.argument("amount")
@click.option("--reason", required=True, help="What the worker is told.")
@click.option(
    "--key",
    default="bonus",
    show_default=True,
    help="Names this bonus: one of each name is paid for an assignment.",
)
@_standing.preview_option
@_standing.yes_option
@_door.json_option
@_door.settings_of
def bonus(
    settings: Settings,
    assignment_id: int,
    amount: str,
    reason: str,
    key: str,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Pay AMOUNT US dollars more for one decided assignment; a repeat pays nothing more."""
    micros = parse_usd(amount, name="bonus", whole_cents=True)
    with _door.reading(settings) as session:
        seen = bonuses.preview_bonus(session, assignment_id, micros, _door.now())
    worker, fee = seen.provider_worker_id, seen.fee_micros
    before = sum(micros for _, micros in seen.granted_before)
    text = (
        f"Pay {worker} {format_usd(micros)} more, and a fee of {format_usd(fee)}? "
        f"{format_usd(before)} of bonuses were granted for this work before, and "
        f"{format_usd(seen.budget_left_micros)} of the budget is left."
    )
    if preview:
        _door.show(seen, as_json, text)
        return
    if not yes:
        click.confirm(text, abort=True, err=True)
    with _door.writing(settings) as session:
        intent_id = bonuses.grant_bonus(
            session,
            assignment_id,
            micros,
            reason_key=key,
            reason=reason,
            actor=_door.actor(),
            now=_door.now(),
        )
    granted = {"intent_id": intent_id, "worker": worker, "amount_micros": micros, "fee_micros": fee}
    text = f"{worker}: {format_usd(micros)} granted for assignment {assignment_id}, paid once"
    _door.show(granted, as_json, text)
