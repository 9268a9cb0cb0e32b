"""Whether the machinery runs, and what this installation uses."""

from __future__ import annotations

from flask import Blueprint, render_template
from sqlalchemy.engine import make_url

from jobs import providers, taggers
from jobs.reports import health
from webapp.auth import allow
from webapp.installation import installation, now, reading

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
@allow("manager")
def page() -> str:
    """Background work, unknown outcomes, the pause switch, and the places in use."""
    settings = installation().settings
    with reading() as session:
        state = health(session, now())
    places = (
        ("Web address", settings.web_url()),
        ("Database", make_url(settings.database()).render_as_string(hide_password=True)),
        ("Images", settings.blob_url or f"{settings.data_dir / 'blobs'}"),
        ("Data folder", str(settings.data_dir)),
        ("Marketplace", settings.local_mturk()),
        ("Venues", ", ".join(providers.names())),
        ("Taggers", ", ".join(taggers.names())),
    )
    return render_template("health/page.html", health=state, places=places)
