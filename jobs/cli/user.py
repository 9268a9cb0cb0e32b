"""People who may sign in to the web app, and their tokens."""

from __future__ import annotations

import click
from sqlalchemy.orm import Session

from jobs import accounts
from jobs.cli import _door
from jobs.errors import NotFound
from jobs.settings import Settings


@click.group("user")
def group() -> None:
    """People who may sign in, and API tokens."""


@group.command("add")
@click.argument("email")
@click.option("--name", required=True, help="As the pages show it.")
@click.option(
    "--role",
    type=click.Choice(accounts.ROLES),
    default="manager",
    show_default=True,
    help="What the person may do.",
)
@click.password_option(help="Asked for when not given.")
@_door.json_option
@_door.settings_of
def add(settings: Settings, email: str, name: str, role: str, password: str, as_json: bool) -> None:
    """Add somebody who may sign in."""
    with _door.writing(settings) as session:
        person = accounts.create_person(
            session, email=email, name=name, password=password, role=role, now=_door.now()
        )
        made = {"email": person.email, "name": person.name, "role": person.role}
    _door.show(made, as_json, f"{made['email']}: {made['role']}")


@group.command("list")
@_door.json_option
@_door.settings_of
def list_people(settings: Settings, as_json: bool) -> None:
    """Everybody who may sign in."""
    with _door.reading(settings) as session:
        rows = accounts.people(session)
    shown = [(row.email, row.name, row.role, "" if row.is_active else "closed") for row in rows]
    _door.show(rows, as_json, _door.table(("email", "name", "role", ""), shown))


@group.command("change")
@click.argument("email")
@click.option("--role", type=click.Choice(accounts.ROLES), help="What the person may do.")
@click.option("--open/--closed", "is_open", default=None, help="Whether they may sign in.")
@_door.json_option
@_door.settings_of
def change(
    settings: Settings, email: str, role: str | None, is_open: bool | None, as_json: bool
) -> None:
    """Change somebody's role, or close or open their account."""
    with _door.writing(settings) as session:
        person_id = _person_id(session, email)
        before = next(row for row in accounts.people(session) if row.id == person_id)
        changed = accounts.change_person(
            session,
            person_id,
            role=role or before.role,
            is_active=before.is_active if is_open is None else is_open,
        )
    state = "may sign in" if changed.is_active else "may not sign in"
    _door.show(changed, as_json, f"{changed.email}: {changed.role}, {state}")


@group.command("password")
@click.argument("email")
@_door.json_option
@_door.settings_of
def password(settings: Settings, email: str, as_json: bool) -> None:
    """Give somebody a fresh password, shown this once; their sessions end."""
    with _door.writing(settings) as session:
        fresh = accounts.reset_password(session, _person_id(session, email))
    _door.show({"email": email, "password": fresh}, as_json, fresh)


@group.command("tokens")
@click.argument("email")
@_door.json_option
@_door.settings_of
def list_tokens(settings: Settings, email: str, as_json: bool) -> None:
    """Somebody's API tokens, newest first."""
    with _door.reading(settings) as session:
        rows = accounts.tokens(session, _person_id(session, email))
    shown = [
        (row.id, row.name, ", ".join(row.scopes), "revoked" if row.revoked_at else "")
        for row in rows
    ]
    _door.show(rows, as_json, _door.table(("id", "name", "scopes", ""), shown))


@group.command("revoke")
@click.argument("email")
@click.argument("token_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def revoke(settings: Settings, email: str, token_id: int, as_json: bool) -> None:
    """End one of somebody's API tokens: it stops working at once."""
    with _door.writing(settings) as session:
        accounts.revoke_token(session, _person_id(session, email), token_id, _door.now())
    _door.show({"id": token_id, "state": "revoked"}, as_json, f"token {token_id}: revoked")


@group.command("token")
@click.argument("email")
@click.option("--name", required=True, help="What the token is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(accounts.SCOPES),
    help="What it may do: read, if not said.",
)
@_door.json_option
@_door.settings_of
def token(
    settings: Settings, email: str, name: str, scopes: tuple[str, ...], as_json: bool
) -> None:
    """Make an API token; it is shown this once."""
    with _door.writing(settings) as session:
        made = accounts.issue_token(
            session,
            _person_id(session, email),
            name=name,
            scopes=scopes or ("read",),
            now=_door.now(),
        )
    _door.show({"secret": made.secret, "scopes": made.token.scopes}, as_json, made.secret)


@group.command("first-run")
@_door.json_option
@_door.settings_of
def first_run(settings: Settings, as_json: bool) -> None:
    """The token that makes the first administrator."""
    with _door.reading(settings) as session:
        secret = accounts.first_run_token(session, settings.data_dir)
    if secret is None:
        raise NotFound("first run: somebody can sign in already")
    _door.show({"token": secret}, as_json, secret)


def _person_id(session: Session, email: str) -> int:
    for person in accounts.people(session):
        if person.email == email.strip().lower():
            return person.id
    raise NotFound(f"user: nobody has the address {email}")
