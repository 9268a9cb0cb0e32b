"""Webhooks over the API."""

from __future__ import annotations

from flask import Blueprint, Response, g

from jobs import hooks
from webapp.api.shapes import Deliveries, Delivery, Hook, Hooks, NewHook, NewHookOut, PageQuery
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")


@blueprint.get("")
@endpoint("manager", "read", Hooks, tag="hooks")
def index() -> Response:
    """The addresses that hear of events, oldest first."""
    with reading() as session:
        return reply(Hooks(rows=hooks.hooks(session)))


@blueprint.post("")
@endpoint("manager", "write", NewHookOut, status=201, tag="hooks")
def add(json: NewHook) -> Response:
    """Tell an address of events. Its secret is in this reply and never again."""
    with writing() as session:
        made = hooks.add_hook(
            session,
            json.url,
            json.events,
            actor=actor(),
            now=now(),
            may_be_private=installation().settings.hook_private_addresses,
        )
    g.kept_body = NewHookOut(hook=made.hook, secret=None).model_dump_json()
    return reply(NewHookOut(hook=made.hook, secret=made.secret), 201)


@blueprint.delete("/<int:hook_id>")
@endpoint("manager", "write", Hook, tag="hooks")
def end(hook_id: int) -> Response:
    """Tell the address no more."""
    with writing() as session:
        return reply(Hook(hooks.end_hook(session, hook_id, now())))


@blueprint.get("/<int:hook_id>/deliveries")
@endpoint("manager", "read", Deliveries, tag="hooks")
def deliveries(hook_id: int, query: PageQuery) -> Response:
    """What was sent to it, newest first; ``after`` is the id of the last one seen."""
    with reading() as session:
        rows = hooks.deliveries(session, hook_id, before=query.after or None, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(Deliveries(rows=page, next=page[-1].id if len(rows) > query.limit else None))


@blueprint.post("/<int:hook_id>/deliveries/<int:delivery_id>/send")
@endpoint("manager", "write", Delivery, tag="hooks")
def send(hook_id: int, delivery_id: int) -> Response:
    """Send a delivery once more, under its old event id."""
    with writing() as session:
        return reply(Delivery(hooks.send_again(session, hook_id, delivery_id, now())))
