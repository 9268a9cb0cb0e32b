"""People who work at the marketplace: they accept, answer well or badly, return, or vanish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.jobs.lifecycle import answer_for
from tests.simulation.chances import Chances
from tests.simulation.stage import Stage
from webapp.marketplace import assignments
from webapp.marketplace.accounts import add_worker
from webapp.marketplace.market import Market
from webapp.marketplace.refusals import Declined
from webapp.marketplace.standing import standing_of
from webapp.marketplace.store import write
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.work import Assignment

COLOURS = ("red", "red", "red", "green", "cannot tell")
HOSTILE = (
    "",
    "no answer at all",
    "<QuestionFormAnswers><Answer>",
    '{"t0-colour": "red"}',
    "\u202eبلا \x85 𝔘𝔫𝔦",
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
)
_WORDS = ("accept", "accept", "submit", "submit", "submit", "return")


@dataclass
class Crowd:
    """The seed's workers: ``n_crowd`` of the crowd and two of the staff."""

    stage: Stage
    chances: Chances
    note: Callable[[str], None]
    n_crowd: int
    share_hostile: float

    def act(self) -> None:
        """One of them does one thing."""
        name, word = self.chances.pick(self._names()), self.chances.pick(_WORDS)
        if self._is_anything_open() if word == "accept" else self._is_busy(name):
            self._do(name, word)

    def work_off(self) -> None:
        """Everybody answers what they may, well and at once."""
        for name in self._names():
            while (
                self._do(name, "submit")
                if self._is_busy(name)
                else self._is_anything_open() and self._do(name, "accept")
            ):
                pass

    def _is_anything_open(self) -> bool:
        query = "SELECT 1 FROM market_hit WHERE status = 'Assignable' AND expires_at > ?"
        return bool(self.stage.theirs.execute(query, (self.stage.market.dial.now(),)).fetchall())

    def _is_busy(self, name: str) -> bool:
        query = (
            "SELECT 1 FROM market_assignment a JOIN market_worker w ON w.id = a.worker_id"
            " WHERE a.state = 'Accepted' AND w.name = ?"
        )
        return bool(self.stage.theirs.execute(query, (name,)).fetchall())

    def _names(self) -> list[str]:
        return [f"crowd{number}" for number in range(self.n_crowd)] + ["staff0", "staff1"]

    def _do(self, name: str, word: str) -> bool:
        market = self.stage.market
        try:
            done = write(market.sessions, lambda session: self._act(session, market, name, word))
        except Declined as declined:
            self.note(f"{name} may not {word}: {declined.message}")
            return False
        if done:
            self.note(f"{name} {word}s {done}")
        return bool(done)

    def _act(self, session: Session, market: Market, name: str, word: str) -> str:
        now = market.dial.now()
        worker = session.scalar(select(Worker).where(Worker.name == name))
        if worker is None:
            worker = add_worker(session, name, name.rstrip("0123456789"), now)
        held = session.scalar(
            select(Assignment)
            .where(Assignment.worker_id == worker.id, Assignment.state == "Accepted")
            .limit(1)
        )
        if word == "accept":
            return "" if held else self._accept(session, market, worker, now)
        if held is None:
            return ""
        if word == "submit":
            assignments.submit(session, held, self._answer(held), now)
        else:
            assignments.give_back(session, worker, held.id, now)
        return held.assignment_id

    def _accept(self, session: Session, market: Market, worker: Worker, now: int) -> str:
        standing = standing_of(session, worker)
        for hit_type, _ in assignments.open_groups(session, worker, now):
            if assignments.unmet(hit_type.requirements, "accept", standing):
                continue
            hit_pk = assignments.next_hit(session, worker, hit_type.id, now)
            if hit_pk is not None:
                return assignments.accept(
                    session, worker, hit_pk, standing, market.options, now
                ).assignment_id
        return ""

    def _answer(self, held: Assignment) -> str:
        if self.chances.is_on and self.chances.is_so(self.share_hostile):
            return self.chances.pick(HOSTILE)
        colour = self.chances.pick(COLOURS) if self.chances.is_on else "red"
        return answer_for(held.hit, lambda _: colour)
