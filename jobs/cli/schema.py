"""Questions: box classes and attributes, kept in versions."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.planning.planning import find_schema
from jobs.reports.datasets import schema_list
from jobs.settings import Settings
from jobs.specs.label_schemas import parse_schema, save_schema, store_examples, to_body


@click.group("schema")
def group() -> None:
    """Label schemas: what is asked of an image."""


@group.command("save")
@click.argument("path", type=click.Path(path_type=Path))
@_door.json_option
@_door.settings_of
def save(settings: Settings, path: Path, as_json: bool) -> None:
    """Save a schema file (YAML or JSON) as a new version; the same text is no new version."""
    schema = parse_schema(_door.read_text(path), str(path))
    with _door.writing(settings) as session:
        kept = store_examples(schema, path.parent, open_blobs(settings))
        row = save_schema(session, kept, _door.now())
        saved = {"name": row.name, "version": row.version, "sha256": row.sha256}
    _door.show(saved, as_json, f"{saved['name']}@{saved['version']}")


@group.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@_door.json_option
def check(path: Path, as_json: bool) -> None:
    """Check a schema file without saving it."""
    schema = parse_schema(_door.read_text(path), str(path))
    counts = f"{len(schema.classes)} classes, {len(schema.attributes)} attributes"
    _door.show(to_body(schema), as_json, f"{schema.name}: {counts}")


@group.command("list")
@_door.json_option
@_door.settings_of
def list_schemas(settings: Settings, as_json: bool) -> None:
    """The newest version of each schema."""
    with _door.reading(settings) as session:
        rows = schema_list(session)
    _door.show(
        rows, as_json, _door.table(("schema", "version"), [(r.name, r.version) for r in rows])
    )


@group.command("show")
@click.argument("name")
@click.option("--json", is_flag=True, expose_value=False, help="Print JSON, as it does anyway.")
@_door.settings_of
def show(settings: Settings, name: str) -> None:
    """A saved schema as JSON; NAME, or NAME@VERSION."""
    with _door.reading(settings) as session:
        body = find_schema(session, name).body
    _door.show(body, True)
