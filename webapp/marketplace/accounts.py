"""Accounts: requesters by access key, workers by name. There is no open sign-up."""

from __future__ import annotations

import re
import secrets

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from webapp.marketplace import books
from webapp.marketplace.identifiers import new_id, new_person_id
from webapp.marketplace.options import Options
from webapp.marketplace.refusals import Declined
from webapp.marketplace.tables.people import Requester, Worker
from webapp.marketplace.tables.qualifications import Qualification, QualificationType

LOCAL_KEY = "local"
INHOUSE_KEY = "inhouse"
STAFF_QUALIFICATION = "In-house staff"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_LEAST_PASSWORD = 8
_NOBODYS_HASH = generate_password_hash(secrets.token_hex(16))


def seed_accounts(session: Session, options: Options, now: int) -> None:
    """The accounts ``local`` and ``inhouse``, and the qualification of staff. Safe to repeat."""
    requester_for(session, LOCAL_KEY, options, now)
    inhouse = requester_for(session, INHOUSE_KEY, options, now)
    if not session.scalar(select(QualificationType).where(QualificationType.for_staff)):
        session.add(
            QualificationType(
                qualification_type_id=new_id(),
                requester_id=inhouse.id,
                name=STAFF_QUALIFICATION,
                living_name=STAFF_QUALIFICATION,
                description="Signed-in staff of this installation.",
                status="Active",
                for_staff=True,
                created_at=now,
                used_at=now,
            )
        )


def requester_for(session: Session, access_key: str, options: Options, now: int) -> Requester:
    """The account of ``access_key``, made with the starting balance when it is new."""
    found = find_requester(session, access_key)
    if found:
        return found
    try:
        with session.begin_nested():
            return add_requester(session, access_key, options, now)
    except IntegrityError:
        return session.scalars(select(Requester).where(Requester.access_key == access_key)).one()


def find_requester(session: Session, access_key: str) -> Requester | None:
    """The account of ``access_key``, if there is one."""
    return session.scalar(select(Requester).where(Requester.access_key == access_key))


def add_requester(
    session: Session, access_key: str, options: Options, now: int, *, secret_key: str = "",
    balance_cents: int | None = None,
) -> Requester:  # fmt: skip
    """A new account with money in it. The key ``inhouse`` makes an account without fees."""
    kind = "inhouse" if access_key == INHOUSE_KEY else "crowd"
    requester = Requester(
        customer_id=new_person_id(),
        access_key=access_key,
        secret_key=secret_key,
        name="In-house" if kind == "inhouse" else access_key[:64],
        kind=kind,
        available_cents=0,
        held_cents=0,
        created_at=now,
    )
    session.add(requester)
    session.flush()
    cents = options.starting_balance_cents if balance_cents is None else balance_cents
    if cents:
        books.deposit(session, requester.id, cents, key=f"start:{requester.id}", now=now)
        session.refresh(requester)
    return requester


def create_worker(
    session: Session, *, name: str, password: str, now: int, staff: bool = False,
    country: str = "US", subdivision: str = "", is_master: bool = False,
) -> Worker:  # fmt: skip
    """A worker who can sign in; staff get every qualification meant for staff.

    Raises:
        Declined: for a name that is taken or odd, or a short password.

    """
    if not _NAME.fullmatch(name):
        raise Declined(
            "A name has 1 to 64 letters, digits or . _ @ + - and starts with a letter or digit.",
            status=422,
        )
    if len(password) < _LEAST_PASSWORD:
        raise Declined(f"A password has at least {_LEAST_PASSWORD} characters.", status=422)
    if session.scalar(select(Worker.id).where(Worker.name == name)):
        raise Declined(f"The name {name} is taken.", status=409)
    worker = add_worker(
        session, name, "staff" if staff else "crowd", now, password_hash=hashed(password)
    )
    worker.country, worker.subdivision, worker.is_master = country, subdivision, is_master
    return worker


def add_worker(
    session: Session, name: str, kind: str, now: int, *, password_hash: str = ""
) -> Worker:
    """A worker's row; ``kind`` is staff, crowd or guest (of an outside study, without password)."""
    worker = Worker(
        worker_id=new_person_id(), name=name, kind=kind, password_hash=password_hash, epoch=0,
        accepts_next=False, is_disabled=False, is_adult=True, created_at=now,
    )  # fmt: skip
    session.add(worker)
    session.flush()
    if kind == "staff":
        for type_id in session.scalars(
            select(QualificationType.id).where(QualificationType.for_staff)
        ):
            session.add(
                Qualification(type_id=type_id, worker_id=worker.id, value=1, granted_at=now)
            )
    return worker


def hashed(password: str) -> str:
    """A salted hash of ``password``."""
    return generate_password_hash(password)


def signed_in(session: Session, name: str, password: str) -> Worker | None:
    """The worker of that name and password; a wrong name takes as long as a wrong password."""
    worker = session.scalar(select(Worker).where(Worker.name == name))
    fits = check_password_hash((worker and worker.password_hash) or _NOBODYS_HASH, password)
    if worker is None or not worker.password_hash or worker.is_disabled:
        return None
    return worker if fits else None
