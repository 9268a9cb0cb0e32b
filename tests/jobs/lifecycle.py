"""A whole small installation for tests: our database, real photos, a marketplace that answers.

The crowd here uses the marketplace's own core; journeys elsewhere go through its pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from jobs import calls, work
from jobs.db import Sessions, reading, transaction
from jobs.planning import planning
from jobs.providers.model import answer_xml
from jobs.resources import Resources, open_resources
from jobs.settings import Settings
from jobs.specs.job_specs import parse_job_spec
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.spending import ledger
from jobs.tables import Dataset, Item, Job, Work
from tests.factories import NOW, SCHEMA
from tests.jobs.pictures import picture
from webapp.marketplace import assignments, books
from webapp.marketplace.accounts import add_worker, find_requester
from webapp.marketplace.serving import Running
from webapp.marketplace.standing import standing_of
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.store import write as market_write
from webapp.marketplace.tables.people import Worker as MarketWorker
from webapp.marketplace.tables.work import Hit as MarketHit

JOB = """
name: {name}
dataset: photos
schema: pets
budget: {budget}
seed: 3
routes:
  - provider: {provider}
    kind: {kind}
    redundancy: {redundancy}
    reward: {reward}
    tasks_per_hit: {tasks_per_hit}
    hit: {{lifetime_seconds: 86400, assignment_duration_seconds: 600}}
    options: {options}
slicing: {slicing}
quality: {{tag_method: majority, sure_at: 0.5}}
{more}
"""


class Dial:
    """The time of the test, turned by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class Bench:
    """Everything a lifecycle test touches."""

    resources: Resources
    dial: Dial
    market: Running
    faults: list[Any] = field(default_factory=list)

    @property
    def sessions(self) -> Sessions:
        return self.resources.sessions

    def launch(self, **settings: Any) -> int:
        """The id of a launched job on photos that exist from the first launch on."""
        return self.launch_draft(self.create(**settings))

    def launch_draft(self, job_id: int) -> int:
        with transaction(self.sessions) as session:
            planning.launch(
                session, job_id, self.resources.venues, self.resources.blobs, self.dial(), "ada"
            )
        return job_id

    def create(
        self,
        *,
        n_items: int = 2,
        name: str = "pets",
        budget: str = "50.00",
        provider: str = "mturk",
        kind: str = "tags",
        redundancy: int = 2,
        reward: str = "0.05",
        tasks_per_hit: int = 1,
        options: str = "{}",
        slicing: str = "{gold_rate: 0}",
        size: tuple[int, int] = (40, 30),
        more: str = "",
    ) -> int:
        text = JOB.format(
            name=name, budget=budget, provider=provider, kind=kind, redundancy=redundancy,
            reward=reward, tasks_per_hit=tasks_per_hit, options=options, slicing=slicing,
            more=more,
        )  # fmt: skip
        with transaction(self.sessions) as session:
            if session.scalar(select(Dataset.id)) is None:
                self._photos(session, n_items, size)
            return planning.create_job(session, parse_job_spec(text, "job"), self.dial(), "ada").id

    def drain(self) -> int:
        """Run what is due; then what is due a poll later, until nothing changes."""
        return calls.drain(self.resources)

    def settle_down(self, rounds: int = 6) -> None:
        """Let time pass in polls until the work has nothing more to do."""
        for _ in range(rounds):
            calls.drain(self.resources)
            self.dial.turn(seconds=400)

    def ask_again(self, row: Work) -> None:
        """Make the work due once more, as a doubled wake-up would."""
        with transaction(self.sessions) as session:
            work.enqueue(session, row.task_name, row.subject_id, self.dial())

    def answer_all(self, workers: int = 2, choose: Callable[[str], str] | None = None) -> int:
        """Every worker answers every HIT they are let to; how many were submitted."""
        n_submitted = 0
        for number in range(workers):
            n_submitted += self._answer_as(f"worker{number}", choose or (lambda _: "red"))
        return n_submitted

    def answer_as(self, name: str, colour: str = "red") -> int:
        """One worker answers every HIT they are let to, in this colour; how many."""
        return self._answer_as(name, lambda _: colour)

    def submit_raw(self, name: str, raw: str) -> bool:
        """One worker takes one HIT and submits these bytes."""
        return market_write(
            self.market.market.sessions,
            lambda session: self._work_once(session, name, lambda _: raw),
        )

    def spent_at_venue(self, account: str = "local") -> books.Statement:
        with market_reading(self.market.market.sessions) as session:
            requester = find_requester(session, account)
            return books.statement(session, requester.id)

    def market_hits(self) -> list[tuple[str, str]]:
        """(annotation, status) of every HIT the venue has."""
        with market_reading(self.market.market.sessions) as session:
            rows = session.execute(select(MarketHit.annotation, MarketHit.status))
            return [tuple(row) for row in rows]

    def ours(self, table: type[Any], **where: Any) -> list[Any]:
        with reading(self.sessions) as session:
            return list(
                session.scalars(
                    select(table).filter_by(**where).order_by(*inspect(table).primary_key)
                )
            )

    def count(self, table: type[Any], **where: Any) -> int:
        with reading(self.sessions) as session:
            return session.scalar(select(func.count()).select_from(table).filter_by(**where)) or 0

    def job(self, job_id: int) -> Job:
        with reading(self.sessions) as session:
            return session.get_one(Job, job_id)

    def check_books(self) -> None:
        """Our books balance, and agree with the venue's on every cent spent."""
        with reading(self.sessions) as session:
            assert ledger.differences(session) == []
            ours: dict[str, int] = {}
            for job_id in session.scalars(select(Job.id)):
                for account, micros in ledger.balances(session, job_id).items():
                    ours[account] = ours.get(account, 0) + micros
        theirs = self.spent_at_venue()
        assert ours.get("reward", 0) == theirs.reward_cents * 10_000
        assert ours.get("fee", 0) == theirs.fee_cents * 10_000
        assert ours.get("held", 0) >= theirs.held_cents * 10_000

    def _photos(self, session: Session, n_items: int, size: tuple[int, int]) -> None:
        dataset = Dataset(name="photos", created_at=NOW)
        session.add(dataset)
        session.flush()
        for number in range(n_items):
            data = picture(size[0] + number, size[1])
            key = self.resources.blobs.put(data, "image/jpeg")
            session.add(
                Item(
                    dataset_id=dataset.id, sha256=key[3:67], name=f"{number}.jpg", blob_key=key,
                    media_type="image/jpeg", width=size[0] + number, height=size[1],
                    licence="CC0-1.0",
                    source="made for tests", attributes={}, created_at=NOW,
                )
            )  # fmt: skip
        save_schema(session, parse_schema(SCHEMA, "schema"), NOW)

    def _answer_as(self, name: str, choose: Callable[[str], str]) -> int:
        n_submitted = 0
        while market_write(
            self.market.market.sessions,
            lambda session: self._work_once(session, name, lambda hit: answer_for(hit, choose)),
        ):
            n_submitted += 1
        return n_submitted

    def _work_once(self, session: Session, name: str, answer: Callable[[MarketHit], str]) -> bool:
        now = self.market.market.dial.now()
        worker = session.scalar(select(MarketWorker).where(MarketWorker.name == name))
        if worker is None:
            kind = "staff" if name.startswith("staff") else "crowd"
            worker = add_worker(session, name, kind, now)
        standing = standing_of(session, worker)
        for hit_type, _ in assignments.open_groups(session, worker, now):
            if assignments.unmet(hit_type.requirements, "accept", standing):
                continue
            hit_pk = assignments.next_hit(session, worker, hit_type.id, now)
            if hit_pk is None:
                continue
            taken = assignments.accept(
                session, worker, hit_pk, standing, self.market.market.options, now - 8_000
            )
            assignments.submit(session, taken, answer(taken.hit), now)
            return True
        return False


def answer_for(hit: MarketHit, choose: Callable[[str], str]) -> str:
    """A careful worker's answer XML to a HIT of our templates."""
    n_tasks = sum(f'name="t{number}-' in hit.question for number in range(100))
    fields: dict[str, Any] = {}
    for position in range(n_tasks):
        if f"t{position}-colour" in hit.question:
            colour = choose(hit.annotation)
            fields[f"t{position}-colour"] = {
                option: option == colour for option in ("red", "green", "blue", "cannot tell")
            }
        else:
            fields[f"t{position}-boxes"] = {
                "boundingBoxes": [{"label": "cat", "left": 5, "top": 5, "width": 20, "height": 15}],
                "inputImageProperties": {"width": 40, "height": 30},
            }
    return answer_xml(fields)


def open_bench(
    folder: Path, sessions: Sessions, market: Running, dial: Dial, **settings: Any
) -> Bench:
    given = Settings(
        data_dir=folder / "data", mturk_local_url=market.url, poll_seconds=60.0, **settings
    )
    return Bench(open_resources(given, sessions, dial), dial, market)
