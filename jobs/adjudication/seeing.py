"""What a person may see of a question that waits for a second look: not what the first one said.

Every door that shows labels or decisions to people or programs reads them here.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from jobs.adjudication import rounds
from jobs.adjudication.questions import steps_of
from jobs.records import SECOND_LOOK
from jobs.reports import ItemView, item_view
from jobs.reports.decisions import Decided, DecisionRow, decided, decision_list

HIDDEN = "hidden"
"""The origin of a label, and the act of a decision, that are shown once both have decided."""


def item_for(session: Session, job_id: int, item_id: int, viewer: str) -> ItemView:
    """The item as ``viewer`` may see it; NotFound when it is not in the job's dataset."""
    view = item_view(session, job_id, item_id)
    waiting = {one.kind for one in view.questions if one.state == SECOND_LOOK}
    unseen = _unseen(session, job_id, item_id, waiting, viewer)
    labels = tuple(
        replace(one, value={}, provenance={}, origin=HIDDEN)
        if (one.kind, one.version) in unseen
        else one
        for one in view.labels
    )
    return replace(view, labels=labels)


def decisions_for(
    session: Session, job_id: int, item_id: int, viewer: str
) -> tuple[DecisionRow, ...]:
    """What people did about an item's questions, newest first, as ``viewer`` may see it."""
    rows = decision_list(session, job_id, item_id)
    unseen = _unseen(session, job_id, item_id, {one.kind for one in rows}, viewer)
    return tuple(
        replace(one, act=HIDDEN, reason="", note="") if (one.kind, one.version) in unseen else one
        for one in rows
    )


def decided_for(session: Session, job_id: int, label_id: int, viewer: str) -> Decided:
    """A label version that was just written; an undo may bring back what is not to be seen."""
    made = decided(session, label_id)
    if (made.kind, made.version) in _unseen(session, job_id, made.item_id, {made.kind}, viewer):
        return replace(made, value={}, provenance={}, origin=HIDDEN)
    return made


def _unseen(
    session: Session, job_id: int, item_id: int, kinds: set[str], viewer: str
) -> set[tuple[str, int]]:
    """(kind, version) of what ``viewer`` must not see yet."""
    return {
        (kind, version)
        for kind in kinds
        for version in rounds.unseen(steps_of(session, job_id, item_id, kind), viewer)
    }
