"""Items of a job: a grid of thumbnails, and one item with every answer drawn over it."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from jobs.adjudication.seeing import decisions_for, item_for
from jobs.errors import InvalidInput
from jobs.records import WAITING, LabelSchema
from jobs.reports import ItemFilter, item_page
from jobs.reports.datasets import job_schema
from jobs.reports.heads import job_head, route_names, worker_names
from webapp.auth import allow, decider, person
from webapp.explaining import why
from webapp.installation import reading
from webapp.overlay import layers
from webapp.requests import cursor

blueprint = Blueprint("items", __name__, url_prefix="/jobs/<int:job_id>/items")

N_TILES = 60
LONGEST_NAME = 400
STATES = ("open", "sure", "conflict", "second_look", "disputed", "adjudicated", "set_aside")


@blueprint.get("")
@allow("adjudicator")
def index(job_id: int) -> str:
    """Thumbnails, filtered, a page at a time; only the tiles when a script asks for more."""
    filters = _filters()
    with reading() as session:
        summary = job_head(session, job_id)
        rows = item_page(session, job_id, after=cursor(), limit=N_TILES + 1, filters=filters)
        chosen = filters.worker_id
        workers = worker_names(session, job_id, chosen=chosen) if person().may("manager") else ()
        routes = route_names(session, job_id)
        schema = job_schema(session, job_id)
    template = "items/_tiles.html" if "more" in request.args else "items/index.html"
    return render_template(
        template,
        job=summary,
        rows=rows[:N_TILES],
        next_after=rows[N_TILES - 1].item_id if len(rows) > N_TILES else None,
        filters=filters,
        workers=workers,
        routes=routes,
        classes=schema.classes,
        tags=_tags(schema),
        states=STATES,
        query={k: v for k, v in request.args.items() if k not in ("after", "more") and v},
    )


@blueprint.get("/<int:item_id>")
@allow("adjudicator")
def item(job_id: int, item_id: int) -> str:
    """One item: every worker's boxes and tags, the consensus, and why the label is what it is."""
    with reading() as session:
        summary = job_head(session, job_id)
        view = item_for(session, job_id, item_id, decider().name)
        acts = decisions_for(session, job_id, item_id, decider().name)
    voices = layers(view)
    return render_template(
        "items/item.html",
        job=summary,
        item=view,
        layers=voices,
        tag_names=sorted({name for layer in voices for name in layer.tags}),
        image_url=url_for("media.whole", key=view.blob_key),
        acts={f"{act.kind}{act.version}": act for act in acts},
        waiting=WAITING,
        why={question.kind: why(view, question) for question in view.questions},
    )


def _filters() -> ItemFilter:
    return ItemFilter(
        kind=_one_of("kind", ("boxes", "tags")),
        state=_one_of("state", STATES),
        most_confidence=_share("confidence"),
        most_agreement=_share("agreement"),
        worker_id=_row_id("worker"),
        route_id=_row_id("route"),
        class_name=_short("class"),
        tag=_short("tag"),
    )


def _short(name: str) -> str:
    text = request.args.get(name, "")
    if len(text) > LONGEST_NAME:
        raise InvalidInput(f"{name}: expected at most {LONGEST_NAME} characters, got {len(text)}")
    return text


def _tags(schema: LabelSchema) -> list[str]:
    """Every option of every attribute, as the filter names it."""
    return [
        f"{attribute.name}={option}"
        for attribute in schema.attributes
        for option in attribute.options
    ]


def _one_of(name: str, known: tuple[str, ...]) -> str:
    text = request.args.get(name, "")
    if text and text not in known:
        raise InvalidInput(f"{name}: expected one of {', '.join(known)}, got {text!r:.40}")
    return text


def _share(name: str) -> float | None:
    """A percentage of the query as a share in [0, 1]."""
    text = request.args.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        raise InvalidInput(f"{name}: expected a whole percentage from 0 to 100, got {text!r:.40}")
    return int(text) / 100


def _row_id(name: str) -> int | None:
    return cursor(name) or None
