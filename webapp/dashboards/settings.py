"""What holds for the whole installation: who pays, limits, fees, and how it is kept safe."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.engine import make_url
from werkzeug.wrappers import Response

from jobs import fees, providers, taggers
from jobs.errors import InvalidInput, ProviderError
from jobs.installation.backup_records import last_backup
from jobs.money import format_usd, parse_usd
from jobs.planning.launch_gate import PAYS_BY_THE_HIT
from jobs.records import Environment
from jobs.reports import health
from jobs.reports.prices import prices
from jobs.settings import Settings
from jobs.spending import limits
from webapp import confirming
from webapp.auth import actor, allow
from webapp.confirming import Field, Step, typed
from webapp.installation import installation, now, reading
from webapp.payer_words import known, unknown

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

_ENVIRONMENTS: tuple[Environment, ...] = ("local", "sandbox", "production")


@blueprint.get("")
@allow("manager")
def page() -> str:
    """Accounts, limits, prices and fees, storage, health and backups; the way to the rest."""
    place = installation().settings
    backup = last_backup(place.data_dir)
    with reading() as session:
        found = [limits.limits_of(session, name, now()) for name in limits.ENVIRONMENTS]
        state, asked = health(session, now()), prices(session)
    return render_template(
        "settings/page.html",
        limits=found,
        fees=fees.table_on(now().date()),
        health=state,
        prices=asked,
        places=places(place),
        backup=backup,
        is_old=backup is None or backup.is_old(now()),
    )


@blueprint.get("/limits/<any(local, sandbox, production):environment>")
@allow("manager")
def limits_form(environment: str) -> str:
    """The limits of an environment as they are."""
    return confirming.show(_limits(environment))


@blueprint.post("/limits/<any(local, sandbox, production):environment>")
@allow("manager")
def set_limits(environment: str) -> Response | str | tuple[str, int]:
    """Show what new limits mean, then set them; a second press changes nothing."""
    asked = _limits(environment)
    try:
        cap, hourly = _amount("cap"), _amount("hourly")
        with confirming.attempt() as session:
            limits.set_limits(
                session, environment,
                cap_micros=cap, hourly_micros=hourly, actor=actor(), now=now(),
            )  # fmt: skip
    except InvalidInput as error:
        return confirming.show_again(asked, error)
    if confirming.is_confirmed():
        flash(f"Limits of {environment} set.")
        return redirect(url_for("settings.page"))
    told = (
        f"All {environment} jobs together may hold and spend "
        f"{_or_none(cap)}, and newly hold {_or_none(hourly)} in an hour of the clock.",
        "Over the cap nothing is held, so nothing is posted. What crosses the limit of an hour "
        "stops every paid call and leaves a finding.",
    )
    kept = {"cap": typed("cap"), "hourly": typed("hourly")}
    return confirming.show(confirming.second(asked, "Set them", told, **kept))


def places(settings: Settings) -> tuple[tuple[str, str, str], ...]:
    """(name, what it is, value) of what this installation uses."""
    return (
        ("Web address", "Where people reach these pages.", settings.web_url()),
        (
            "Database",
            "Everything but the pictures lies here.",
            make_url(settings.database()).render_as_string(hide_password=True),
        ),
        (
            "Pictures",
            "A folder, or a bucket.",
            settings.blob_url or f"{settings.data_dir / 'blobs'}",
        ),
        ("Data folder", "Keys, exports and records of this machine.", str(settings.data_dir)),
        ("Models", "Files that a job's tagger may load.", str(settings.models())),
        ("Marketplace", "Our own venue's address.", settings.local_mturk()),
        ("Venues", "Who can answer.", ", ".join(providers.names())),
        ("Taggers", "Models that can answer.", ", ".join(taggers.names())),
    )


def _limits(environment: str) -> Step:
    with reading() as session:
        before = limits.limits_of(session, environment, now())
    told = (
        f"All {environment} jobs together hold {format_usd(before.held_micros)} and have spent "
        f"{format_usd(before.spent_micros)}; {format_usd(before.hour_micros)} was newly held in "
        "this hour.",
    )
    fields = (
        Field("cap", "Cap, $", "Empty: no cap.", _plain(before.cap_micros), 16,
              is_needed=False, mode="decimal"),
        Field("hourly", "Limit of an hour, $", "Empty: no limit.", _plain(before.hourly_micros),
              16, is_needed=False, mode="decimal"),
    )  # fmt: skip
    return Step(
        f"Limits of {environment}",
        url_for("settings.page"), "Settings", "Look at it first", told, fields,
    )  # fmt: skip


def _amount(name: str) -> int | None:
    return parse_usd(typed(name), name=name) if typed(name) else None


def _plain(micros: int | None) -> str:
    return "" if micros is None else format_usd(micros).lstrip("$").replace(",", "")


def _or_none(micros: int | None) -> str:
    return "any amount" if micros is None else f"at most {format_usd(micros)}"


@blueprint.get("/payers")
@allow("manager")
def payers() -> str:
    """Whose account and balance each environment would use; asked after the page, of the venues."""
    venues, lines = installation().venues, []
    for environment in _ENVIRONMENTS:
        try:
            lines.append(known(venues(PAYS_BY_THE_HIT, environment, {}).identity()))
        except ProviderError as error:
            lines.append(unknown(environment, error))
    return render_template("settings/_payers.html", lines=lines)
