"""The installation over the API: findings, the switch, limits, people."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, g

from jobs import accounts, findings, intents, work
from jobs.accounts import Person
from jobs.money import parse_usd
from jobs.reports import health
from jobs.reports.findings import finding_list, last_look, pause_switch
from jobs.spending import limits
from webapp.api.acts import (
    Asked,
    FindingQuery,
    Findings,
    Installation,
    LimitsOut,
    NewLimits,
    NewPerson,
    NewPersonOut,
    Note,
    People,
    PersonChange,
    PersonOut,
    Why,
)
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import now, reading, writing

blueprint = Blueprint("installation", __name__)


@blueprint.get("/installation")
@endpoint("manager", "read", Installation, tag="installation")
def show() -> Response:
    """Whether the machinery runs, whether paid calls are stopped, and what may be spent."""
    return reply(_state())


@blueprint.post("/installation/pause")
@endpoint("manager", "spend", Installation, tag="installation")
def pause(json: Why) -> Response:
    """Stop every paid call of this installation."""
    with writing() as session:
        intents.set_pause(session, True, reason=json.reason, actor=actor(), now=now())
    return reply(_state())


@blueprint.post("/installation/resume")
@endpoint("manager", "spend", Installation, tag="installation")
def resume(json: Why) -> Response:
    """Let paid calls be made again; 409 while a finding is open."""
    with writing() as session:
        intents.set_pause(session, False, reason=json.reason, actor=actor(), now=now())
    return reply(_state())


@blueprint.put("/installation/limits/<any(local, sandbox, production):environment>")
@endpoint("manager", "spend", LimitsOut, tag="installation")
def set_limits(environment: str, json: NewLimits) -> Response:
    """What all jobs of an environment together may commit, in all and in an hour."""
    cap, hourly = (
        None if text is None else parse_usd(text, name=name)
        for name, text in (("cap", json.cap), ("hourly", json.hourly))
    )
    with writing() as session:
        limits.set_limits(
            session, environment,
            cap_micros=cap, hourly_micros=hourly, actor=actor(), now=now(),
        )  # fmt: skip
        return reply(LimitsOut(limits.limits_of(session, environment, now())))


@blueprint.get("/findings")
@endpoint("manager", "read", Findings, tag="installation")
def list_findings(query: FindingQuery) -> Response:
    """Differences between our records and the venues'."""
    with reading() as session:
        rows, look = finding_list(session, query.state), last_look(session)
    return reply(Findings(rows=rows, last_look=look))


@blueprint.post("/findings/<int:finding_id>/resolve")
@endpoint("manager", "write", Findings, tag="installation")
def resolve(finding_id: int, json: Note) -> Response:
    """Close a finding with what was found out; gives those still open."""
    with writing() as session:
        findings.resolve(session, finding_id, now(), note=json.note, actor=actor())
        rows, look = finding_list(session, "open"), last_look(session)
    return reply(Findings(rows=rows, last_look=look))


@blueprint.post("/findings/reconcile")
@endpoint("manager", "write", Asked, status=202, tag="installation")
def reconcile() -> Response:
    """Compare our records with the venues in the background; asked twice, it is done once."""
    with writing() as session:
        work.enqueue(session, "reconcile", 0, now())
    return reply(Asked(asked="reconcile", n=1), 202)


@blueprint.get("/people")
@endpoint("admin", "admin", People, tag="people")
def people() -> Response:
    """Everybody who may sign in."""
    with reading() as session:
        return reply(People(rows=accounts.people(session)))


@blueprint.post("/people")
@endpoint("admin", "admin", NewPersonOut, status=201, tag="people")
def add(json: NewPerson) -> Response:
    """Add somebody; their first password is in this reply and never again."""
    password = secrets.token_urlsafe(12)
    with writing() as session:
        made = accounts.create_person(
            session,
            email=json.email,
            name=json.name,
            role=json.role,
            password=password,
            now=now(),
        )
    return _with_password(made, password, 201)


@blueprint.patch("/people/<int:person_id>")
@endpoint("admin", "admin", PersonOut, tag="people")
def change(person_id: int, json: PersonChange) -> Response:
    """Change somebody's role, or close or open their account."""
    with writing() as session:
        changed = accounts.change_person(
            session, person_id, role=json.role, is_active=json.is_active
        )
    return reply(PersonOut(changed))


@blueprint.post("/people/<int:person_id>/password")
@endpoint("admin", "admin", NewPersonOut, tag="people")
def reset(person_id: int) -> Response:
    """Give somebody a fresh password, told once; their sessions end."""
    with writing() as session:
        password = accounts.reset_password(session, person_id)
        found = next(row for row in accounts.people(session) if row.id == person_id)
    return _with_password(found, password, 200)


def _state() -> Installation:
    with reading() as session:
        return Installation(
            health=health(session, now()),
            switch=pause_switch(session),
            limits=tuple(limits.limits_of(session, name, now()) for name in limits.ENVIRONMENTS),
        )


def _with_password(found: Person, password: str, status: int) -> Response:
    """The reply, and what a repeat under its key gets: everything but the password."""
    g.kept_body = NewPersonOut(person=found, password=None).model_dump_json()
    return reply(NewPersonOut(person=found, password=password), status)
