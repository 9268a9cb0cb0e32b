"""Templates that requesters write, over the API."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.records import PageSource
from jobs.specs import saved_templates
from webapp.api.shapes import NewTemplate, SavedTemplateOut, Templates
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import now, reading, writing

blueprint = Blueprint("templates", __name__, url_prefix="/templates")


@blueprint.get("")
@endpoint("manager", "read", Templates, tag="templates")
def index() -> Response:
    """The newest version of each saved template, by name."""
    with reading() as session:
        return reply(Templates(rows=saved_templates.newest_of_each(session)))


@blueprint.get("/<name>/versions")
@endpoint("manager", "read", Templates, tag="templates")
def versions(name: str) -> Response:
    """Every version of a template, the newest first."""
    with reading() as session:
        return reply(Templates(rows=saved_templates.versions(session, name)))


@blueprint.post("/<name>/versions")
@endpoint("manager", "write", SavedTemplateOut, status=201, tag="templates")
def save(name: str, json: NewTemplate) -> Response:
    """Keep a new version, or the newest where it has the same text; 409 when `after` is not it."""
    with writing() as session:
        kept = saved_templates.save(
            session,
            name,
            PageSource(json.source, json.language),
            actor=actor(),
            now=now(),
            note=json.note,
            after=json.after,
        )
    return reply(SavedTemplateOut(kept), 201)
