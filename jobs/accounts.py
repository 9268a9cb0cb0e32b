"""People who sign in, and the tokens their programs carry.

Passwords are kept as scrypt hashes, tokens as SHA-256 of 256 random bits. The first
administrator is made with a token that only someone who reads the data folder knows.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.tables import ApiToken, User

ROLES = ("annotator", "adjudicator", "manager", "admin")  # each may do what those before it may
SCOPES = ("read", "write", "spend", "admin")
MIN_PASSWORD = 12
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,189}")
_FIRST_RUN_FILE = "first-run-token"
_TOKEN_PREFIX = "hwk_"  # noqa: S105 - a public mark, so that scanners of leaked secrets find it


@dataclass(frozen=True)
class Person:
    """Someone who may sign in. ``session_version`` ends every older session when it rises."""

    id: int
    email: str
    name: str
    role: str
    session_version: int
    is_active: bool
    created_at: datetime

    def may(self, role: str) -> bool:
        """Whether this person's role reaches ``role``."""
        return self.is_active and ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Token:
    """An API token as it may be shown: never its secret."""

    id: int
    person_id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class NewToken:
    """A token just made; ``secret`` can be shown this once and never again."""

    token: Token
    secret: str


@dataclass(frozen=True)
class Bearer:
    """Who a request's token speaks for, and what it may do."""

    person: Person
    scopes: frozenset[str]


def secret_file(path: Path, n_bytes: int = 32) -> str:
    """The secret text in ``path``, made at random when absent and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(n_bytes))
    return path.read_text(encoding="ascii").strip()


def needs_first_run(session: Session) -> bool:
    """Whether nobody can sign in yet."""
    return session.scalar(select(User.id).limit(1)) is None


def first_run_token(session: Session, data_dir: Path) -> str | None:
    """The token that makes the first administrator, or None once somebody exists."""
    if not needs_first_run(session):
        return None
    return secret_file(data_dir / _FIRST_RUN_FILE, 24)


def claim_first_run(
    session: Session,
    data_dir: Path,
    *,
    token: str,
    email: str,
    name: str,
    password: str,
    now: datetime,
) -> Person:
    """The first administrator. The token works once, on an installation without people.

    Raises:
        Conflict: when somebody exists already.
        InvalidInput: for a wrong token, address or password.

    """
    expected = first_run_token(session, data_dir)
    if expected is None:
        raise Conflict("first run: somebody can already sign in; ask an administrator to add you")
    if not hmac.compare_digest(expected.encode(), token.strip().encode()):
        raise InvalidInput(
            f"token: expected the text of {data_dir / _FIRST_RUN_FILE}, got something else"
        )
    person = create_person(
        session, email=email, name=name, password=password, role="admin", now=now
    )
    (data_dir / _FIRST_RUN_FILE).unlink(missing_ok=True)
    return person


def create_person(
    session: Session, *, email: str, name: str, password: str, role: str, now: datetime
) -> Person:
    """A new person who may sign in with ``password``.

    Raises:
        InvalidInput: for an address, name, role or password that will not do.
        Conflict: when the address is taken.

    """
    row = User(
        email=_checked_email(email),
        name=_checked_text(name, "name", 200),
        password_hash=generate_password_hash(_checked_password(password)),
        role=_checked_role(role),
        created_at=now,
    )
    if session.scalar(select(User.id).where(User.email == row.email)) is not None:
        raise Conflict(f"email: {row.email} belongs to somebody already")
    session.add(row)
    session.flush()
    return _person(row)


def sign_in(session: Session, email: str, password: str) -> Person:
    """The person of this address and password.

    Raises:
        InvalidInput: with the same words and after the same work, whichever was wrong.

    """
    row = session.scalar(select(User).where(User.email == email.strip().lower()[:254]))
    known = row.password_hash if row is not None else _decoy_hash()
    right = check_password_hash(known, password[:1000])
    if row is None or not right or not row.is_active:
        raise InvalidInput("email and password: expected a pair we know, got another")
    return _person(row)


def person_of_session(session: Session, person_id: int, session_version: int) -> Person | None:
    """The active person of a session cookie, or None when that session has ended."""
    row = session.get(User, person_id)
    if row is None or not row.is_active or row.session_version != session_version:
        return None
    return _person(row)


def people(session: Session) -> tuple[Person, ...]:
    """Everybody, by address."""
    return tuple(_person(row) for row in session.scalars(select(User).order_by(User.email)))


def change_password(session: Session, person_id: int, *, old: str, new: str) -> Person:
    """The person with a new password; every other session ends."""
    row = _row(session, person_id)
    if not check_password_hash(row.password_hash, old[:1000]):
        raise InvalidInput("current password: expected the one in force, got another")
    row.password_hash = generate_password_hash(_checked_password(new))
    row.session_version += 1
    session.flush()
    return _person(row)


def reset_password(session: Session, person_id: int) -> str:
    """A fresh password for somebody, to be shown once; all their sessions end."""
    row = _row(session, person_id)
    password = secrets.token_urlsafe(12)
    row.password_hash = generate_password_hash(password)
    row.session_version += 1
    return password


def sign_out_everywhere(session: Session, person_id: int) -> None:
    """End every session of a person, this one included."""
    _row(session, person_id).session_version += 1


def change_person(session: Session, person_id: int, *, role: str, is_active: bool) -> Person:
    """The person with this role and state; a session of a person who may not sign in ends.

    Raises:
        Conflict: when nobody would be left to administer.

    """
    row = _row(session, person_id)
    if row.role == "admin" and row.is_active and not (role == "admin" and is_active):
        others = select(func.count(User.id)).where(
            User.role == "admin", User.is_active, User.id != person_id
        )
        if not session.scalar(others):
            raise Conflict(f"{row.email} is the last administrator: make another one first")
    row.role = _checked_role(role)
    row.is_active = is_active
    session.flush()
    return _person(row)


def issue_token(
    session: Session, person_id: int, *, name: str, scopes: tuple[str, ...], now: datetime
) -> NewToken:
    """A new API token of a person. Only its hash is kept."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"scopes: expected some of {', '.join(SCOPES)}, got {list(scopes)!r}")
    secret = _TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=_row(session, person_id).id,
        name=_checked_text(name, "name", 200),
        token_sha256=_token_hash(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return NewToken(_token(row), secret)


def bearer(session: Session, secret: str) -> Bearer | None:
    """Who ``secret`` speaks for, or None for an unknown or revoked one or a closed account."""
    if not secret.startswith(_TOKEN_PREFIX) or len(secret) > 200:
        return None
    found = session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_sha256 == _token_hash(secret), ApiToken.revoked_at.is_(None))
    ).first()
    if found is None or not found.User.is_active:
        return None
    return Bearer(_person(found.User), frozenset(found.ApiToken.scopes))


def tokens(session: Session, person_id: int) -> tuple[Token, ...]:
    """A person's tokens, newest first."""
    query = select(ApiToken).where(ApiToken.user_id == person_id).order_by(ApiToken.id.desc())
    return tuple(_token(row) for row in session.scalars(query))


def revoke_token(session: Session, person_id: int, token_id: int, now: datetime) -> None:
    """The person's token stops working; a repeat changes nothing."""
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != person_id:
        raise NotFound(f"token {token_id}: not found")
    row.revoked_at = row.revoked_at or now


@cache
def _decoy_hash() -> str:
    """A hash of nothing anyone knows: an unknown address takes as long as a wrong password."""
    return generate_password_hash(secrets.token_hex())


def _row(session: Session, person_id: int) -> User:
    row = session.get(User, person_id)
    if row is None:
        raise NotFound(f"person {person_id}: not found")
    return row


def _person(row: User) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        session_version=row.session_version,
        is_active=row.is_active,
        created_at=row.created_at,
    )


def _token(row: ApiToken) -> Token:
    scopes: list[Any] = row.scopes
    return Token(row.id, row.user_id, row.name, tuple(scopes), row.created_at, row.revoked_at)


def _token_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _checked_email(email: str) -> str:
    plain = email.strip().lower()
    if not _EMAIL.fullmatch(plain):
        raise InvalidInput(f"email: expected an address such as ana@example.org, got {email!r:.80}")
    return plain


def _checked_text(text: str, name: str, longest: int) -> str:
    plain = " ".join(text.split())
    if not 1 <= len(plain) <= longest:
        raise InvalidInput(f"{name}: expected 1 to {longest} characters, got {len(plain)}")
    return plain


def _checked_password(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= 1000:
        raise InvalidInput(
            f"password: expected {MIN_PASSWORD} to 1,000 characters, got {len(password)}"
        )
    return password


def _checked_role(role: str) -> str:
    if role not in ROLES:
        raise InvalidInput(f"role: expected one of {', '.join(ROLES)}, got {role!r:.40}")
    return role
