"""What a person sees before a job's first cent: cost, who pays, from which balance, and why not.

Reads the venues' balances, so it is asked outside of any transaction that writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import intents
from jobs.blobs import Blobs
from jobs.errors import BudgetExceeded, NotFound, Paused, ProviderError
from jobs.money import format_usd
from jobs.planning import planning
from jobs.planning.estimating import Estimate, estimate
from jobs.records import Identity
from jobs.specs import hit_specs
from jobs.specs.hit_specs import Venues
from jobs.spending import limits
from jobs.spending.limits import Limits
from jobs.tables import Job, Route

PAYS_BY_THE_HIT = "mturk"
"""The provider whose venue takes the money; wages and compute are paid elsewhere."""


@dataclass(frozen=True)
class Payer:
    """The account at a venue that would pay: what it has, and what it needs.

    ``first_micros`` is held there by the launch itself, ``worst_micros`` at most ever.
    """

    provider: str
    identity: Identity | None
    first_micros: int
    worst_micros: int
    problem: str = ""

    @property
    def missing_micros(self) -> int:
        """What the balance lacks for what the launch posts at once; 0 when it is not known."""
        balance = self.identity.balance_micros if self.identity else None
        return 0 if balance is None else max(0, self.first_micros - balance)


@dataclass(frozen=True)
class LaunchPreview:
    """Everything a launch should be judged by. ``refusals`` stop it, ``warnings`` do not.

    ``held_back`` says why nothing is bought for any job now; empty where nothing does.
    """

    job_id: int
    name: str
    environment: str
    estimate: Estimate
    payers: tuple[Payer, ...]
    limits: Limits
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    missing_micros: int
    held_back: str = ""


def preview(
    session: Session, job_id: int, venues: Venues, blobs: Blobs, now: datetime
) -> LaunchPreview:
    """The launch as it would be now; changes nothing here and nothing at the venues.

    Raises:
        InvalidInput: for a page over the size a venue takes, or a question a model cannot answer.

    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    cost = estimate(session, job_id, venues, blobs)
    payers = tuple(_payers(session, job, cost, venues))
    shared = limits.limits_of(session, job.environment, now)
    lacks = [
        (cost.missing_micros, f"the budget is {format_usd(cost.budget_micros)}"),
        (
            _lacking(shared, cost),
            f"{format_usd(shared.left_micros or 0)} is left under the cap of all "
            f"{job.environment} jobs",
        ),
        *((payer.missing_micros, _balance(payer)) for payer in payers),
    ]
    refusals = [f"{what}: {format_usd(micros)} is missing" for micros, what in lacks if micros]
    refusals += [
        f"{payer.provider}: nobody could say who pays: {payer.problem}"
        for payer in payers
        if payer.problem and job.environment == "production"
    ]
    return LaunchPreview(
        job.id,
        job.name,
        job.environment,
        cost,
        payers,
        shared,
        tuple(refusals),
        tuple(_warnings(job, payers)),
        max(micros for micros, _ in lacks),
        _held_back(session),
    )


def check(found: LaunchPreview) -> None:
    """Refuse a launch that the preview says cannot be paid.

    Raises:
        Paused: while a switch or an open finding keeps every job from buying.
        BudgetExceeded: with everything that is missing.

    """
    if found.held_back:
        raise Paused(found.held_back)
    if found.refusals:
        raise BudgetExceeded(
            f"job {found.job_id}: it can cost {format_usd(found.estimate.worst_micros)} and "
            f"{'; '.join(found.refusals)}",
            found.missing_micros,
        )


def judge(
    session: Session, job_id: int, venues: Venues, blobs: Blobs, now: datetime, *, confirmed: str
) -> None:
    """Refuse a draft that nobody confirmed or that cannot be paid; every door asks before a launch.

    A job that is no draft passes: the launch itself says what it is.

    Raises:
        InvalidInput: when a production job's name was not typed.
        Paused: while a switch or an open finding keeps every job from buying.
        BudgetExceeded: with everything that is missing, or why nobody can say who pays.

    """
    job = session.get(Job, job_id)
    if job is not None and job.state == "draft":
        planning.check_confirmed(job.environment, job.name, confirmed)
        check(preview(session, job_id, venues, blobs, now))


def _held_back(session: Session) -> str:
    try:
        intents.refuse_launches(session)
    except Paused as error:
        return str(error)
    return ""


def _payers(session: Session, job: Job, cost: Estimate, venues: Venues) -> list[Payer]:
    routes = session.scalars(
        select(Route).where(Route.job_id == job.id).order_by(Route.position)
    ).all()
    paying = [route for route in routes if route.provider == PAYS_BY_THE_HIT]
    if not paying:
        return []
    at_once = {route.id for route in paying if route.options["when"] == "always"}
    first = sum(line.micros for line in cost.lines if line.route_id in at_once and not line.is_part)
    elsewhere = sum(
        line.micros
        for line in cost.lines
        if line.provider not in ("", PAYS_BY_THE_HIT) and not line.is_part
    )
    identity, problem = None, ""
    try:
        provider = hit_specs.route_context(session, paying[0].id).provider(venues)
        identity = provider.identity()
    except ProviderError as error:
        problem = str(error)
    return [Payer(PAYS_BY_THE_HIT, identity, first, cost.worst_micros - elsewhere, problem)]


def _balance(payer: Payer) -> str:
    balance = payer.identity.balance_micros if payer.identity else None
    return (
        f"the launch holds {format_usd(payer.first_micros)} at {payer.provider}, where the "
        f"balance is {format_usd(balance or 0)}"
    )


def _lacking(shared: Limits, cost: Estimate) -> int:
    return 0 if shared.left_micros is None else max(0, cost.worst_micros - shared.left_micros)


def _warnings(job: Job, payers: tuple[Payer, ...]) -> list[str]:
    found = []
    for payer in payers:
        balance = payer.identity.balance_micros if payer.identity else None
        if payer.problem and job.environment != "production":
            found.append(f"{payer.provider}: {payer.problem}")
        elif balance is not None and payer.first_micros <= balance < payer.worst_micros:
            found.append(
                f"the balance of {format_usd(balance)} at {payer.provider} covers what is posted "
                f"at once, not the worst case of {format_usd(payer.worst_micros)}"
            )
    return found


def describe(payer: Payer) -> str:
    """One line that says who pays: environment, account, identity, balance."""
    if payer.identity is None:
        return f"{payer.provider}: {payer.problem}"
    one = payer.identity
    balance = "unknown" if one.balance_micros is None else format_usd(one.balance_micros)
    who = f"AWS account {one.account} as {one.arn}" if one.arn else f"account {one.account!r}"
    return f"{payer.provider} {one.environment}: {who} at {one.endpoint}, balance {balance}"
