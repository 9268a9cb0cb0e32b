"""Services: further answers ordered from HITs that are posted; the background buys them.

An order is a row. A venue lets a worker take a HIT once, so nobody is paid a second time for a
task. A HIT that can no longer grow refuses, and routing then buys a new HIT for its tasks.
Whatever the number of HITs, the number of queries is the same, part for part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from jobs import work
from jobs.db import parts
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.providers import Provider
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.tables import Assignment, Batch, Extension, Hit, Job

OPEN = ("planned", "sending")
FEWER_THAN_TEN = 10
"""A HIT made with fewer assignments cannot grow to ten: there the fee rises (MTurk's API,
CreateAdditionalAssignmentsForHIT)."""


class Sized(Protocol):
    """What an order looks at of a HIT: the row itself, or these columns of it."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def provider_hit_id(self) -> str: ...
    @property
    def max_assignments(self) -> int: ...


def order(
    session: Session, hit_ids: Collection[int], n_more: int, actor: str, now: datetime
) -> None:
    """Have the background buy ``n_more`` further answers from each HIT, of workers new to it.

    Raises:
        InvalidInput: for fewer than one answer.
        NotFound: for a HIT that does not exist.
        Conflict: when one is not posted or cannot grow, its job is over, or an order is under
            way; then none is ordered.

    """
    if n_more < 1:
        raise InvalidInput(f"HITs: expected at least 1 further answer of each, got {n_more}")
    for some in parts(sorted(hit_ids)):
        hits = session.scalars(
            select(Hit)
            .where(Hit.id.in_(some))
            .order_by(Hit.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        missing = set(some) - {hit.id for hit in hits}
        if missing:
            raise NotFound(f"HIT {min(missing)}: no such HIT")
        batches = _batches_under_way(session, {hit.batch_id for hit in hits})
        for hit_id, why_not in refusals(session, hits, n_more, n_covered(session, hits)).items():
            raise Conflict(f"HIT {hit_id}: {why_not}")
        _write(session, hits, n_more, actor, now)
        for hit in hits:
            reopen(batches[hit.batch_id], hit)
        session.flush()
        for batch_id in sorted(batches):
            work.enqueue(session, "extend_batch", batch_id, now)


def refusals(
    session: Session, hits: Sequence[Sized], n_more: int, covered: Mapping[int, int]
) -> dict[int, str]:
    """Why HITs cannot be asked for ``n_more`` further answers, by id; without those that can.

    ``covered`` is ``n_covered`` of the HITs.
    """
    states: dict[int, set[str]] = defaultdict(set)
    for some in parts(hit.id for hit in hits):
        found = select(Extension.hit_id, Extension.state).where(Extension.hit_id.in_(some))
        for hit_id, state in session.execute(found):
            states[hit_id].add(state)
    said = {hit.id: _refusal(hit, states[hit.id], covered[hit.id] + n_more) for hit in hits}
    return {hit_id: why for hit_id, why in said.items() if why}


def worst_price(
    context: RouteContext,
    provider: Provider,
    hits: Iterable[Sized],
    n_more: int,
    covered: Mapping[int, int],
) -> int:
    """The most that ``n_more`` further answers from each HIT cost: what the orders hold."""
    prices: dict[int, int] = {}
    total = 0
    for hit in hits:
        target = max(hit.max_assignments, covered[hit.id] + n_more)
        if target not in prices:
            prices[target] = unit_price(context, provider, target)
        total += prices[target] * (target - covered[hit.id])
    return total


def unit_price(context: RouteContext, provider: Provider, target: int) -> int:
    """The most that one further assignment costs, at the fee of a HIT of that size."""
    spec = hit_specs.draft_spec(context, (), max_assignments=target)
    return -(-provider.quote(spec).worst_micros // target)


def n_covered(session: Session, hits: Sequence[Sized], state: str = "") -> dict[int, int]:
    """Assignments whose money is held or spent: all of an open HIT, those taken of a closed one.

    ``state`` is the HITs' own unless another one counts.
    """
    whole = {hit.id: hit.max_assignments for hit in hits if (state or hit.state) == "posted"}
    taken = dict.fromkeys((hit.id for hit in hits if hit.id not in whole), 0)
    for some in parts(taken):
        counted = (
            select(Assignment.hit_id, func.count())
            .where(Assignment.hit_id.in_(some))
            .group_by(Assignment.hit_id)
        )
        taken.update(dict(session.execute(counted).all()))
    return whole | taken


def reopen(batch: Batch, hit: Hit) -> None:
    """Answers are awaited again: neither HIT nor batch is closed any more."""
    if batch.state == "closed":
        batch.state = "open"
    if hit.state == "closed":
        hit.state = "extending"


def _refusal(hit: Sized, states: set[str], size: int) -> str:
    if not hit.provider_hit_id or hit.state not in ("posted", "closed"):
        return f"it is {hit.state}: expected it to be posted"
    if states & set(OPEN):
        return "further answers are being bought already"
    if "refused" in states:
        return "the venue has refused to extend it"
    if hit.max_assignments < FEWER_THAN_TEN <= size:
        return f"a HIT made with fewer than {FEWER_THAN_TEN} assignments cannot grow to {size}"
    return ""


def _batches_under_way(session: Session, batch_ids: Collection[int]) -> dict[int, Batch]:
    rows = session.execute(
        select(Batch, Job.id, Job.state)
        .join(Job, Job.id == Batch.job_id)
        .where(Batch.id.in_(batch_ids))
    )
    found = {}
    for batch, job_id, state in rows:
        if state not in ("running", "paused"):
            raise Conflict(f"job {job_id} is {state}: expected it to be running or paused")
        found[batch.id] = batch
    return found


def _write(session: Session, hits: Sequence[Hit], n_more: int, actor: str, now: datetime) -> None:
    counted = (
        select(Extension.hit_id, func.count())
        .where(Extension.hit_id.in_([hit.id for hit in hits]))
        .group_by(Extension.hit_id)
    )
    n_before = dict(session.execute(counted).all())
    same = {"n_more": n_more, "state": "planned", "actor": actor, "created_at": now}
    rows = [
        {
            **same,
            "hit_id": hit.id,
            "number": n_before.get(hit.id, 0) + 1,
            "hit_state": hit.state,
        }
        for hit in hits
    ]
    session.execute(insert(Extension), rows)
