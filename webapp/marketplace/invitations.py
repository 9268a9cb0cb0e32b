"""Links that let an outside crowd in: an account of one's own, or a guest of a study."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.marketplace import qualifying
from webapp.marketplace.accounts import add_worker
from webapp.marketplace.dial import SECOND
from webapp.marketplace.refusals import Declined
from webapp.marketplace.tables.people import Invitation, Worker
from webapp.marketplace.tables.qualifications import QualificationType
from webapp.marketplace.tables.work import Assignment, Hit, HitType

_VISITOR = re.compile(r"[A-Za-z0-9_.:@-]{1,64}")
_MOST_USES = 1_000_000
_LONGEST_SECONDS = 366 * 86_400


def invite(session: Session, given: dict[str, Any], now: int) -> str:
    """The secret token of a new link; only its hash is kept.

    ``kind`` is ``account`` (a visitor makes a name and password) or ``study`` (a visitor
    comes with an id from elsewhere, does HITs of ``hit_type_id`` and leaves with
    ``completion_code`` or to ``redirect_url``, where ``{id}`` and ``{code}`` are filled in).

    Raises:
        Declined: 422, for settings that do not fit.

    """
    kind = given.get("kind", "account")
    if kind not in ("account", "study"):
        raise Declined("kind is account or study.", status=422)
    settings = _study_settings(session, given) if kind == "study" else {}
    settings["qualification_type_id"] = _known_type(session, given.get("qualification_type_id"))
    token = secrets.token_urlsafe(24)
    session.add(
        Invitation(
            token_hash=_hash(token), kind=kind, note=str(given.get("note", ""))[:200],
            max_uses=_number(given, "max_uses", 1, _MOST_USES, 1 if kind == "account" else 1000),
            n_uses=0,
            expires_at=now
            + SECOND * _number(given, "expires_seconds", 60, _LONGEST_SECONDS, 7 * 86_400),
            settings=settings, created_at=now,
        )
    )  # fmt: skip
    return token


def find(session: Session, token: str, kind: str, now: int) -> Invitation:
    """The living invitation of ``token``.

    Raises:
        Declined: 404 for one that is unknown, over or used up: they look alike.

    """
    row = session.scalar(
        select(Invitation)
        .where(Invitation.token_hash == _hash(token), Invitation.kind == kind)
        .with_for_update()
    )
    if row is None or row.expires_at <= now:
        raise Declined("This link is not valid any more.", status=404, title="Not found")
    return row


def use(row: Invitation) -> None:
    """Count one use.

    Raises:
        Declined: every use is taken.

    """
    if row.n_uses >= row.max_uses:
        raise Declined("This link is not valid any more.", status=404, title="Not found")
    row.n_uses += 1


def endow(session: Session, row: Invitation, worker: Worker, now: int) -> None:
    """Give the newcomer the qualification that the link carries."""
    type_id = row.settings.get("qualification_type_id")
    found = session.scalar(
        select(QualificationType).where(QualificationType.qualification_type_id == type_id)
    )
    if found is not None:
        qualifying.grant(session, found, worker, 1, now, tell=False)


def guest(session: Session, row: Invitation, visitor: str, now: int) -> Worker:
    """The guest that stands for a visitor of a study; the same id gives the same guest.

    Raises:
        Declined: an id of odd characters, or no place left.

    """
    if not _VISITOR.fullmatch(visitor):
        raise Declined("The link lacks the participant's id.", status=400, title="Not complete")
    name = f"study-{row.id}:{visitor}"
    found = session.scalar(select(Worker).where(Worker.name == name, Worker.kind == "guest"))
    if found is None:
        use(row)
        found = add_worker(session, name, "guest", now)
        found.only_hit_type_id = row.settings["hit_type_id"]
        endow(session, row, found, now)
    return found


def completion(session: Session, row: Invitation, worker: Worker) -> tuple[int, str, str]:
    """(HITs still to do, the completion code, the address to go on to) of a guest.

    Code and address are empty until the work is done.
    """
    settings = row.settings
    done = session.scalars(
        select(Assignment.id)
        .join(Hit, Assignment.hit_id == Hit.id)
        .join(HitType, Hit.type_id == HitType.id)
        .where(
            Assignment.worker_id == worker.id,
            Assignment.state.in_(("Submitted", "Approved", "Rejected")),
            HitType.hit_type_id == settings["hit_type_id"],
        )
    ).all()
    left = max(0, settings["n_hits"] - len(done))
    if left:
        return left, "", ""
    visitor = worker.name.partition(":")[2]
    return 0, settings["completion_code"], _filled(settings["redirect_url"], visitor, settings)


def _study_settings(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    hit_type_id = given.get("hit_type_id")
    if session.scalar(select(HitType.id).where(HitType.hit_type_id == hit_type_id)) is None:
        raise Declined(f"There is no HIT type {hit_type_id!r}.", status=422)
    url = str(given.get("redirect_url", ""))
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise Declined("redirect_url is an http or https address.", status=422)
    code = str(given.get("completion_code", "")) or secrets.token_hex(4).upper()
    return {
        "hit_type_id": hit_type_id,
        "visitor_parameter": str(given.get("visitor_parameter", "PROLIFIC_PID"))[:64],
        "n_hits": _number(given, "n_hits", 1, 10_000, 1),
        "completion_code": code[:64],
        "redirect_url": url,
    }


def _known_type(session: Session, type_id: Any) -> str | None:
    if type_id is None:
        return None
    known = select(QualificationType.id).where(QualificationType.qualification_type_id == type_id)
    if session.scalar(known) is None:
        raise Declined(f"There is no qualification type {type_id!r}.", status=422)
    return str(type_id)


def _number(given: dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Declined(f"{name} is a whole number from {low} to {high}.", status=422)
    return value


def _filled(url: str, visitor: str, settings: dict[str, Any]) -> str:
    """The address with ``{id}`` and ``{code}`` filled into its query, escaped for it."""
    if not url:
        return ""
    parts = urlsplit(url)
    fills = {"{id}": visitor, "{code}": settings["completion_code"]}
    query = [(name, fills.get(value, value)) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
