"""Everything one running marketplace shares between its two origins."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app
from sqlalchemy.orm import Session

from webapp.marketplace.accounts import seed_accounts
from webapp.marketplace.dial import Clock, Dial, utc_clock
from webapp.marketplace.faults import FaultPlan
from webapp.marketplace.options import Options
from webapp.marketplace.secrets_file import Secrets, load_secrets
from webapp.marketplace.store import Sessions, open_store, write
from webapp.marketplace.tables.traffic import Setting

CLOCK_SETTING = "clock_ahead"


@dataclass(frozen=True)
class Market:
    """One marketplace: its rows, its time, its misbehaviour, its addresses."""

    sessions: Sessions
    dial: Dial
    options: Options
    faults: FaultPlan
    secrets: Secrets
    worker_origin: str
    content_origin: str

    def seal(self, *parts: str) -> str:
        """An unforgeable tag of ``parts`` for addresses and page tokens of this installation."""
        message = "\x1f".join(parts).encode()
        return hmac.new(self.secrets.session_key.encode(), message, "sha256").hexdigest()[:32]


def open_market(
    *,
    database_url: str,
    worker_origin: str,
    content_origin: str,
    secret_file: Path | None = None,
    clock: Clock = utc_clock,
    options: Options | None = None,
) -> Market:
    """A marketplace on ``database_url``: tables and the two default accounts are there after it."""
    options = options or Options()
    sessions = open_store(database_url)
    dial = Dial(clock, ahead=write(sessions, _clock_ahead))
    write(sessions, lambda session: seed_accounts(session, options, dial.now()))
    return Market(
        sessions,
        dial,
        options,
        FaultPlan(),
        load_secrets(secret_file),
        worker_origin.rstrip("/"),
        content_origin.rstrip("/"),
    )


def market_of(app: Flask) -> Market:
    """The marketplace an app of ours serves."""
    market = app.extensions["marketplace"]
    assert isinstance(market, Market)  # noqa: S101 - tells the type checker
    return market


def current_market() -> Market:
    """The marketplace of the request."""
    return market_of(current_app)


def _clock_ahead(session: Session) -> int:
    row = session.get(Setting, CLOCK_SETTING)
    return int(row.value) if row else 0
