"""Service: our records against the venues' own. Differences become findings, never edits.

While one is open, paid calls stop: a difference means that something here is not understood.
What can be known for sure is taken over: a HIT that the venue holds under our marker and
that our rows have not seen posted is adopted; after a restored backup, all that happened since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from jobs import findings, intents
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, ProviderError
from jobs.hits import publishing
from jobs.money import format_usd
from jobs.providers import Provider, environment_of
from jobs.reconciling import adopting
from jobs.records import PostedHit
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.spending import balances, ledger
from jobs.tables import (
    Assignment,
    Batch,
    Hit,
    Intent,
    Job,
    LedgerEntry,
    LedgerTransaction,
    RawSubmission,
    Reversal,
    Route,
)
from jobs.work import Progress

ACTOR = "reconcile"


@dataclass
class Reconciliation:
    """What was compared, what was taken over, and every difference as a sentence.

    ``notes`` tell of money on the account that is none of ours, with its likely cause.
    """

    n_hits: int = 0
    n_submissions: int = 0
    n_adopted: int = 0
    differences: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Account:
    """One venue account, and the HITs of ours that belong to it."""

    provider: Provider
    environment: str
    hits: Mapping[str, Hit]


def reconcile(resources: Resources, progress: Progress, *, in_full: bool = True) -> Reconciliation:
    """Compare every HIT at every venue with our rows; in full, every submission and payment too.

    Differences are written as findings and turn the pause switch on. A repeat finds the
    same and writes nothing twice.

    Raises:
        ProviderError: when a venue does not answer; nothing is concluded about it then.

    """
    caught = adopting.catch_up(resources, progress)
    found = Reconciliation(n_adopted=caught.n_adopted, differences=dict(caught.troubles))
    with reading(resources.sessions) as session:
        ours = intents.marker_beginnings(session)
        in_full = in_full or intents.is_restored(session)
        accounts = list(_accounts(session, resources))
        found.differences.update({f"books:{line}": line for line in ledger.differences(session)})
    known = {marker: hit for account in accounts for marker, hit in account.hits.items()}
    for account in accounts:
        listed = defaultdict(list)
        others: list[PostedHit] = []
        for posted in account.provider.hits():
            if posted.marker.startswith(ours):
                listed[posted.marker].append(posted)
            else:
                others.append(posted)
        found.n_hits += sum(map(len, listed.values()))
        _compare_listing(resources, account, listed, known, found)
        for number, (marker, hit) in enumerate(account.hits.items()):
            progress(number, len(account.hits))
            if hit.provider_hit_id and marker not in listed:
                _explain_absence(resources, account, hit, found)
            elif hit.provider_hit_id and in_full:
                _compare_submissions(resources, account, hit, found)
        difference = balances.compare(
            resources, account.provider, account.environment, others, found.notes
        )
        if difference:
            found.differences[f"balance:{account.environment}"] = difference
    _write(resources, found)
    return found


def _accounts(session: Session, resources: Resources) -> Iterator[_Account]:
    """Venue accounts that launched jobs use; models have none, nothing of theirs is outside."""
    rows = session.execute(
        select(Hit, Batch.route_id, Route.provider, Job.environment)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .join(Job, Job.id == Batch.job_id)
        .order_by(Hit.id)
    ).all()
    hits: dict[tuple[str, str], dict[str, Hit]] = defaultdict(dict)
    first: dict[tuple[str, str], int] = {}
    for hit, route_id, provider_name, environment in rows:
        account = (provider_name, environment_of(provider_name, environment))
        first.setdefault(account, route_id)
        hits[account][hit.marker] = hit
    for account, route_id in first.items():
        provider = hit_specs.route_context(session, route_id).provider(resources.venues)
        if provider.has_pages:
            yield _Account(provider, account[1], hits[account])


def _compare_listing(
    resources: Resources,
    account: _Account,
    listed: Mapping[str, list[PostedHit]],
    known: Mapping[str, Hit],
    found: Reconciliation,
) -> None:
    for marker, posted in listed.items():
        ids = ", ".join(sorted(one.provider_hit_id for one in posted))
        hit = known.get(marker)
        if len(posted) > 1:
            found.differences[f"twice:{marker}"] = f"{marker} is posted more than once: {ids}"
        elif hit is None:
            found.differences[f"unknown:{marker}"] = (
                f"the venue {account.provider.name} holds {ids} under our marker {marker}, "
                "and no row here knows it"
            )
        elif not hit.provider_hit_id:
            _adopt(resources, hit, posted[0], found)
        elif hit.provider_hit_id != posted[0].provider_hit_id:
            found.differences[f"other:{marker}"] = (
                f"HIT {hit.id} is {hit.provider_hit_id} here and {ids} at the venue"
            )


def _adopt(resources: Resources, hit: Hit, posted: PostedHit, found: Reconciliation) -> None:
    try:
        found.n_adopted += publishing.adopt(resources, hit.id, posted)
    except BudgetExceeded as error:
        found.differences[f"adopt:{hit.marker}"] = (
            f"HIT {hit.id} is posted as {posted.provider_hit_id} and cannot be paid: {error}"
        )


def _explain_absence(
    resources: Resources, account: _Account, hit: Hit, found: Reconciliation
) -> None:
    """A HIT missing in the list may be young, or asked for by its id; else it is lost."""
    if hit.posted_at is None or intents.may_be_unlisted(hit.posted_at, resources.clock()):
        return
    if hit.state == "closed" and not hit.held_micros:
        return  # the venue disposes of old HITs; nothing is owed for it
    try:
        account.provider.get(hit.provider_hit_id)
    except ProviderError as error:
        if not error.permanent:
            raise
        found.differences[f"lost:{hit.marker}"] = (
            f"HIT {hit.id} was posted as {hit.provider_hit_id}, and the venue has no such HIT"
        )


def _compare_submissions(
    resources: Resources, account: _Account, hit: Hit, found: Reconciliation
) -> None:
    posted = account.provider.get(hit.provider_hit_id)
    with reading(resources.sessions) as session:
        context = hit_specs.batch_context(session, hit.batch_id)
        spec = hit_specs.hit_spec(context, hit, ())
        rows = session.execute(
            select(RawSubmission, Assignment, LedgerTransaction.id)
            .join(Assignment, Assignment.raw_submission_id == RawSubmission.id)
            .outerjoin(
                LedgerTransaction,
                LedgerTransaction.key == "settle:assignment:" + cast(Assignment.id, String),
            )
            .where(RawSubmission.hit_id == hit.id)
        ).all()
        being_reversed = set(
            session.scalars(
                select(Reversal.assignment_id)
                .join(Intent, Intent.id == Reversal.intent_id)
                .join(Assignment, Assignment.id == Reversal.assignment_id)
                .where(Assignment.hit_id == hit.id, Intent.state.in_(intents.OPEN))
            )
        )
    ours = {
        (raw.provider_assignment_id, raw.provider_worker_id): (assignment, payment)
        for raw, assignment, payment in rows
    }
    for submission in account.provider.fetch(posted, spec):
        found.n_submissions += 1
        _compare_bonuses(resources, account, submission.provider_assignment_id, found)
        key = (submission.provider_assignment_id, submission.provider_worker_id)
        where = f"assignment {submission.provider_assignment_id} of HIT {hit.id}"
        assignment, payment = ours.pop(key, (None, None))
        if assignment is None:
            if hit.state == "closed":
                found.differences[f"missed:{key}"] = f"{where} was never collected"
            continue
        if assignment.state == "Submitted" or assignment.id in being_reversed:
            continue  # collecting takes the venue's decision over, an open call its own
        if (submission.state == "Approved") != (payment is not None):
            found.differences[f"payment:{key}"] = (
                f"{where} is {submission.state} at the venue and "
                f"{'paid' if payment else 'not paid'} in our books"
            )
    for key, (assignment, _) in ours.items():
        found.differences[f"gone:{key}"] = (
            f"assignment {assignment.id} of HIT {hit.id} is not at the venue any more"
        )


def _compare_bonuses(
    resources: Resources, account: _Account, provider_assignment_id: str, found: Reconciliation
) -> None:
    listed = account.provider.bonuses(provider_assignment_id)
    theirs = sum(bonus.amount_micros for bonus in listed)
    with reading(resources.sessions) as session:
        paid = session.scalar(
            select(func.sum(LedgerEntry.amount_micros))
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .join(Assignment, Assignment.id == LedgerTransaction.assignment_id)
            .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
            .where(RawSubmission.provider_assignment_id == provider_assignment_id)
            .where(LedgerEntry.account == "bonus")
        )
    if theirs != (paid or 0):
        found.differences[f"bonus:{provider_assignment_id}"] = (
            f"assignment {provider_assignment_id} has {format_usd(theirs)} of bonuses at the "
            f"venue and {format_usd(paid or 0)} in our books"
        )


def _write(resources: Resources, found: Reconciliation) -> None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        for key, message in found.differences.items():
            findings.report(session, f"reconcile:{key}"[:200], message, now, None)
        if found.differences:
            reason = f"{len(found.differences)} differences with the venues; see the findings"
            intents.set_pause(session, True, reason=reason, actor=ACTOR, now=now)
        adopting.settle_down(session, len(found.differences), now)
