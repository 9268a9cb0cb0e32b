"""Money moves here and nowhere else: transfers whose entries sum to zero, each booked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.marketplace.refusals import insufficient_funds
from webapp.marketplace.tables.money import Entry, Transfer
from webapp.marketplace.tables.people import Requester
from webapp.marketplace.tables.work import Assignment, Hit

FEES = "fees"
OUTSIDE = "outside"


def available(requester_id: int) -> str:
    """The account of money a requester can spend."""
    return f"requester:{requester_id}:available"


def held(requester_id: int) -> str:
    """The account of money reserved for a requester's open HITs."""
    return f"requester:{requester_id}:held"


def wages(worker_id: int) -> str:
    """The account of what a worker has earned."""
    return f"worker:{worker_id}"


def deposit(session: Session, requester_id: int, cents: int, *, key: str, now: int) -> None:
    """Add money from outside."""
    _shift(session, requester_id, available_cents=cents, held_cents=0)
    legs = {OUTSIDE: -cents, available(requester_id): cents}
    _book(session, key, "deposit", requester_id, cents, legs, now)


def set_hold(session: Session, hit: Hit, n_units: int, now: int) -> None:
    """Hold exactly ``n_units`` assignments' reward and fee for ``hit``.

    Raises:
        Refusal: InsufficientFunds; nothing is booked then.

    """
    change = n_units - hit.n_held
    cents = change * (hit.unit_reward_cents + hit.unit_fee_cents)
    hit.n_held = n_units
    if cents == 0:
        return
    _shift(session, hit.requester_id, available_cents=-cents, held_cents=cents)
    owner = hit.requester_id
    legs = {available(owner): -cents, held(owner): cents}
    kind = "hold" if cents > 0 else "release"
    number = session.scalar(
        select(func.count())
        .select_from(Transfer)
        .where(Transfer.hit_id == hit.id, Transfer.kind.in_(("hold", "release")))
    )
    _book(session, f"{kind}:{hit.id}:{number}", kind, owner, abs(cents), legs, now, hit_id=hit.id)


def pay_assignment(session: Session, assignment: Assignment, now: int) -> None:
    """Turn one held unit into the worker's reward and the fee. The key makes it happen once."""
    hit, owner = assignment.hit, assignment.hit.requester_id
    reward, fee = hit.unit_reward_cents, hit.unit_fee_cents
    hit.n_held -= 1
    _shift(session, owner, available_cents=0, held_cents=-(reward + fee))
    for kind, cents, receiver in (
        ("reward", reward, wages(assignment.worker_id)),
        ("fee", fee, FEES),
    ):
        legs = {held(owner): -cents, receiver: cents}
        key = f"{kind}:{assignment.id}"
        _book(
            session, key, kind, owner, cents, legs, now, hit_id=hit.id, assignment_id=assignment.id
        )


def pay_bonus(session: Session, assignment: Assignment, bonus_id: int, cents: int, fee: int,
              now: int) -> None:  # fmt: skip
    """Pay a bonus and its fee at once.

    Raises:
        Refusal: InsufficientFunds.

    """
    owner, hit_id = assignment.hit.requester_id, assignment.hit_id
    _shift(session, owner, available_cents=-(cents + fee), held_cents=0)
    for kind, amount, receiver in (
        ("bonus", cents, wages(assignment.worker_id)),
        ("bonus_fee", fee, FEES),
    ):
        legs = {available(owner): -amount, receiver: amount}
        _book(session, f"{kind}:{bonus_id}", kind, owner, amount, legs, now, hit_id=hit_id,
              assignment_id=assignment.id)  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """A requester's money in cents, summed from the entries."""

    available_cents: int
    held_cents: int
    deposited_cents: int
    reward_cents: int
    fee_cents: int
    bonus_cents: int
    bonus_fee_cents: int

    @property
    def spent_cents(self) -> int:
        """All that left the account."""
        return self.reward_cents + self.fee_cents + self.bonus_cents + self.bonus_fee_cents


def statement(session: Session, requester_id: int) -> Statement:
    """The requester's books, computed from every entry, not from cached balances."""
    balances = dict(
        session.execute(
            select(Entry.account, func.sum(Entry.amount_cents))
            .where(Entry.account.in_((available(requester_id), held(requester_id))))
            .group_by(Entry.account)
        ).all()
    )
    spent = dict(
        session.execute(
            select(Transfer.kind, func.sum(Transfer.amount_cents))
            .where(Transfer.requester_id == requester_id)
            .group_by(Transfer.kind)
        ).all()
    )
    return Statement(
        int(balances.get(available(requester_id), 0)),
        int(balances.get(held(requester_id), 0)),
        *(int(spent.get(kind, 0)) for kind in ("deposit", "reward", "fee", "bonus", "bonus_fee")),
    )


def _shift(session: Session, requester_id: int, *, available_cents: int, held_cents: int) -> None:
    changed = session.scalars(
        update(Requester)
        .where(
            Requester.id == requester_id,
            Requester.available_cents + available_cents >= 0,
            Requester.held_cents + held_cents >= 0,
        )
        .values(
            available_cents=Requester.available_cents + available_cents,
            held_cents=Requester.held_cents + held_cents,
        )
        .returning(Requester.id)
        .execution_options(synchronize_session=False)
    )
    if changed.one_or_none() is None:
        raise insufficient_funds()


def _book(
    session: Session,
    key: str,
    kind: str,
    requester_id: int,
    cents: int,
    legs: Mapping[str, int],
    now: int,
    *,
    hit_id: int | None = None,
    assignment_id: int | None = None,
) -> None:
    if sum(legs.values()) != 0:
        raise AssertionError(f"transfer {key} does not balance: {legs}")
    transfer = Transfer(
        key=key,
        kind=kind,
        requester_id=requester_id,
        hit_id=hit_id,
        assignment_id=assignment_id,
        amount_cents=cents,
        made_at=now,
    )
    session.add(transfer)
    session.flush()
    session.add_all(
        Entry(transfer_id=transfer.id, account=account, amount_cents=amount)
        for account, amount in legs.items()
    )
