"""What a monitoring system watches, in the text format of Prometheus, from a few queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.reports.health import health
from jobs.tables import Account, Batch, HookDelivery, Job

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(session: Session, now: datetime) -> str:
    """Gauges of work, jobs, batches, money, findings and webhooks; no names, no ids."""
    state = health(session, now)
    swept = state.last_swept_at
    accounts = session.execute(
        select(Account.environment, Account.held_micros, Account.spent_micros)
    ).all()
    parts = (
        _by("work_rows", "Work rows by state.", "state", state.work_by_state),
        _one("work_oldest_due_seconds", "Wait of the most overdue work.", state.oldest_due_seconds),
        _one(
            "last_sweep_timestamp_seconds",
            "Time of the last sweep; 0 before the first.",
            swept.timestamp() if swept else 0,
        ),
        _one("unknown_calls", "Calls at a venue of unknown outcome.", state.n_unknown_intents),
        _one("open_findings", "Findings that nobody resolved.", state.n_open_findings),
        _one("paused", "1 while the pause switch is on.", int(state.is_paused)),
        _by("jobs", "Jobs by state.", "state", _count(session, Job)),
        _by("batches", "Batches by state.", "state", _count(session, Batch)),
        _by(
            "hook_deliveries",
            "Webhook deliveries by state.",
            "state",
            _count(session, HookDelivery),
        ),
        _by(
            "held_micros",
            "Micro-dollars held.",
            "environment",
            {row.environment: row.held_micros for row in accounts},
        ),
        _by(
            "spent_micros",
            "Micro-dollars spent.",
            "environment",
            {row.environment: row.spent_micros for row in accounts},
        ),
    )
    return "".join(parts)


def _count(session: Session, table: type[Any]) -> dict[str, int]:
    return dict(session.execute(select(table.state, func.count()).group_by(table.state)).all())


def _one(name: str, said: str, value: float) -> str:
    return f"{_head(name, said)}hitworks_{name} {value}\n"


def _by(name: str, said: str, label: str, values: Mapping[str, float]) -> str:
    rows = (f'hitworks_{name}{{{label}="{key}"}} {values[key]}\n' for key in sorted(values))
    return _head(name, said) + "".join(rows)


def _head(name: str, said: str) -> str:
    return f"# HELP hitworks_{name} {said}\n# TYPE hitworks_{name} gauge\n"
