"""Who answers: people and models. The process that does background work is ``background run``."""

from __future__ import annotations

import click

from jobs import reports
from jobs.cli import _door
from jobs.marketplace_accounts import add_worker, read_admin_token
from jobs.money import format_usd
from jobs.settings import Settings


@click.group("worker")
def group() -> None:
    """Workers of a job: accuracy, steadiness, speed, earnings."""


@group.command("list")
@click.argument("job_id", type=int)
@_door.json_option
@_door.settings_of
def list_workers(settings: Settings, job_id: int, as_json: bool) -> None:
    """Each worker of the job by question kind, most answers first."""
    with _door.reading(settings) as session:
        rows = reports.worker_table(session, job_id)
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
            _interval(row.gold_accuracy, row.gold_low, row.gold_high),
            _interval(row.consensus_accuracy, row.consensus_low, row.consensus_high),
            f"{row.mean_seconds:.1f}",
            format_usd(row.earned_micros),
        )
        for row in rows
    ]
    _door.show(rows, as_json, _door.table(columns, shown))


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


def _interval(mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None:
        return "–"
    return f"{_door.share(mean)} [{_door.share(low)}, {_door.share(high)}]"
