"""What holds for the whole installation: who pays, limits, fees, and how it is kept safe."""

from __future__ import annotations

from flask import Blueprint, render_template

from jobs import fees, launch_gate, limits
from jobs.errors import ProviderError
from jobs.launch_gate import PAYS_BY_THE_HIT, Payer
from jobs.records import Environment
from webapp.auth import allow
from webapp.installation import installation, now, reading

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

_ENVIRONMENTS: tuple[Environment, ...] = ("local", "sandbox", "production")


@blueprint.get("")
@allow("manager")
def page() -> str:
    """Limits of each environment, the fee table of today, backups; the way to the rest."""
    with reading() as session:
        found = [limits.limits_of(session, name, now()) for name in limits.ENVIRONMENTS]
    table = fees.table_on(now().date())
    return render_template("settings/page.html", limits=found, fees=table)


@blueprint.get("/payers")
@allow("manager")
def payers() -> str:
    """Whose account and balance each environment would use; asked after the page, of the venues."""
    venues, lines = installation().venues, []
    for environment in _ENVIRONMENTS:
        identity, problem = None, ""
        try:
            identity = venues(PAYS_BY_THE_HIT, environment, {}).identity()
        except ProviderError as error:
            problem = str(error)
        payer = Payer(PAYS_BY_THE_HIT, identity, 0, 0, problem)
        lines.append((environment, launch_gate.describe(payer), identity is not None))
    return render_template("settings/_payers.html", lines=lines)
