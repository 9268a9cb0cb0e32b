"""Money: what was reserved, spent and given back, and whether the books are right."""

from __future__ import annotations

import re
import sys
from typing import Any

import click
from rich.table import Table
from sqlalchemy.orm import Session

from jobs import db, findings, reports
from jobs.cli import _door
from jobs.errors import Conflict, InvalidInput
from jobs.intents import set_pause
from jobs.money import format_usd, parse_usd
from jobs.reasons import checked_reason
from jobs.reconciling.reconciling import reconcile
from jobs.reports.datasets import job_schema
from jobs.reports.heads import job_head
from jobs.reports.money import cost_by_route
from jobs.reports.totals import day_totals, worker_totals
from jobs.settings import Settings
from jobs.spending import ledger, limits

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
_LONGEST_REASON = 500


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


@group.command("totals")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def totals(settings: Settings, job_id: int, as_json: bool) -> None:
    """What a job spent by route, day and worker."""
    with _door.reading(settings) as session:
        job_head(session, job_id)
        routes = cost_by_route(session, job_id)
        days, workers = day_totals(session, job_id), worker_totals(session, job_id)
    rows = [
        *((f"{row.tagger or row.provider} {row.kind}", row.spent_micros) for row in routes),
        *((row.day.isoformat(), row.spent_micros) for row in days),
        *((row.name or row.provider_worker_id, row.earned_micros) for row in workers),
    ]
    found = {"routes": routes, "days": days, "workers": workers}
    shown = [(name, format_usd(micros)) for name, micros in rows]
    _door.show(found, as_json, _door.table(("route, day or worker", "spent or earned"), shown))


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
        "notes": found.notes,
        "findings": rows,
    }
    text = (
        f"{found.n_hits} HITs and {found.n_submissions} submissions compared, "
        f"{found.n_adopted} HITs adopted, {len(found.differences)} differences"
    )
    _door.show(result, as_json, "\n".join([text, *found.notes]))
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
@click.option("--note", default="", help="What you found out; kept with the finding.")
@_door.json_option
@_door.settings_of
def resolve(settings: Settings, finding_id: int, note: str, as_json: bool) -> None:
    """Close a finding that you have looked into; found again, it opens again."""
    with _door.writing(settings) as session:
        findings.resolve(session, finding_id, _door.now(), note=note, actor=_door.actor())
        state = reports.health(session, _door.now())
    text = f"finding {finding_id}: resolved, {state.n_open_findings} open"
    if state.is_paused:
        text += f"\npaid calls are still stopped ({state.pause_reason}): hitworks ledger resume"
    result = {
        "id": finding_id,
        "state": "resolved",
        "n_open_findings": state.n_open_findings,
        "is_paused": state.is_paused,
    }
    _door.show(result, as_json, text)


@group.command("budget")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("amount")
@click.option("--key", required=True, help="Names this change, so that it happens once.")
@_door.json_option
@_door.settings_of
def budget(settings: Settings, job_id: int, amount: str, key: str, as_json: bool) -> None:
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
        micros = job_head(session, job_id).budget_micros
    result = {"job_id": job_id, "budget_micros": micros}
    _door.show(result, as_json, f"job {job_id}: budget {format_usd(micros)}")


@group.command("limit")
@click.argument("environment", type=click.Choice(limits.ENVIRONMENTS), required=False)
@click.option("--cap", help="Most US dollars that all its jobs may hold and spend, or none.")
@click.option("--hourly", help="Most US dollars newly held in an hour of the clock, or none.")
@_door.json_option
@_door.settings_of
def limit(
    settings: Settings,
    environment: str | None,
    cap: str | None,
    hourly: str | None,
    as_json: bool,
) -> None:
    """Show or set what all jobs of an environment together may commit.

    Over the cap nothing is held, so nothing is posted. What crosses the limit of an hour
    stops every paid call and leaves a finding.
    """
    if environment is None and (cap or hourly):
        raise InvalidInput(f"ENVIRONMENT: expected one of {', '.join(limits.ENVIRONMENTS)}")
    now = _door.now()
    if environment and (cap is not None or hourly is not None):
        with _door.writing(settings) as session:
            before = limits.limits_of(session, environment, now)
            limits.set_limits(
                session,
                environment,
                cap_micros=_limit("--cap", cap, before.cap_micros),
                hourly_micros=_limit("--hourly", hourly, before.hourly_micros),
                actor=_door.actor(),
                now=now,
            )
    names = [environment] if environment else list(limits.ENVIRONMENTS)
    with _door.reading(settings) as session:
        found = [limits.limits_of(session, name, now) for name in names]
    _door.show(found, as_json, lambda: _limit_table(found))


@group.command("pause")
@click.option("--reason", required=True, help="Shown with the switch.")
@_door.json_option
@_door.settings_of
def pause(settings: Settings, reason: str, as_json: bool) -> None:
    """Stop every paid call of this installation."""
    _set_switch(settings, True, reason, as_json)


@group.command("resume")
@click.option("--reason", required=True, help="Shown with the switch.")
@_door.json_option
@_door.settings_of
def resume(settings: Settings, reason: str, as_json: bool) -> None:
    """Let paid calls be made again; refused while a finding is open."""
    _set_switch(settings, False, reason, as_json)


def _set_switch(settings: Settings, is_on: bool, reason: str, as_json: bool) -> None:
    with _door.writing(settings) as session:
        reason = checked_reason(reason, _LONGEST_REASON)
        set_pause(session, is_on, reason=reason, actor=_door.actor(), now=_door.now())
    result = {"is_paused": is_on, "reason": reason}
    _door.show(result, as_json, "paid calls are " + ("stopped" if is_on else "allowed"))


def _limit(name: str, text: str | None, before: int | None) -> int | None:
    if text is None:
        return before
    return None if text == "none" else parse_usd(text, name=name)


def _limit_table(found: list[limits.Limits]) -> Table:
    rows = [
        (
            one.environment,
            _usd_or_none(one.cap_micros),
            format_usd(one.held_micros),
            format_usd(one.spent_micros),
            _usd_or_none(one.left_micros),
            _usd_or_none(one.hourly_micros),
            format_usd(one.hour_micros),
        )
        for one in found
    ]
    columns = ("environment", "cap", "held", "spent", "left", "hourly limit", "this hour")
    return _door.table(columns, rows)


def _usd_or_none(micros: int | None) -> str:
    return "none" if micros is None else format_usd(micros)


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
