"""The worker's qualifications."""

from __future__ import annotations

from flask import Blueprint, render_template
from sqlalchemy import select

from webapp.marketplace.market import current_market
from webapp.marketplace.pages.session import needs_worker, signed_in_worker
from webapp.marketplace.standing import N_APPROVED, PERCENT_APPROVED, standing_of
from webapp.marketplace.store import reading
from webapp.marketplace.tables.qualifications import Qualification

blueprint = Blueprint("qualifications", __name__)


@blueprint.get("/worker/qualifications")
@needs_worker
def mine() -> str:
    """What the worker holds."""
    market, worker = current_market(), signed_in_worker()
    with reading(market.sessions) as session:
        standing = standing_of(session, worker)
        held = session.scalars(
            select(Qualification)
            .where(Qualification.worker_id == worker.id)
            .order_by(Qualification.id.desc())
        ).all()
    return render_template(
        "qualifications.html",
        held=held,
        n_approved=standing[N_APPROVED],
        percent_approved=standing[PERCENT_APPROVED],
    )
