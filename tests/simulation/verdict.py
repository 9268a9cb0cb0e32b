"""What must hold, whatever happened: our rows against the marketplace's own tables.

Both databases are read with plain SQL of this file's own, so that a mistake in our queries
is not made twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from jobs import ledger
from jobs.collection import original
from jobs.db import reading
from tests.simulation.stage import Stage

MAY_ASK_A_WORKER_AGAIN = True
"""One more answer is bought as a new HIT, which one who answered before may take."""

MICROS_PER_CENT = 10_000
HOURLY_WAGE_MICROS = 18_000_000
MONEY_REFUSALS = ("of the budget is left", "InsufficientFunds")
# The venue was first: it approved at its deadline what a person had decided to reject.
_EXPECTED_FINDINGS = ("decision:assignment:",)


class Verdict:
    """What is wrong, in sentences."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._troubles: list[str] = []

    def troubles(self) -> tuple[str, ...]:
        """Everything said so far."""
        return tuple(self._troubles)

    def say(self, trouble: str) -> None:
        """Something is wrong."""
        if trouble not in self._troubles:
            self._troubles.append(trouble)

    def check_no_transaction(self) -> None:
        """No transaction of ours is open while the venue is called."""
        if self._stage.ours.in_transaction:
            self.say("a venue is called inside a transaction")

    def check_cap(self) -> None:
        """The venue never has more of our money, spent or held, than we hold and have spent."""
        budget, ours = self._one("SELECT budget_micros, held_micros + spent_micros FROM job")
        theirs = self._spent_and_held()
        if not theirs <= ours <= budget:
            self.say(
                f"over the cap: {theirs} micro-dollars at the venue, {ours} held or spent here, "
                f"a budget of {budget}"
            )

    def is_quiet(self) -> bool:
        """Whether the job has ended and nothing is left to do or to pay."""
        state, held = self._one("SELECT state, held_micros FROM job")
        left = self._our("SELECT 1 FROM work WHERE state <> 'done' AND task_name <> 'reconcile'")
        return state in ("finished", "cancelled") and not held and not left

    def n_open_batches(self) -> int:
        return len(self._our("SELECT id FROM batch WHERE state <> 'closed'"))

    def refused_for_money(self) -> str:
        """The error of work that waits for money which will not come; empty for none."""
        rows = self._our("SELECT error FROM work WHERE state <> 'done' AND failures > 0")
        return next(
            (error for (error,) in rows if any(text in error for text in MONEY_REFUSALS)), ""
        )

    def judge(self, differences: Sequence[str]) -> None:
        """Look at everything; ``differences`` is what reconciling has found."""
        for trouble in (
            *(f"reconciling: {line}" for line in differences),
            *self._stuck(),
            *self._hits(),
            *self._submissions(),
            *self._payments(),
            *self._bonuses(),
            *self._ledger(),
            *self._labels(),
        ):
            self.say(trouble)
        self.check_cap()

    def _stuck(self) -> Iterator[str]:
        for key, state, error in self._our("SELECT key, state, error FROM work"):
            if state not in ("done",) and not (key == "reconcile:0" and state == "ready"):
                yield f"stuck: work {key} is {state}: {error[-300:]}"
        for key, state in self._our(
            "SELECT key, state FROM intent WHERE state IN ('sending', 'unknown')"
        ):
            yield f"stuck: intent {key} is {state}"
        state, held = self._one("SELECT state, held_micros FROM job")
        if state not in ("finished", "cancelled") or held:
            yield f"stuck: the job is {state} and holds {held} micro-dollars"
        for table in ("hit", "batch"):
            for number, state in self._our(f"SELECT id, state FROM {table}"):
                if state not in ("closed", "failed"):
                    yield f"stuck: {table} {number} is {state}"
        for number, state in self._our(
            "SELECT id, state FROM assignment WHERE state = 'Submitted' OR parse_state = 'new'"
        ):
            yield f"stuck: assignment {number} is {state}"
        for key, message in self._our("SELECT key, message FROM finding WHERE state = 'open'"):
            if not key.startswith(_EXPECTED_FINDINGS):
                yield f"finding: {key}: {message}"

    def _hits(self) -> Iterator[str]:
        theirs: dict[str, list[str]] = defaultdict(list)
        for marker, account, hit_id in self._their(
            "SELECT annotation, access_key, hit_id FROM market_hit"
            " JOIN market_requester ON market_requester.id = requester_id"
        ):
            theirs[f"{'mturk' if account == 'local' else account} {marker}"].append(hit_id)
        ours = {
            f"{provider} {marker}": hit_id
            for provider, marker, hit_id in self._our(
                "SELECT provider, marker, provider_hit_id FROM hit"
                " JOIN batch ON batch.id = batch_id JOIN route ON route.id = route_id"
                " WHERE provider_hit_id <> ''"
            )
        }
        for marker, hit_ids in theirs.items():
            if len(hit_ids) > 1:
                yield f"duplicate HIT: {marker} is posted {len(hit_ids)} times"
            if ours.get(marker) not in hit_ids:
                yield f"orphaned HIT: {marker} is at the venue and not in our rows"
        for marker in ours.keys() - theirs.keys():
            yield f"lost HIT: {marker} is in our rows and not at the venue"

    def _submissions(self) -> Iterator[str]:
        theirs = {
            (assignment_id, worker_id): (answer, state)
            for assignment_id, worker_id, answer, state in self._their(
                "SELECT assignment_id, market_worker.worker_id, answer, state"
                " FROM market_assignment JOIN market_worker"
                " ON market_worker.id = market_assignment.worker_id"
                " WHERE state IN ('Submitted', 'Approved', 'Rejected')"
            )
        }
        rows = self._our(
            "SELECT provider_assignment_id, provider_worker_id, raw, sha256, state,"
            " parse_state, assignment.id FROM raw_submission"
            " LEFT JOIN assignment ON assignment.raw_submission_id = raw_submission.id"
        )
        counts = Counter((row[0], row[1]) for row in rows)
        for key in theirs.keys() - counts.keys():
            yield f"lost answer: {key[0]} of {key[1]} was never collected"
        for *key, raw, digest, state, parse_state, number in rows:
            found = theirs.get((key[0], key[1]))
            if found is None or counts[key[0], key[1]] > 1:
                yield f"answer {key[0]} of {key[1]}: kept {counts[key[0], key[1]]} times, or invented"
                continue
            answer, their_state = found
            if original(raw) != answer:
                yield f"changed answer: {key[0]}"
            if digest != hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest():
                yield f"answer {key[0]}: its digest is of something else"
            if state != their_state:
                yield f"assignment {number} is {state} here and {their_state} at the venue"
            if parse_state not in ("parsed", "unparsed"):
                yield f"assignment {number} was never read: {parse_state}"

    def _payments(self) -> Iterator[str]:
        theirs: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for assignment_id, worker_id, kind, cents, n_transfers in self._their(
            "SELECT a.assignment_id, w.worker_id, t.kind, sum(t.amount_cents), count(*)"
            " FROM market_transfer t JOIN market_assignment a ON a.id = t.assignment_id"
            " JOIN market_worker w ON w.id = a.worker_id"
            " WHERE t.kind IN ('reward', 'fee') GROUP BY t.kind, a.id"
        ):
            theirs[assignment_id, worker_id][kind] = cents * MICROS_PER_CENT
            if n_transfers != 1:
                yield f"paid {n_transfers} times at the venue: {assignment_id}"
        n_settled: Counter[int] = Counter()
        for number, assignment_id, worker_id, state, provider, seconds in self._our(
            "SELECT assignment.id, provider_assignment_id, provider_worker_id, state, provider,"
            " work_seconds FROM assignment JOIN raw_submission"
            " ON raw_submission.id = raw_submission_id"
        ):
            paid = self._settled(number)
            n_settled[number] = len(paid)
            if len(paid) != (state == "Approved"):
                yield f"assignment {number} is {state} and was paid {len(paid)} times"
            expected = theirs.get((assignment_id, worker_id), {})
            if provider == "inhouse" and state == "Approved":
                wage = Fraction(HOURLY_WAGE_MICROS) * round(seconds * 1000) / 3_600_000
                expected = {"reward": int(wage + Fraction(1, 2)), "fee": 0}
            if any(one != expected for one in paid):
                yield f"assignment {number}: {paid} in our books, {expected} at the venue"
        if not MAY_ASK_A_WORKER_AGAIN:
            yield from self._twice_for_one_task()

    def _settled(self, assignment_id: int) -> list[dict[str, int]]:
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for number, account, micros in self._our(
            "SELECT t.id, e.account, e.amount_micros FROM ledger_transaction t"
            " JOIN ledger_entry e ON e.transaction_id = t.id WHERE t.kind = 'settle'"
            f" AND t.key = 'settle:assignment:{assignment_id}' AND e.account <> 'held'"
        ):
            found[number][account] = micros
        return list(found.values())

    def _twice_for_one_task(self) -> Iterator[str]:
        for worker_id, task_id, times in self._our(
            "SELECT worker_id, task_id, count(*) FROM assignment"
            " JOIN hit_task ON hit_task.hit_id = assignment.hit_id WHERE state = 'Approved'"
            " GROUP BY worker_id, task_id HAVING count(*) > 1"
        ):
            yield f"worker {worker_id} was paid {times} times for task {task_id}"

    def _bonuses(self) -> Iterator[str]:
        theirs = Counter(
            (assignment_id, reason.rpartition("[")[2].rstrip("]"), cents * MICROS_PER_CENT)
            for assignment_id, reason, cents in self._their(
                "SELECT a.assignment_id, b.reason, b.amount_cents FROM market_bonus b"
                " JOIN market_assignment a ON a.id = b.assignment_id"
            )
        )
        ours = Counter(
            (assignment_id, key, micros)
            for assignment_id, key, micros in self._our(
                "SELECT r.provider_assignment_id, i.key, e.amount_micros FROM intent i"
                " JOIN ledger_transaction t ON t.intent_id = i.id AND t.kind = 'settle'"
                " JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'bonus'"
                " JOIN assignment a ON a.id = t.assignment_id"
                " JOIN raw_submission r ON r.id = a.raw_submission_id"
                " WHERE i.operation = 'SendBonus'"
            )
        )
        for bonus, times in theirs.items():
            if times > 1:
                yield f"double bonus: {bonus} was paid {times} times"
        if theirs != ours:
            yield f"bonuses: {dict(ours)} in our books, {dict(theirs)} at the venue"

    def _ledger(self) -> Iterator[str]:
        with reading(self._stage.sessions) as session:
            yield from (f"ledger: {line}" for line in ledger.differences(session))
        for number, total in self._our(
            "SELECT transaction_id, sum(amount_micros) FROM ledger_entry"
            " GROUP BY transaction_id HAVING sum(amount_micros) <> 0"
        ):
            yield f"ledger: transaction {number} sums to {total}"
        balance: Counter[str] = Counter()
        for kind, account, micros in self._our(
            "SELECT kind, account, amount_micros FROM ledger_transaction t"
            " JOIN ledger_entry e ON e.transaction_id = t.id ORDER BY e.id"
        ):
            balance[account] += micros
            if balance["held"] < 0:
                yield f"ledger: less than nothing is held after a {kind}"
        crowd = dict(
            self._their(
                "SELECT t.kind, sum(t.amount_cents) FROM market_transfer t JOIN market_requester r"
                " ON r.id = t.requester_id WHERE r.access_key = 'local' GROUP BY t.kind"
            )
        )
        fees = (crowd.get("fee", 0) + crowd.get("bonus_fee", 0)) * MICROS_PER_CENT
        if balance["fee"] != fees:
            yield f"ledger: fees are {balance['fee']} here and {fees} at the venue"
        held = self._their_one("SELECT sum(held_cents) FROM market_requester")
        if held:
            yield f"the venue still holds {held} cents"

    def _labels(self) -> Iterator[str]:
        (state,) = self._one("SELECT state FROM job")
        if state != "finished":
            return
        for item_id, kind in self._our(
            "SELECT DISTINCT item_id, kind FROM task WHERE NOT EXISTS (SELECT 1 FROM label"
            " WHERE label.item_id = task.item_id AND label.kind = task.kind)"
        ):
            yield f"no label: {kind} of item {item_id}"

    def _spent_and_held(self) -> int:
        """Micro-dollars that have left the balance of the crowd's account."""
        cents = self._their_one(
            "SELECT -sum(market_entry.amount_cents) FROM market_entry JOIN market_transfer"
            " ON market_transfer.id = transfer_id WHERE kind <> 'deposit' AND account ="
            " (SELECT 'requester:' || id || ':available' FROM market_requester"
            " WHERE access_key = 'local')"
        )
        return int(cents or 0) * MICROS_PER_CENT

    def _one(self, query: str) -> tuple[Any, ...]:
        return self._our(query)[0]

    def _their_one(self, query: str) -> Any:
        return self._their(query)[0][0]

    def _our(self, query: str) -> list[tuple[Any, ...]]:
        return self._stage.ours.execute(query).fetchall()

    def _their(self, query: str) -> list[tuple[Any, ...]]:
        return self._stage.theirs.execute(query).fetchall()
