"""Money: what was reserved, spent and given back, and whether the books are right."""

from __future__ import annotations

import click

from jobs import findings, ledger, reports
from jobs.cli import _door
from jobs.errors import Conflict
from jobs.intents import set_pause
from jobs.money import format_usd, parse_usd
from jobs.reports.datasets import job_schema
from jobs.settings import Settings


@click.group("ledger")
def group() -> None:
    """The ledger: balances, movements, checks, the pause switch."""


@group.command("show")
@click.argument("job_id", type=int)
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True)
@_door.json_option
@_door.settings_of
def show(settings: Settings, job_id: int, limit: int, as_json: bool) -> None:
    """A job's balances by account and its newest movements."""
    with _door.reading(settings) as session:
        job_schema(session, job_id)  # NotFound for an unknown job
        balances = ledger.balances(session, job_id)
        lines = reports.ledger_page(session, job_id, limit=limit)
    accounts = "  ".join(f"{name} {format_usd(micros)}" for name, micros in balances.items())
    rows = [
        (
            line.at.strftime("%Y-%m-%d %H:%M:%S"),
            line.kind,
            line.provider,
            line.worker,
            "  ".join(f"{name} {format_usd(amount)}" for name, amount in line.legs.items()),
        )
        for line in lines
    ]
    _door.show({"balances": balances, "lines": lines}, as_json, accounts)
    if not as_json:
        _door.show(None, False, _door.table(("at", "kind", "route", "worker", "legs"), rows))


@group.command("check")
@_door.json_option
@_door.settings_of
def check(settings: Settings, as_json: bool) -> None:
    """Prove that entries, transactions and sums agree; list open findings."""
    with _door.reading(settings) as session:
        differences = ledger.differences(session)
        found = [one.message for one in findings.open_findings(session)]
    lines = [*differences, *(f"finding: {message}" for message in found)]
    result = {"differences": differences, "findings": found}
    _door.show(result, as_json, "\n".join(lines) or "the books are right")
    if differences:
        raise Conflict(f"ledger: {len(differences)} differences")


@group.command("budget")
@click.argument("job_id", type=int)
@click.argument("amount")
@click.option("--key", required=True, help="Names this change, so that it happens once.")
@_door.settings_of
def budget(settings: Settings, job_id: int, amount: str, key: str) -> None:
    """Raise or lower a job's cap to AMOUNT US dollars."""
    with _door.writing(settings) as session:
        job_schema(session, job_id)
        ledger.set_budget(
            session,
            job_id,
            parse_usd(amount, name="budget"),
            key=f"budget:{job_id}:{key}",
            reason=ledger.Reason(actor=_door.actor()),
            now=_door.now(),
        )
    click.echo(f"job {job_id}: budget {amount}")


@group.command("pause")
@click.option("--reason", required=True)
@_door.settings_of
def pause(settings: Settings, reason: str) -> None:
    """Stop every paid call of this installation."""
    _set_switch(settings, True, reason)


@group.command("resume")
@click.option("--reason", required=True)
@_door.settings_of
def resume(settings: Settings, reason: str) -> None:
    """Let paid calls be made again."""
    _set_switch(settings, False, reason)


def _set_switch(settings: Settings, is_on: bool, reason: str) -> None:
    with _door.writing(settings) as session:
        set_pause(session, is_on, reason=reason, actor=_door.actor(), now=_door.now())
    click.echo("paid calls are " + ("stopped" if is_on else "allowed"))
