"""Exports over the API."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs import exports
from jobs.reports.datasets import export_list, export_row
from jobs.reports.heads import job_head
from webapp.api.shapes import ExportOut, Exports, NewExport
from webapp.api.spec import endpoint, reply
from webapp.auth import actor, allow
from webapp.dashboards.exports import send_export
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("exports", __name__, url_prefix="/jobs/<int:job_id>/exports")


@blueprint.get("")
@endpoint("manager", "read", Exports, tag="exports")
def index(job_id: int) -> Response:
    """The exports of a job, newest first."""
    with reading() as session:
        job_head(session, job_id)
        return reply(Exports(rows=export_list(session, job_id)))


@blueprint.post("")
@endpoint("manager", "write", ExportOut, status=201, tag="exports")
def make(job_id: int, json: NewExport) -> Response:
    """Write the newest labels as a file; the same labels give the same file."""
    place = installation()
    folder = exports.exports_folder(place.settings)
    with reading() as session:
        file = exports.write_file(
            session, place.blobs, job_id, json.format, folder, with_images=json.with_images
        )
    with writing() as session:
        row = exports.record_export(session, job_id, json.format, file, actor=actor(), now=now())
        made = export_row(session, job_id, row.id)
    return reply(ExportOut(made), 201)


@blueprint.get("/<int:export_id>")
@endpoint("manager", "read", ExportOut, tag="exports")
def show(job_id: int, export_id: int) -> Response:
    """One export."""
    with reading() as session:
        return reply(ExportOut(export_row(session, job_id, export_id)))


@blueprint.get("/<int:export_id>/file")
@allow("manager", scope="read")
def download(job_id: int, export_id: int) -> Response:
    """The file of an export."""
    with reading() as session:
        return send_export(job_id, export_row(session, job_id, export_id).file_name)
