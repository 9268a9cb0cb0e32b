"""Opening an installation, filling it, and signing in."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from waitress.server import create_server

from jobs import calls
from jobs.db import open_engine, reading, transaction
from jobs.installation import migrating
from jobs.reports.heads import job_head
from jobs.resources import Resources
from jobs.settings import Settings
from jobs.tables import Work
from tests.webapp import campaign
from webapp import create_app


def seed(folder: Path, **settings: object) -> None:
    """Fill the data folder ``folder`` and its database."""
    app = open_app(folder, **settings)
    resources: Resources = app.extensions["hitworks"]
    with transaction(resources.sessions) as session:
        campaign.add_people(session)
        campaign.add_dataset(session, resources, folder / "photos", "Photos")
        campaign.add_job(session, resources, dataset="Photos")
        campaign.draft_job(session, dataset="Photos", name="A draft")
        campaign.draft_job(session, dataset="Photos", name="Real money", environment="production")
    close(app)


def open_app(folder: Path, **settings: object) -> Flask:
    """The web app over ``folder``, its tables at the newest version, time standing still."""
    folder.mkdir(parents=True, exist_ok=True)
    values = Settings(data_dir=folder, **settings)  # type: ignore[arg-type]
    engine = open_engine(values.database())
    migrating.upgrade(engine, campaign.NOW)
    engine.dispose()
    app = create_app(values, clock=lambda: campaign.NOW + timedelta(hours=2))
    app.config.update(TESTING=True, STREAM_SECONDS=0.0)
    return app


def launched(app: Flask, job_id: int) -> str:
    """The job's state after the background has carried its launch out, or refused it."""
    place = app.extensions["hitworks"]
    with reading(place.sessions) as session:
        row = session.scalars(select(Work).where(Work.key == f"launch_job:{job_id}")).one()
    calls.run(place, row.id, "here")
    with reading(place.sessions) as session:
        return job_head(session, job_id).state


def close(app: Flask) -> None:
    """Give the database connections back."""
    app.extensions["hitworks"].sessions.kw["bind"].dispose()


def sign_in(app: Flask, role: str = "manager") -> FlaskClient:
    """A browser in which the person of ``role`` is signed in; forms need no token."""
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    answer = client.post(
        "/sign-in", data={"email": f"{role}@example.org", "password": campaign.PASSWORD}
    )
    assert answer.status_code == 302, answer.text
    return client


class Site:
    """A running web app with the seeded installation."""

    def __init__(self, folder: Path) -> None:
        self.app = open_app(folder)
        self._server = create_server(self.app, host="127.0.0.1", port=0, threads=8)
        self.address = f"http://127.0.0.1:{self._server.effective_port}"
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    @property
    def sessions(self):  # type: ignore[no-untyped-def]
        return self.app.extensions["hitworks"].sessions

    def stop(self) -> None:
        self._server.trigger.pull_trigger(self._server.close)  # in the loop's own thread
        self._thread.join(timeout=10)
        self._server.task_dispatcher.shutdown()
        close(self.app)
