"""Webhooks: addresses that hear of events."""

from __future__ import annotations

import click

from jobs import hooks
from jobs.cli import _door
from jobs.events import EVENTS
from jobs.settings import Settings


@click.group("hook")
def group() -> None:
    """Webhooks: signed news of jobs and batches, sent to an address of yours."""


@group.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(EVENTS),
    help="What it hears of: everything, if not said.",
)
@_door.json_option
@_door.settings_of
def add(settings: Settings, url: str, events: tuple[str, ...], as_json: bool) -> None:
    """Tell an address of events; the secret that signs them is shown this once."""
    with _door.writing(settings) as session:
        made = hooks.add_hook(
            session,
            url,
            events,
            actor=_door.actor(),
            now=_door.now(),
            may_be_private=settings.hook_private_addresses,
        )
    shown = {"id": made.hook.id, "events": made.hook.events, "secret": made.secret}
    _door.show(shown, as_json, f"hook {made.hook.id}: {made.secret}")


@group.command("list")
@_door.json_option
@_door.settings_of
def list_hooks(settings: Settings, as_json: bool) -> None:
    """The addresses that hear of events."""
    with _door.reading(settings) as session:
        rows = hooks.hooks(session)
    shown = [(row.id, row.url, ", ".join(row.events), row.created_by) for row in rows]
    _door.show(rows, as_json, _door.table(("id", "address", "events", "by"), shown))


@group.command("end")
@click.argument("hook_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def end(settings: Settings, hook_id: int, as_json: bool) -> None:
    """Tell an address no more."""
    with _door.writing(settings) as session:
        row = hooks.end_hook(session, hook_id, _door.now())
    _door.show(row, as_json, f"hook {row.id}: ended")


@group.command("deliveries")
@click.argument("hook_id", type=_door.ROW_ID)
@click.option("--before", type=_door.ROW_ID, help="Only ids under this one: the next page.")
@click.option(
    "--limit", type=_door.Whole(1, 10_000), default=100, show_default=True, help="Most rows."
)
@_door.json_option
@_door.settings_of
def deliveries(
    settings: Settings, hook_id: int, before: int | None, limit: int, as_json: bool
) -> None:
    """What was sent to an address, newest first."""
    with _door.reading(settings) as session:
        rows = hooks.deliveries(session, hook_id, before=before, limit=limit)
    shown = [(row.id, row.event, row.state, row.attempts, row.status, row.problem) for row in rows]
    columns = ("id", "event", "state", "attempts", "answered", "problem")
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("send")
@click.argument("hook_id", type=_door.ROW_ID)
@click.argument("delivery_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def send(settings: Settings, hook_id: int, delivery_id: int, as_json: bool) -> None:
    """Send a delivery once more, under its old event id."""
    with _door.writing(settings) as session:
        row = hooks.send_again(session, hook_id, delivery_id, _door.now())
    _door.show(row, as_json, f"delivery {row.id}: waiting")
