"""Exports over the API: asked for, then polled until their file is there."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from jobs.exporting import exports
from jobs.exporting.choices import Filters
from jobs.reports.exports import export_list, export_row
from jobs.reports.heads import job_head
from webapp.api.export_shapes import (
    ExportChoices,
    ExportCount,
    ExportOut,
    Exports,
    NewExport,
)
from webapp.api.shapes import PageQuery
from webapp.api.spec import endpoint, reply
from webapp.auth import actor, allow
from webapp.dashboards.exports import send_export
from webapp.installation import now, reading, writing

blueprint = Blueprint("exports", __name__, url_prefix="/jobs/<int:job_id>/exports")


@blueprint.get("")
@endpoint("manager", "read", Exports, tag="exports")
def index(job_id: int, query: PageQuery) -> Response:
    """The exports of a job, newest first."""
    with reading() as session:
        job_head(session, job_id)
        rows = export_list(session, job_id, before=query.after or None, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(Exports(rows=page, next=page[-1].id if len(rows) > query.limit else None))


@blueprint.post("")
@endpoint("manager", "write", ExportOut, status=202, tag="exports")
def make(job_id: int, json: NewExport) -> Response:
    """Pin the labels as they are now; the background writes the file: poll until it is done."""
    with writing() as session:
        row = exports.plan_export(
            session,
            job_id,
            json.format,
            _filters(json),
            _wanted(json),
            name=json.name,
            actor=actor(),
            now=now(),
        )
        made = export_row(session, job_id, row.id)
    return reply(ExportOut(made), 202)


@blueprint.post("/count")
@endpoint("manager", "read", ExportCount, tag="exports")
def count(job_id: int, json: ExportChoices) -> Response:
    """How many labels an export would hold; makes none."""
    with reading() as session:
        found = exports.count_export(session, job_id, json.format, _filters(json), _wanted(json))
    return reply(ExportCount(found))


@blueprint.get("/<int:export_id>")
@endpoint("manager", "read", ExportOut, tag="exports")
def show(job_id: int, export_id: int) -> Response:
    """One export, and how far its file is."""
    with reading() as session:
        return reply(ExportOut(export_row(session, job_id, export_id)))


@blueprint.post("/<int:export_id>/again")
@endpoint("manager", "write", ExportOut, status=202, tag="exports")
def again(job_id: int, export_id: int) -> Response:
    """Write the file once more from the same label versions, and check that it is the same."""
    with writing() as session:
        exports.make_again(session, job_id, export_id, now())
        made = export_row(session, job_id, export_id)
    return reply(ExportOut(made), 202)


@blueprint.get("/<int:export_id>/file")
@allow("manager", scope="read")
def download(job_id: int, export_id: int) -> Response:
    """The file of an export."""
    with reading() as session:
        row = export_row(session, job_id, export_id)
    return send_export(row)


def _filters(json: ExportChoices) -> Filters:
    return Filters(
        kind=json.kind,
        classes=tuple(json.classes),
        tags=tuple(json.tags),
        min_confidence=json.min_confidence,
        only_decided=json.only_decided,
    )


def _wanted(json: ExportChoices) -> dict[str, bool | None]:
    return {
        "confidence": json.with_confidence,
        "provenance": json.with_provenance,
        "licence": json.with_licence,
        "images": json.with_images,
    }
