"""One question on the desk: every answer beside the picture, and the decision about it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs.adjudication import deciding, reserving
from jobs.adjudication.deciding import Verdict
from jobs.adjudication.desk import Desk, open_desk
from jobs.adjudication.reasons import LABEL_REASONS, NO_LABEL_REASONS
from jobs.errors import Conflict, InvalidInput
from jobs.records import LabelSchema
from jobs.reports.datasets import job_schema
from jobs.strict_json import loads
from webapp.adjudication.board import address_of, asked_queue, blueprint, words_of
from webapp.adjudication.voices import voices
from webapp.auth import allow, decider
from webapp.installation import now, reading, writing
from webapp.requests import whole_number

MOST_POSTED = 2_000


@blueprint.get("/jobs/<int:job_id>/items/<int:item_id>/decide/<any(boxes, tags):kind>")
@allow("adjudicator")
def decide(job_id: int, item_id: int, kind: str) -> str:
    """One question with every answer, to accept, correct or draw anew."""
    return _page(job_id, item_id, kind)


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/decide/<any(boxes, tags):kind>")
@allow("adjudicator")
def settle(job_id: int, item_id: int, kind: str) -> Response | tuple[str, int]:
    """Write the decision, or leave it to another person, and go on to the next question.

    What cannot be taken comes back with what happened; nothing of the person's work is lost.
    """
    queue = asked_queue()
    try:
        expected = whole_number("version", low=0, high=10**9)
        with writing() as session:
            value = _value(kind, job_schema(session, job_id))
            made = _act(session, job_id, item_id, kind, value, expected)
            session.flush()
            state = _told(made.origin)
            following = reserving.take_next(session, queue, by=decider(), now=now())
    except Conflict as conflict:
        return _page(job_id, item_id, kind, conflict=str(conflict)), 409
    except InvalidInput as error:
        return _page(job_id, item_id, kind, problem=str(error)), 422
    flash(state)
    if following is None:
        return redirect(url_for("adjudicate.queue", **words_of(queue)))
    return redirect(address_of(following, queue))


def _act(
    session: Any, job_id: int, item_id: int, kind: str, value: dict[str, Any], expected: int
) -> Any:
    """The label version that the pressed button asks for."""
    note = request.form.get("note", "")
    if request.form.get("act") == "ask":
        return deciding.ask(
            session,
            job_id,
            item_id,
            kind,
            note=note,
            value=value,
            by=decider(),
            expected_version=expected,
            now=now(),
        )
    reason = request.form.get("reason", "")
    if reason not in LABEL_REASONS and reason not in NO_LABEL_REASONS:
        known = ", ".join((*LABEL_REASONS, *NO_LABEL_REASONS))
        raise InvalidInput(f"reason: expected one of {known}, got {reason!r:.40}")
    is_label = reason in LABEL_REASONS
    verdict = Verdict(value if is_label else None, reason, note, _sources() if is_label else None)
    return deciding.decide(
        session,
        job_id,
        item_id,
        kind,
        verdict,
        by=decider(),
        expected_version=expected,
        now=now(),
    )


def _told(origin: str) -> str:
    """What was done, in words."""
    return {
        "asked": "Left to another person.",
        "set_aside": "Set aside: it stays out of exports.",
    }.get(origin, "Decided. Earlier versions are kept.")


def _page(job_id: int, item_id: int, kind: str, *, problem: str = "", conflict: str = "") -> str:
    queue = asked_queue()
    with reading() as session:
        desk = open_desk(session, job_id, item_id, kind, queue=queue, by=decider(), now=now())
    said = voices(desk.item, kind, desk.steps, desk.names)
    is_again = request.method == "POST"
    asked = [each for each in desk.schema.attributes if _is_asked(each.name, said, desk)]
    return render_template(
        "adjudicate/desk.html",
        desk=desk,
        job=desk.job,
        item=desk.item,
        kind=kind,
        question=desk.question,
        queue=queue,
        query=words_of(queue),
        voices=said,
        start=_posted(kind, desk) if is_again else desk.start,
        asked=asked or desk.schema.attributes,
        said=request.form if is_again else {},
        label_reasons=LABEL_REASONS,
        no_label_reasons=NO_LABEL_REASONS,
        image_url=url_for("media.whole", key=desk.item.blob_key),
        problem=problem,
        conflict=conflict,
    )


def _is_asked(name: str, said: Any, desk: Desk) -> bool:
    """Whether any answer, the consensus or the decision speaks of this attribute."""
    return any(name in tags for tags in (desk.start.get("tags", {}), *(v.tags for v in said)))


def _value(kind: str, schema: LabelSchema) -> dict[str, Any]:
    """The decision of the form as an answer's value; the service checks it like any answer."""
    if kind == "tags":
        return {"tags": _tags(schema)}
    return {"boxes": _json_list("boxes")}


def _sources() -> list[Any] | None:
    return _json_list("sources") if request.form.get("sources") else None


def _json_list(name: str) -> list[Any]:
    try:
        found = loads(request.form.get(name, ""))
    except ValueError as error:
        raise InvalidInput(f"{name}: expected a JSON list: {error}") from error
    if not isinstance(found, list):
        raise InvalidInput(f"{name}: expected a list, got {type(found).__name__}")
    return found


def _tags(schema: LabelSchema) -> dict[str, Any]:
    """The tags of the form; an attribute that was not shown is not decided."""
    decided: dict[str, Any] = {}
    for each in schema.attributes:
        chosen = request.form.getlist(f"tag-{each.name}")
        if f"asked-{each.name}" in request.form:
            decided[each.name] = chosen if each.kind == "many" else "".join(chosen)
    if not decided:
        raise InvalidInput("tags: expected at least one attribute")
    return decided


def _posted(kind: str, desk: Desk) -> dict[str, Any]:
    """What the person sent, as far as it can be shown again; else what they began from."""
    try:
        value = _value(kind, desk.schema)
    except InvalidInput:
        return dict(desk.start)
    if kind == "tags":
        return value
    shown = [box for box in value["boxes"][:MOST_POSTED] if _can_be_drawn(box)]
    return {"boxes": shown}


def _can_be_drawn(box: Any) -> bool:
    return (
        isinstance(box, dict)
        and isinstance(box.get("label"), str)
        and all(
            type(box.get(side)) in (int, float) and abs(box[side]) < 1e6
            for side in ("left", "top", "right", "bottom")
        )
    )
