"""Finding work: the list of HIT groups, the preview of a HIT, accepting one."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from webapp.marketplace import assignments, invitations
from webapp.marketplace.content import frame_of
from webapp.marketplace.encoding import cents_of
from webapp.marketplace.market import Market, current_market
from webapp.marketplace.pages.demands import Demand, demands_of, names_of
from webapp.marketplace.pages.frames import allow_frame
from webapp.marketplace.pages.session import needs_worker, signed_in_worker
from webapp.marketplace.refusals import Declined
from webapp.marketplace.standing import standing_for, unmet
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.work import Assignment, Hit, HitType

blueprint = Blueprint("browse", __name__)

_MOST_GROUPS = 200
_BY_ID = select(HitType).where(HitType.hit_type_id == bindparam("id"))


@dataclass(frozen=True)
class Group:
    """One row of the list: HITs of one type, and what keeps the worker from accepting them."""

    hit_type: HitType
    n_hits: int
    lacking: tuple[Demand, ...]


@blueprint.get("/worker")
@needs_worker
def groups() -> str:
    """The HIT groups this worker may find, with search, least reward and order."""
    market, worker = current_market(), signed_in_worker()
    now = market.dial.now()
    search = request.args.get("search", "").strip()[:200]
    with reading(market.sessions) as session:
        found = _groups(session, worker, now)
        accepted = assignments.accepted_by(session, worker, now)
    shown = [group for group in found if _matches(group, search, _least_cents())]
    if request.args.get("sort") == "reward":
        shown.sort(key=lambda group: -group.hit_type.reward_cents)
    return render_template(
        "groups.html",
        groups=shown[:_MOST_GROUPS],
        n_hidden=max(0, len(shown) - _MOST_GROUPS),
        accepted=accepted,
        search=search,
        now=now,
    )


@blueprint.get("/projects/<hit_type_id>/tasks")
@needs_worker
def preview(hit_type_id: str) -> str | BaseResponse:
    """The next HIT of a group, before it is accepted; a study's guest who is done leaves here."""
    market, worker = current_market(), signed_in_worker()
    now = market.dial.now()
    with reading(market.sessions) as session:
        if worker.kind == "guest" and _study_is_done(session, worker, now):
            return redirect(url_for("doors.finished", token=cookie["study"]), 303)
        hit_type = _hit_type(session, hit_type_id)
        standing = standing_for(session, worker, hit_type.requirements)
        assignments.check_allowed(session, worker, hit_type, standing, "preview")
        names = names_of(session, hit_type.requirements)
        hit = _shown_hit(session, worker, hit_type, now)
    frame = frame_of(market, hit)
    allow_frame(market, frame.address)
    return render_template(
        "preview.html",
        hit=hit,
        hit_type=hit_type,
        demands=demands_of(hit_type.requirements, standing, names),
        frame=frame,
        sandbox=market.options.frame_sandbox,
    )


@blueprint.get("/mturk/preview")
@needs_worker
def preview_by_group() -> BaseResponse:
    """The address older tools print: groupId may be a HIT type's or a group's id."""
    group_id = request.args.get("groupId", "")
    with reading(current_market().sessions) as session:
        hit_type = session.scalar(select(HitType).where(HitType.hit_group_id == group_id))
        found = hit_type or _hit_type(session, group_id)
    return redirect(url_for(".preview", hit_type_id=found.hit_type_id), 303)


@blueprint.post("/projects/<hit_type_id>/accept")
@needs_worker
def accept(hit_type_id: str) -> BaseResponse:
    """Accept the previewed HIT, or the next of its group when that one is gone."""
    market, worker = current_market(), signed_in_worker()
    wanted = request.form.get("hit_id", "")
    assignment = write(
        market.sessions, lambda rows: accepted_in(rows, market, worker, hit_type_id, wanted)
    )
    return redirect(url_for("work.task", assignment_id=assignment.assignment_id), 303)


def accepted_in(
    session: Session, market: Market, worker: Worker, hit_type_id: str, hit_id: str = ""
) -> Assignment:
    """A new assignment in the group for the worker.

    Raises:
        Declined: see ``assignments.accept_in_group``.

    """
    hit_type = _hit_type(session, hit_type_id)
    return assignments.accept_in_group(
        session,
        worker,
        hit_type,
        standing_for(session, worker, hit_type.requirements),
        market.options,
        market.dial.now(),
        preferred_hit_id=hit_id,
    )


def _study_is_done(session: Session, worker: Worker, now: int) -> bool:
    if "study" not in cookie:
        return False
    row = invitations.find(session, cookie["study"], "study", now)
    return invitations.completion(session, row, worker)[0] == 0


def _groups(session: Session, worker: Worker, now: int) -> list[Group]:
    groups = assignments.open_groups(session, worker, now)
    asked = [one for hit_type, _ in groups for one in hit_type.requirements]
    standing = standing_for(session, worker, asked)
    names = names_of(session, asked)
    blockers = assignments.blockers_of(session, worker)
    return [
        Group(hit_type, n_hits, _lacking(demands_of(hit_type.requirements, standing, names)))
        for hit_type, n_hits in groups
        if not unmet(hit_type.requirements, "discover", standing)
        and hit_type.requester_id not in blockers
    ]


def _lacking(demands: tuple[Demand, ...]) -> tuple[Demand, ...]:
    return tuple(demand for demand in demands if not demand.is_met)


def _matches(group: Group, search: str, least_cents: int) -> bool:
    hit_type = group.hit_type
    text = " ".join(
        (hit_type.title, hit_type.description, hit_type.keywords, hit_type.requester.name)
    ).lower()
    return hit_type.reward_cents >= least_cents and all(
        word in text for word in search.lower().split()
    )


def _least_cents() -> int:
    text = request.args.get("min_reward", "").strip()
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if not digits.isascii() or not digits.isdecimal() or len(text) > 10:
        return 0
    return cents_of(text if whole else "0" + text)


def _hit_type(session: Session, hit_type_id: str) -> HitType:
    found = session.scalar(_BY_ID, {"id": hit_type_id})
    if found is None:
        raise Declined("There is no such HIT.", status=404, title="Not found")
    return found


def _shown_hit(session: Session, worker: Worker, hit_type: HitType, now: int) -> Hit:
    found = assignments.next_hit(session, worker, hit_type.id, now)
    if found is None:
        raise Declined(
            "There is no HIT left for you in this group.", status=404, title="Nothing left"
        )
    return found
