"""Datasets, their imports, and label schemas over the API."""

from __future__ import annotations

from flask import Blueprint, Response, request

from jobs.background import wake_now
from jobs.intake import intakes
from jobs.reports.datasets import dataset_list, schema_list, schema_row
from jobs.reports.intakes import intake_report, intakes_of, refusals
from jobs.specs.label_schemas import check_examples, parse_schema, save_schema
from webapp import uploads
from webapp.api.shapes import (
    Datasets,
    Import,
    Imports,
    NewImport,
    NewSchema,
    PageQuery,
    PieceKept,
    PieceQuery,
    RefusedPage,
    SchemaOut,
    Schemas,
)
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import installation, now, reading, writing
from webapp.requests import takes_upload

blueprint = Blueprint("datasets", __name__)


@blueprint.get("/datasets")
@endpoint("manager", "read", Datasets, tag="datasets")
def index() -> Response:
    """Every dataset, newest first."""
    with reading() as session:
        return reply(Datasets(rows=dataset_list(session)))


@blueprint.get("/datasets/<int:dataset_id>/imports")
@endpoint("manager", "read", Imports, tag="datasets")
def imports(dataset_id: int) -> Response:
    """The imports into a dataset, newest first."""
    with reading() as session:
        return reply(Imports(rows=intakes_of(session, dataset_id)))


@blueprint.post("/imports")
@endpoint("manager", "write", Import, status=201, tag="datasets")
def begin(json: NewImport) -> Response:
    """Begin an import: of ``place``, or else of files that are sent to it until it is started."""
    said = {"name": json.name, "licence": json.licence, "item_source": json.source}
    with writing() as session:
        if json.place:
            settings = installation().settings
            row = intakes.begin_elsewhere(
                session, settings, place=json.place, actor=actor(), now=now(), **said
            )
        else:
            row = intakes.begin_upload(session, actor=actor(), now=now(), **said)
        report = intake_report(session, row.id)
    wake_now(installation())
    return reply(Import(report), 201)


@blueprint.get("/imports/<int:intake_id>")
@endpoint("manager", "read", Import, tag="datasets")
def show_import(intake_id: int) -> Response:
    """One import: how far it is, and at its end what it took in."""
    with reading() as session:
        return reply(Import(intake_report(session, intake_id)))


@blueprint.put("/imports/<int:intake_id>/files")
@takes_upload
@endpoint("manager", "write", PieceKept, tag="datasets")
def receive(intake_id: int, query: PieceQuery) -> Response:
    """The body, up to 16 MiB, as the bytes of file ``path`` from ``offset`` on.

    A larger file is sent in pieces one after another; a piece sent again lands where it lay.
    """
    length = request.content_length or 0
    place = installation()
    size = uploads.receive_piece(place, intake_id, query.path, query.offset, length, request.stream)
    return reply(PieceKept(size=size))


@blueprint.post("/imports/<int:intake_id>/start")
@endpoint("manager", "write", Import, tag="datasets")
def start(intake_id: int) -> Response:
    """Everything was sent: the background takes it in. A repeat changes nothing."""
    uploads.finish(installation(), intake_id, now())
    wake_now(installation())
    with reading() as session:
        return reply(Import(intake_report(session, intake_id)))


@blueprint.post("/imports/<int:intake_id>/cancel")
@endpoint("manager", "write", Import, tag="datasets")
def cancel(intake_id: int) -> Response:
    """Give an import up: it leaves no item and no file, and soon is not found any more."""
    with writing() as session:
        intakes.cancel(session, intake_id, now())
        report = intake_report(session, intake_id)
    return reply(Import(report))


@blueprint.get("/imports/<int:intake_id>/refused")
@endpoint("manager", "read", RefusedPage, tag="datasets")
def refused(intake_id: int, query: PageQuery) -> Response:
    """Refused rows with their reasons; ``after`` is the row of the last one seen."""
    with reading() as session:
        intake_report(session, intake_id)
        rows = refusals(session, intake_id, after=query.after, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(RefusedPage(rows=page, next=page[-1].row if len(rows) > query.limit else None))


@blueprint.get("/schemas")
@endpoint("manager", "read", Schemas, tag="schemas")
def schemas() -> Response:
    """The newest version of each label schema."""
    with reading() as session:
        return reply(Schemas(rows=schema_list(session)))


@blueprint.post("/schemas")
@endpoint("manager", "write", SchemaOut, status=201, tag="schemas")
def save(json: NewSchema) -> Response:
    """Keep a label schema: a new version, or the one that says the same already."""
    schema = parse_schema(json.model_dump_json(), "schema")
    check_examples(schema, installation().blobs)
    with writing() as session:
        row = schema_row(session, save_schema(session, schema, now()).id)
    return reply(SchemaOut(row), 201)
