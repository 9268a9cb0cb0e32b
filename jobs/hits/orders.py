"""Services: further answers from the HITs of a batch, as a person asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.hits import ordering
from jobs.specs import hit_specs
from jobs.specs.hit_specs import Venues
from jobs.tables import Hit


@dataclass(frozen=True)
class OrderPreview:
    """What an order would do: HITs that grow, those that cannot and why, and the highest cost."""

    batch_id: int
    n_more: int
    hit_ids: tuple[int, ...]
    refused: dict[int, str]
    worst_micros: int
    budget_left_micros: int


def preview_orders(
    session: Session, batch_id: int, n_more: int, venues: Venues, hit_ids: Sequence[int] = ()
) -> OrderPreview:
    """What ``order_batch`` would do. Changes nothing.

    Raises:
        NotFound: when there is no such batch, or it has no HIT of these ids.
        InvalidInput: for fewer than one answer.

    """
    if n_more < 1:
        raise InvalidInput(f"batch {batch_id}: expected at least 1 further answer, got {n_more}")
    context = hit_specs.batch_context(session, batch_id)
    provider = context.provider(venues)
    if not provider.has_pages:
        raise Conflict(f"batch {batch_id}: {context.route.provider} answers each task once")
    hits = _hits(session, batch_id, hit_ids)
    covered = ordering.n_covered(session, hits)
    refused = ordering.refusals(session, hits, n_more, covered)
    able = [hit for hit in hits if hit.id not in refused]
    worst = ordering.worst_price(context, provider, able, n_more, covered)
    job = context.job
    return OrderPreview(
        batch_id,
        n_more,
        tuple(hit.id for hit in able),
        refused,
        worst,
        job.budget_micros - job.held_micros - job.spent_micros,
    )


def order_batch(
    session: Session,
    batch_id: int,
    n_more: int,
    actor: str,
    now: datetime,
    hit_ids: Sequence[int] = (),
) -> int:
    """Have ``n_more`` further people asked by each HIT of the batch that can grow; how many.

    Raises:
        NotFound: when there is no such batch, or it has no HIT of these ids.
        Conflict: when none of them can grow, or the job is over.

    """
    hits = _hits(session, batch_id, hit_ids)
    reasons = ordering.refusals(session, hits, n_more, ordering.n_covered(session, hits))
    able = [hit.id for hit in hits if hit.id not in reasons]
    if not able:
        said = "; ".join(f"HIT {hit_id}: {why}" for hit_id, why in list(reasons.items())[:3])
        raise Conflict(f"batch {batch_id}: no HIT can be extended. {said}")
    ordering.order(session, able, n_more, actor, now)
    return len(able)


class _HitSize(NamedTuple):
    id: int
    state: str
    provider_hit_id: str
    max_assignments: int


def _hits(session: Session, batch_id: int, hit_ids: Sequence[int]) -> list[_HitSize]:
    hit_specs.batch_context(session, batch_id)  # NotFound for an unknown batch
    columns = (Hit.id, Hit.state, Hit.provider_hit_id, Hit.max_assignments)
    rows = session.execute(select(*columns).where(Hit.batch_id == batch_id).order_by(Hit.id))
    found = [_HitSize(*row) for row in rows]
    wanted = set(hit_ids)
    missing = wanted - {hit.id for hit in found}
    if missing or not found:
        raise NotFound(f"batch {batch_id}: it has no HIT {', '.join(map(str, sorted(missing)))}")
    return [hit for hit in found if not wanted or hit.id in wanted]
