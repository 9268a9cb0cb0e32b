"""Datasets and label schemas over the API."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.label_schemas import check_examples, parse_schema, save_schema
from jobs.reports.datasets import dataset_list, schema_list, schema_row
from webapp.api.shapes import Datasets, NewSchema, SchemaOut, Schemas
from webapp.api.spec import endpoint, reply
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("datasets", __name__)


@blueprint.get("/datasets")
@endpoint("manager", "read", Datasets, tag="datasets")
def index() -> Response:
    """Every dataset, newest first."""
    with reading() as session:
        return reply(Datasets(rows=dataset_list(session)))


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
