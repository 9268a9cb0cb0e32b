"""Background work: the process that does it, and the rows it follows."""

from __future__ import annotations

import click

from jobs import background, work
from jobs.cli import _door
from jobs.installation.lifeline import end_with_launcher
from jobs.settings import Settings


@click.group("background")
def group() -> None:
    """Background work: what waits, and what failed. ``run`` serves it."""


@group.command("run")
@_door.settings_of
def run(settings: Settings) -> None:
    """Serve background work until SIGTERM. Start as many, on as many machines, as you like."""
    end_with_launcher()
    _door.prepare(settings)
    background.run_worker(settings)


@group.command("list")
@_door.json_option
@_door.settings_of
def list_work(settings: Settings, as_json: bool) -> None:
    """Work that is ready, running, or waits for a person."""
    with _door.reading(settings) as session:
        rows = [
            {
                "id": row.id,
                "key": row.key,
                "state": row.state,
                "attempts": row.attempts,
                "done": row.n_done,
                "of": row.n_total,
                "error": row.error,
            }
            for row in work.unfinished(session)
        ]
    columns = ("id", "key", "state", "attempts", "done", "of", "error")
    shown = [tuple(row[column] for column in columns) for row in rows]
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("revive")
@click.argument("work_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def revive(settings: Settings, work_id: int, as_json: bool) -> None:
    """Set work that waits for a person going again."""
    with _door.writing(settings) as session:
        work.revive(session, work_id, _door.now())
    _door.show({"id": work_id, "state": "ready"}, as_json, f"work {work_id}: goes again")
