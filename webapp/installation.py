"""What one running web app stands on: settings, database, images, venues, clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from flask import current_app, g
from sqlalchemy.orm import Session

from jobs import db, kept_replies
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


@contextmanager
def writing() -> Iterator[Session]:
    """One transaction: committed at the end of the block, rolled back on any error.

    A call that came with a key notes in the same transaction that it has taken effect.
    """
    with db.transaction(installation().sessions) as session:
        yield session
        if (ticket := g.get("ticket")) is not None:
            kept_replies.note_effect(session, ticket)
