"""What an operation gets to work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.marketplace.market import Market
from webapp.marketplace.options import Options
from webapp.marketplace.refusals import (
    assignment_missing,
    hit_missing,
    hit_type_missing,
    qualification_type_missing,
)
from webapp.marketplace.tables.people import Requester
from webapp.marketplace.tables.qualifications import QualificationType
from webapp.marketplace.tables.work import ACTIVE_STATES, Assignment, Hit, HitType

Members = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One API request: whose, when, and in which transaction."""

    session: Session
    requester: Requester
    market: Market
    operation: str
    now: int
    writes: bool

    @property
    def options(self) -> Options:
        """The marketplace's options."""
        return self.market.options

    def hit(self, hit_id: str, *, disposed: bool = False) -> Hit:
        """The caller's HIT, locked when the transaction writes.

        Raises:
            Refusal: HITDoesNotExist; for a disposed one too, unless asked for.

        """
        query = select(Hit).where(Hit.hit_id == hit_id, Hit.requester_id == self.requester.id)
        found = self.session.scalar(query.with_for_update(of=Hit) if self.writes else query)
        if found is None or (found.status == "Disposed" and not disposed):
            raise hit_missing(hit_id)
        return found

    def hit_type(self, hit_type_id: str) -> HitType:
        """The caller's HIT type.

        Raises:
            Refusal: HITTypeDoesNotExist.

        """
        found = self.session.scalar(
            select(HitType).where(
                HitType.hit_type_id == hit_type_id,
                HitType.requester_id == self.requester.id,
                HitType.is_deleted.is_(False),
            )
        )
        if found is None:
            raise hit_type_missing(hit_type_id)
        return found

    def assignment(self, assignment_id: str) -> Assignment:
        """The living assignment of that id on a HIT of the caller that is not disposed.

        Raises:
            Refusal: AssignmentDoesNotExist.

        """
        found = self.session.scalar(
            select(Assignment)
            .join(Hit, Assignment.hit_id == Hit.id)
            .where(
                Assignment.assignment_id == assignment_id,
                Assignment.state.in_(ACTIVE_STATES),
                Hit.requester_id == self.requester.id,
                Hit.status != "Disposed",
            )
        )
        if found is None:
            raise assignment_missing(assignment_id)
        return found

    def qualification_type(
        self, type_id: str, *, own: bool = True, ended: bool = False
    ) -> QualificationType:
        """The qualification type; the caller's own, unless ``own`` is False; perhaps an ended one.

        Raises:
            Refusal: QualificationTypeDoesNotExist.

        """
        query = select(QualificationType).where(QualificationType.qualification_type_id == type_id)
        if own:
            query = query.where(QualificationType.requester_id == self.requester.id)
        found = self.session.scalar(query)
        if found is None or (found.status == "Deleted" and not ended):
            raise qualification_type_missing(type_id)
        return found
