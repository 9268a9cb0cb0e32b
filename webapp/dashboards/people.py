"""People of the installation; administrators only."""

from __future__ import annotations

import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs import accounts
from jobs.errors import HitworksError
from webapp.auth import allow
from webapp.installation import now, reading, writing

blueprint = Blueprint("people", __name__, url_prefix="/people")


@blueprint.get("")
@allow("admin")
def index() -> str:
    """Everybody who may sign in."""
    return _page()


@blueprint.post("")
@allow("admin")
def add() -> str | tuple[str, int]:
    """Add somebody; their first password is shown once, here."""
    password = secrets.token_urlsafe(12)
    try:
        with writing() as session:
            added = accounts.create_person(
                session,
                email=request.form.get("email", ""),
                name=request.form.get("name", ""),
                role=request.form.get("role", ""),
                password=password,
                now=now(),
            )
    except HitworksError as error:
        return _page(error=str(error)), 422
    return _page(shown_to=added.email, password=password)


@blueprint.post("/<int:person_id>")
@allow("admin")
def change(person_id: int) -> Response:
    """Change somebody's role, or close or open their account."""
    with writing() as session:
        changed = accounts.change_person(
            session,
            person_id,
            role=request.form.get("role", ""),
            is_active=request.form.get("is_active") == "yes",
        )
    flash(f"{changed.email}: {changed.role}, {'may' if changed.is_active else 'may not'} sign in.")
    return redirect(url_for("people.index"))


@blueprint.post("/<int:person_id>/password")
@allow("admin")
def reset(person_id: int) -> str:
    """Give somebody a fresh password, shown once; their sessions end."""
    with writing() as session:
        password = accounts.reset_password(session, person_id)
        email = next(row.email for row in accounts.people(session) if row.id == person_id)
    return _page(shown_to=email, password=password)


def _page(**extra: str) -> str:
    with reading() as session:
        rows = accounts.people(session)
    return render_template(
        "people/index.html", rows=rows, roles=accounts.ROLES, form=request.form, **extra
    )
