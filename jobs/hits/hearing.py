"""Service: news from a queue makes collecting sooner. Polling stays the truth.

A message is worth one look at a HIT's batch and nothing else: what came in is read from the
venue. A lost message costs the time until the next poll; one that comes twice, is forged or
malformed costs at most a look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import work
from jobs.db import reading, transaction
from jobs.providers import _turk_notifications as notifications
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.tables import Batch, Hit
from jobs.work import Progress

HEAR, SUBSCRIBE = "hear_news", "subscribe_route"
MOST_ROUNDS = 100


@dataclass(frozen=True)
class HearReport:
    """Messages read, those that named no open HIT of ours, and batches to be collected now."""

    n_messages: int
    n_ignored: int
    n_batches: int


def ask_to_hear(session: Session, batch_id: int, now: datetime) -> None:
    """Have the batch's HIT type send its news to the queue, and the queue listened to."""
    route_id = session.get_one(Batch, batch_id).route_id
    work.enqueue(session, SUBSCRIBE, route_id, now)
    work.enqueue(session, HEAR, 0, now)


def subscribe_route(resources: Resources, route_id: int) -> bool:
    """Subscribe the queue to the route's HIT type; a repeat changes nothing.

    False where the queue is not for this venue: Amazon cannot reach one on this machine.

    Raises:
        ProviderError: when the venue does not answer.

    """
    queue_url = resources.settings.notification_queue_url
    with reading(resources.sessions) as session:
        context = hit_specs.route_context(session, route_id)
    hit_type = context.route.provider_hit_type_id
    people = context.provider(resources.venues).people
    if not queue_url or not hit_type or people is None:
        return False
    return people.subscribe(hit_type, queue_url)


def hear(resources: Resources, progress: Progress) -> HearReport:
    """Read the queue to its end and have every batch with news collected now.

    Raises:
        InvalidInput: for a queue that is neither Amazon's nor on this machine.
        ProviderError: when the queue does not answer.

    """
    queue = notifications.EventQueue(resources.settings.notification_queue_url)
    n_messages = n_ignored = 0
    touched: set[int] = set()
    for number in range(MOST_ROUNDS):
        progress(number, MOST_ROUNDS)
        messages = queue.receive()
        if not messages:
            break
        with transaction(resources.sessions) as session:
            for message in messages:
                named = notifications.hit_ids(message.body)
                batch_ids = _open_batches(session, named)
                n_ignored += not batch_ids
                for batch_id in sorted(batch_ids - touched):
                    work.enqueue(session, "collect_batch", batch_id, resources.clock())
                touched |= batch_ids
        n_messages += len(messages)
        queue.forget(messages)
    return HearReport(n_messages, n_ignored, len(touched))


def listen(resources: Resources, progress: Progress) -> datetime | None:
    """``hear``, and when to do so again while a HIT is out; never without a queue."""
    if not resources.settings.notification_queue_url:
        return None
    hear(resources, progress)
    with reading(resources.sessions) as session:
        is_out = session.scalar(select(Batch.id).where(Batch.state != "closed").limit(1))
    pause = timedelta(seconds=resources.settings.sweep_seconds)
    return resources.clock() + pause if is_out else None


def _open_batches(session: Session, provider_hit_ids: Iterable[str]) -> set[int]:
    found = (
        select(Batch.id)
        .join(Hit, Hit.batch_id == Batch.id)
        .where(Hit.provider_hit_id.in_(sorted(provider_hit_ids)), Batch.state != "closed")
    )
    return set(session.scalars(found))
