"""The one rule of which labels count."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import aliased

from jobs.records import SETTLED
from jobs.tables import Consensus, Label


def is_current() -> ColumnElement[bool]:
    """A condition on ``Label``: the newest version, of a question that is settled."""
    newer = aliased(Label)
    is_old = exists().where(
        newer.job_id == Label.job_id,
        newer.item_id == Label.item_id,
        newer.kind == Label.kind,
        newer.version > Label.version,
    )
    is_settled = exists().where(
        Consensus.job_id == Label.job_id,
        Consensus.kind == Label.kind,
        Consensus.item_id == Label.item_id,
        Consensus.state.in_(SETTLED),
    )
    return and_(~is_old, is_settled)
