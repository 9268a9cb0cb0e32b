"""What one running web app stands on: settings, database, images, venues, clock."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from jobs import db
from jobs.resources import Resources


def installation() -> Resources:
    """Everything a view may reach beyond its request."""
    found: Resources = current_app.extensions["hitworks"]
    return found


def now() -> datetime:
    """The door's clock: the one time a request passes down."""
    return installation().clock()


def reading() -> AbstractContextManager[Session]:
    """A consistent view of the database for queries only."""
    return db.reading(installation().sessions)


def writing() -> AbstractContextManager[Session]:
    """One transaction: committed at the end of the block, rolled back on any error."""
    return db.transaction(installation().sessions)
