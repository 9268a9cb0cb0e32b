"""Differences between our records and the venues', and the switch that they turn."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from jobs import findings, work
from jobs.errors import InvalidInput
from jobs.reports.findings import finding_list, last_look, pause_switch
from webapp.auth import actor, allow
from webapp.confirming import typed
from webapp.installation import now, reading, writing

blueprint = Blueprint("findings", __name__, url_prefix="/findings")

N_RESOLVED = 50


@blueprint.get("")
@allow("manager")
def index() -> str:
    """Open findings with what was found, those resolved, the switch and the last look."""
    with reading() as session:
        return render_template(
            "findings/index.html",
            rows=finding_list(session, "open"),
            resolved=finding_list(session, "resolved", limit=N_RESOLVED),
            switch=pause_switch(session),
            look=last_look(session),
        )


@blueprint.post("/<int:finding_id>/resolve")
@allow("manager")
def resolve(finding_id: int) -> Response:
    """Close a finding with what was found out; a second press changes nothing."""
    note = typed("note")
    if not note:
        raise InvalidInput("note: expected a few words about what you found out")
    with writing() as session:
        findings.resolve(session, finding_id, now(), note=note, actor=actor())
        n_open = len(findings.open_findings(session))
    rest = f"{n_open} more are open." if n_open else "None is open: paid calls may go on."
    flash(f"Finding {finding_id} is resolved. {rest}")
    return redirect(url_for("findings.index"))


@blueprint.post("/reconcile")
@allow("manager")
def reconcile() -> Response:
    """Have the background compare our records with the venues now; asked twice, it does it once."""
    with writing() as session:
        work.enqueue(session, "reconcile", 0, now())
    flash("Asked for: the background compares every HIT with its venue. Look again in a minute.")
    return redirect(url_for("findings.index"))
