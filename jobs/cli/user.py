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
