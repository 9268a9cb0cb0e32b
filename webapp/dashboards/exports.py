"""Labels out as files: chosen here, written in the background, kept, made again later."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_from_directory, url_for
from werkzeug.wrappers import Response

from jobs import formats
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.exporting import exports
from jobs.exporting.choices import Filters, fits, in_words
from jobs.exporting.files import exports_folder
from jobs.formats import EXTRAS
from jobs.records import LabelSchema
from jobs.reports.datasets import job_schema
from jobs.reports.exports import ExportRow, export_list, export_row
from jobs.reports.heads import job_head
from webapp.auth import actor, allow, limiter
from webapp.installation import installation, now, reading, writing
from webapp.requests import cursor

blueprint = Blueprint("exports", __name__, url_prefix="/jobs/<int:job_id>/exports")

N_SHOWN = 50
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?", re.ASCII)

FORMAT_WORDS = {
    "coco": ("COCO JSON", "Boxes, for most training code. Tags stand beside each image."),
    "yolo": ("YOLO", "An archive with one text file of boxes for each image, and the class list."),
    "voc": ("Pascal VOC", "An archive with one XML file of boxes for each image."),
    "jsonl": ("JSON lines", "Boxes and tags, one line for each label, with everything known."),
    "csv_tags": ("CSV", "Tags, one row for each image, for programs: cells exactly as answered."),
    "csv_spreadsheet": (
        "CSV for spreadsheets",
        "The same for Excel and LibreOffice: text that starts like a formula is quoted.",
    ),
}
EXTRA_WORDS = {
    "confidence": (
        "Confidence and agreement",
        "How sure each label is, how close its answers were to each other, and, where the format "
        "has room, a score for each box.",
    ),
    "provenance": (
        "Provenance",
        "Who voted with what weight, by which method and version, and why a person decided. "
        "Workers appear under a pseudonym that holds within this job.",
    ),
    "licence": (
        "Licence and source",
        "What the dataset states of each image; archives get LICENCES.txt as well. Where the "
        "dataset is silent, so is the file.",
    ),
    "images": ("Images", "The pictures themselves, inside the archive."),
}


@dataclass(frozen=True)
class Offer:
    """A format as the page offers it."""

    name: str
    title: str
    text: str
    holds: tuple[str, ...]
    kinds: tuple[str, ...]


@blueprint.get("")
@allow("manager")
def index(job_id: int) -> str:
    """The exports of a job, and the form for another."""
    return _page(job_id)


@blueprint.get("/list")
@allow("manager")
def list_part(job_id: int) -> str:
    """The exports as a part of the page, asked for again while one is being written."""
    with reading() as session:
        head = job_head(session, job_id)
        return render_template("exports/_list.html", job=head, **_rows(job_id, session))


@blueprint.get("/count")
@allow("manager")
def count_part(job_id: int) -> str:
    """How many labels the choices of the query name, in words."""
    form, filters, wanted = _chosen(request.args)
    with reading() as session:
        found = exports.count_export(session, job_id, form, filters, wanted)
    return render_template("exports/_count.html", found=found)


@blueprint.post("")
@allow("manager")
@limiter.limit("30 per minute")
def make(job_id: int) -> Response | tuple[str, int]:
    """Pin the chosen labels as they are now; the background writes the file."""
    try:
        form, filters, wanted = _chosen(request.form)
        with writing() as session:
            row = exports.plan_export(
                session,
                job_id,
                form,
                filters,
                wanted,
                name=request.form.get("name", ""),
                actor=actor(),
                now=now(),
            )
            told = f"“{row.name}” holds {row.n_labels:,} labels as they are now."
    except (InvalidInput, Conflict) as error:
        return _page(job_id, error=str(error)), 409 if isinstance(error, Conflict) else 422
    flash(f"{told} Its file is being written.")
    return redirect(url_for("exports.index", job_id=job_id))


@blueprint.post("/<int:export_id>/again")
@allow("manager")
@limiter.limit("30 per minute")
def again(job_id: int, export_id: int) -> Response:
    """Write the file once more from the same label versions, and compare the bytes."""
    with writing() as session:
        row = exports.make_again(session, job_id, export_id, now())
        told = f"“{row.name}” is being written again from the same label versions."
    flash(told)
    return redirect(url_for("exports.index", job_id=job_id))


@blueprint.get("/<int:export_id>/file")
@allow("manager")
def download(job_id: int, export_id: int) -> Response:
    """The file of a finished export."""
    with reading() as session:
        row = export_row(session, job_id, export_id)
    return send_export(row)


def send_export(row: ExportRow) -> Response:
    """A file of the exports folder as a download whose type no browser guesses."""
    if not row.file_name:
        raise NotFound(f"export {row.id}: its file is not written yet")
    folder = exports_folder(installation().settings)
    if not (folder / row.file_name).is_file():
        raise NotFound(f"export {row.id}: its file is not on this machine; make it again")
    return send_from_directory(
        folder, row.file_name, as_attachment=True, mimetype="application/octet-stream"
    )


def _page(job_id: int, error: str = "") -> str:
    with reading() as session:
        head = job_head(session, job_id)
        schema = job_schema(session, job_id)
        rows = _rows(job_id, session)
    offers = _offers(schema)
    return render_template(
        "exports/index.html",
        job=head,
        schema=schema,
        offers=offers,
        extras=EXTRA_WORDS,
        form=request.form,
        chosen=request.form.get("format", offers[0].name if offers else ""),
        error=error,
        **rows,
    )


def _rows(job_id: int, session: Any) -> dict[str, Any]:
    before = cursor() or None
    rows = export_list(session, job_id, before=before, limit=N_SHOWN + 1)
    older = rows[N_SHOWN - 1].id if len(rows) > N_SHOWN else None
    return {
        "rows": rows[:N_SHOWN],
        "older": older,
        "before": before,
        "titles": FORMAT_WORDS,
        "in_words": in_words,
    }


def _offers(schema: LabelSchema) -> list[Offer]:
    """The formats that hold what this question asks for."""
    found = []
    order = list(FORMAT_WORDS)
    for name in sorted(formats.names_with("write"), key=lambda name: _place(name, order)):
        kinds = tuple(kind for kind in formats.label_writer(name)[2] if fits(schema, kind))
        title, text = FORMAT_WORDS.get(name, (name, ""))
        if kinds:
            found.append(Offer(name, title, text, formats.held_by(name), kinds))
    return found


def _place(name: str, order: list[str]) -> tuple[int, str]:
    """Formats with words of ours first, in the order of those; a new one comes after them."""
    return (order.index(name) if name in order else len(order), name)


def _chosen(given: Any) -> tuple[str, Filters, dict[str, bool | None]]:
    """The form's choices, as far as a form can say them."""
    filters = Filters(
        kind=given.get("kind", ""),
        classes=tuple(given.getlist("class")),
        tags=tuple(given.getlist("tag")),
        min_confidence=_share(given.get("min_confidence", "").strip()),
        only_decided="only_decided" in given,
    )
    asked = set(given.getlist("with"))
    if strange := asked - set(EXTRAS):
        raise InvalidInput(f"with: expected some of {', '.join(EXTRAS)}, got {min(strange)!r:.40}")
    return given.get("format", ""), filters, {name: name in asked for name in EXTRAS}


def _share(text: str) -> float:
    """A percentage as a share in [0, 1]; nothing is 0."""
    if not text:
        return 0.0
    if not _PERCENT.fullmatch(text) or float(text) > 100:
        raise InvalidInput(f"min_confidence: expected 0 to 100 percent, got {text!r:.40}")
    return round(float(text) / 100, 6)
