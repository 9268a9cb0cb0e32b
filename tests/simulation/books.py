"""Our ledger against the marketplace's own books, payment by payment, to the micro-dollar."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction

from jobs.db import reading
from jobs.spending import ledger
from tests.simulation.stage import WAGE_MICROS, Stage
from tests.simulation.troubles import BONUS, LEDGER, PAID_TWICE, Trouble

_MICROS_PER_CENT = 10_000


def check_books(stage: Stage) -> Iterator[Trouble]:
    """Every difference, once the job has ended."""
    with reading(stage.sessions) as session:
        for line in ledger.differences(session):
            yield Trouble(LEDGER, line)
    yield from _payments(stage.ours, stage.theirs)
    yield from _bonuses(stage.ours, stage.theirs)
    yield from _entries(stage.ours)
    yield from _sums(stage.ours, stage.theirs)


def committed_at_venue(theirs: sqlite3.Connection) -> int:
    """Micro-dollars that have left the balance of the crowd's account, held or spent."""
    ((cents,),) = theirs.execute(
        "SELECT -sum(e.amount_cents) FROM market_entry e JOIN market_transfer t"
        " ON t.id = e.transfer_id JOIN market_requester r ON r.id = t.requester_id"
        " WHERE t.kind <> 'deposit' AND r.access_key = 'local'"
        " AND e.account = 'requester:' || r.id || ':available'"
    )
    return int(cents or 0) * _MICROS_PER_CENT


def _payments(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[Trouble]:
    """Each approved assignment is paid once here, with what the venue took for it."""
    at_venue: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for assignment_id, worker_id, kind, cents, times in theirs.execute(
        "SELECT a.assignment_id, w.worker_id, t.kind, sum(t.amount_cents), count(*)"
        " FROM market_transfer t JOIN market_assignment a ON a.id = t.assignment_id"
        " JOIN market_worker w ON w.id = a.worker_id"
        " WHERE t.kind IN ('reward', 'fee') GROUP BY t.kind, a.id"
    ):
        at_venue[assignment_id, worker_id][kind] = cents * _MICROS_PER_CENT
        if times != 1:
            yield Trouble(PAID_TWICE, f"{assignment_id} was paid {times} times at the venue")
    settled = _settled(ours)
    for number, assignment_id, worker_id, state, provider, seconds in ours.execute(
        "SELECT a.id, r.provider_assignment_id, r.provider_worker_id, a.state, r.provider,"
        " a.work_seconds FROM assignment a JOIN raw_submission r ON r.id = a.raw_submission_id"
    ):
        paid = settled.get(number, [])
        if len(paid) != (state == "Approved"):
            kind = PAID_TWICE if len(paid) > 1 else LEDGER
            yield Trouble(kind, f"assignment {number} is {state} and was paid {len(paid)} times")
        expected = at_venue.get((assignment_id, worker_id), {})
        if provider == "inhouse" and state == "Approved":
            expected = {"reward": _wage(seconds), "fee": 0}
        for one in paid:
            if one != expected:
                yield Trouble(
                    LEDGER, f"assignment {number}: {one} in our books, {expected} at the venue"
                )


def _wage(seconds: float) -> int:
    """Time worked, rounded half up to a micro-dollar."""
    return int(Fraction(WAGE_MICROS) * round(seconds * 1000) / 3_600_000 + Fraction(1, 2))


def _settled(ours: sqlite3.Connection) -> dict[int, list[dict[str, int]]]:
    """What was spent on each assignment's work, once for each movement of money."""
    movements: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for number, assignment_id, account, micros in ours.execute(
        "SELECT t.id, t.assignment_id, e.account, e.amount_micros FROM ledger_transaction t"
        " JOIN ledger_entry e ON e.transaction_id = t.id WHERE t.kind = 'settle'"
        " AND t.hit_id IS NOT NULL AND e.account <> 'held'"
    ):
        movements[number, assignment_id][account] = micros
    found: dict[int, list[dict[str, int]]] = defaultdict(list)
    for (_, assignment_id), amounts in movements.items():
        found[assignment_id].append(amounts)
    return found


def _bonuses(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[Trouble]:
    """Each bonus once, of the amount and to the assignment that was meant."""
    at_venue = Counter(
        (assignment_id, reason.rpartition("[")[2].rstrip("]"), cents * _MICROS_PER_CENT)
        for assignment_id, reason, cents in theirs.execute(
            "SELECT a.assignment_id, b.reason, b.amount_cents FROM market_bonus b"
            " JOIN market_assignment a ON a.id = b.assignment_id"
        )
    )
    in_books = Counter(
        ours.execute(
            "SELECT r.provider_assignment_id, i.key, e.amount_micros FROM intent i"
            " JOIN ledger_transaction t ON t.intent_id = i.id AND t.kind = 'settle'"
            " JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'bonus'"
            " JOIN assignment a ON a.id = t.assignment_id"
            " JOIN raw_submission r ON r.id = a.raw_submission_id"
            " WHERE i.operation = 'SendBonus'"
        )
    )
    for bonus, times in at_venue.items():
        if times > 1:
            yield Trouble(BONUS, f"{bonus} was paid {times} times")
    if at_venue != in_books:
        yield Trouble(LEDGER, f"bonuses: {dict(in_books)} here, {dict(at_venue)} at the venue")


def _entries(ours: sqlite3.Connection) -> Iterator[Trouble]:
    """Each movement sums to zero, and nothing is taken out of hold that was not there."""
    sums: Counter[int] = Counter()
    held = 0
    for number, account, micros in ours.execute(
        "SELECT transaction_id, account, amount_micros FROM ledger_entry ORDER BY id"
    ):
        sums[number] += micros
        held += micros if account == "held" else 0
        if held < 0:
            yield Trouble(LEDGER, f"less than nothing is held after transaction {number}")
    for number, total in sums.items():
        if total:
            yield Trouble(LEDGER, f"transaction {number} sums to {total}")


def _sums(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[Trouble]:
    """The accounts as wholes: fees and bonuses to the cent, and nothing held at the end."""
    book = dict(ours.execute("SELECT account, sum(amount_micros) FROM ledger_entry GROUP BY 1"))
    crowd = dict(
        theirs.execute(
            "SELECT t.kind, sum(t.amount_cents) FROM market_transfer t JOIN market_requester r"
            " ON r.id = t.requester_id WHERE r.access_key = 'local' GROUP BY t.kind"
        )
    )
    fees = crowd.get("fee", 0) + crowd.get("bonus_fee", 0)
    for name, here, cents in (
        ("fees", book.get("fee", 0), fees),
        ("bonuses", book.get("bonus", 0), crowd.get("bonus", 0)),
    ):
        if here != cents * _MICROS_PER_CENT:
            yield Trouble(LEDGER, f"{name} are {here} micro-dollars here, {cents} cents there")
    ((held,),) = theirs.execute("SELECT sum(held_cents) FROM market_requester")
    if held or book.get("held", 0):
        yield Trouble(LEDGER, f"{book.get('held', 0)} is still held here, {held} cents there")
