"""Money: what was reserved, spent and given back, and whether the books are right."""

from __future__ import annotations

import re
import sys
from typing import Any

import click
from rich.table import Table
from sqlalchemy.orm import Session

from jobs import db, findings, ledger, reports
from jobs.cli import _door
from jobs.errors import Conflict, InvalidInput
from jobs.intents import set_pause
from jobs.money import format_usd, parse_usd
from jobs.reconciling import reconcile
from jobs.reports.datasets import job_schema
from jobs.settings import Settings

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)


@click.group("ledger")
def group() -> None:
    """The ledger: balances, movements, checks against the venues, the pause switch."""


@group.command("show")
@click.argument("job_id", type=_door.ROW_ID)
@click.option(
    "--limit", type=_door.Whole(1, 1000), default=30, show_default=True, help="Most rows."
)
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


@group.command("reconcile")
@_door.json_option
@_door.settings_of
def compare(settings: Settings, as_json: bool) -> None:
    """Compare every HIT, submission and payment with the venues; exit code 1 on open findings."""
    with _door.resources(settings) as resources:
        with _door.progress_bar("HITs", not as_json) as progress:
            found = reconcile(resources, progress)
        with db.reading(resources.sessions) as session:
            rows = _open_findings(session)
    result = {
        "n_hits": found.n_hits,
        "n_submissions": found.n_submissions,
        "n_adopted": found.n_adopted,
        "differences": found.differences,
        "findings": rows,
    }
    text = (
        f"{found.n_hits} HITs and {found.n_submissions} submissions compared, "
        f"{found.n_adopted} HITs adopted, {len(found.differences)} differences"
    )
    _door.show(result, as_json, text)
    if rows and not as_json:
        _door.show(None, False, _findings_table(rows))
    if rows:
        sys.exit(1)


@group.command("findings")
@_door.json_option
@_door.settings_of
def list_findings(settings: Settings, as_json: bool) -> None:
    """Differences that nobody has resolved, oldest first."""
    with _door.reading(settings) as session:
        rows = _open_findings(session)
    _door.show(rows, as_json, _findings_table(rows) if rows else "no open findings")


@group.command("resolve")
@click.argument("finding_id", type=_door.ROW_ID)
@_door.settings_of
def resolve(settings: Settings, finding_id: int) -> None:
    """Close a finding that you have looked into; found again, it opens again."""
    with _door.writing(settings) as session:
        findings.resolve(session, finding_id, _door.now())
        state = reports.health(session, _door.now())
    click.echo(f"finding {finding_id}: resolved, {state.n_open_findings} open")
    if state.is_paused:
        click.echo(f"paid calls are still stopped ({state.pause_reason}): hitworks ledger resume")


@group.command("budget")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("amount")
@click.option("--key", required=True, help="Names this change, so that it happens once.")
@_door.settings_of
def budget(settings: Settings, job_id: int, amount: str, key: str) -> None:
    """Raise or lower a job's cap to AMOUNT US dollars."""
    if not _KEY.fullmatch(key):
        raise InvalidInput(f"--key: expected 1 to 100 letters, digits or . _ : -, got {key!r:.40}")
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
@click.option("--reason", required=True, help="Shown with the switch.")
@_door.settings_of
def pause(settings: Settings, reason: str) -> None:
    """Stop every paid call of this installation."""
    _set_switch(settings, True, reason)


@group.command("resume")
@click.option("--reason", required=True, help="Shown with the switch.")
@_door.settings_of
def resume(settings: Settings, reason: str) -> None:
    """Let paid calls be made again."""
    _set_switch(settings, False, reason)


def _set_switch(settings: Settings, is_on: bool, reason: str) -> None:
    with _door.writing(settings) as session:
        set_pause(session, is_on, reason=reason, actor=_door.actor(), now=_door.now())
    click.echo("paid calls are " + ("stopped" if is_on else "allowed"))


def _open_findings(session: Session) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "job_id": row.job_id, "found_at": row.created_at, "message": row.message}
        for row in findings.open_findings(session)
    ]


def _findings_table(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (row["id"], f"{row['found_at']:%Y-%m-%d %H:%M}", row["job_id"], row["message"])
        for row in rows
    ]
    return _door.table(("id", "found", "job", "finding"), shown)
