"""Who answers: people and models. The process that does background work is ``background run``."""

from __future__ import annotations

import click

from jobs import reports
from jobs.cli import _door
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


def _interval(mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None:
        return "–"
    return f"{_door.share(mean)} [{_door.share(low)}, {_door.share(high)}]"
