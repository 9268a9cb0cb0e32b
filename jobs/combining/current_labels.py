"""The one rule of which labels count."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import aliased

from jobs.records import SETTLED
from jobs.tables import Consensus, Label


@cache
def is_current() -> ColumnElement[bool]:
    """A condition on ``Label``: the newest version, of a question that is settled."""
    is_settled = exists().where(
        Consensus.job_id == Label.job_id,
        Consensus.kind == Label.kind,
        Consensus.item_id == Label.item_id,
        Consensus.state.in_(SETTLED),
    )
    return and_(is_newest(Label), is_settled)


def is_newest(label: Any) -> ColumnElement[bool]:
    """A condition on ``Label`` or an alias of it: no later version of the same label exists."""
    newer = aliased(Label)
    return ~exists().where(
        newer.job_id == label.job_id,
        newer.item_id == label.item_id,
        newer.kind == label.kind,
        newer.version > label.version,
    )
