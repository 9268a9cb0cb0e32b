"""What must hold, whatever happened: our rows against the marketplace's own tables.

Both databases are read with plain SQL of this file's own, so that a mistake in our queries
is not made twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.hits.collection import original
from tests.simulation.books import check_books, committed_at_venue
from tests.simulation.stage import Stage
from tests.simulation.troubles import (
    CHANGED,
    DUPLICATE,
    EXPECTED_FINDINGS,
    LOST,
    OTHER,
    OVER,
    PAID_TWICE,
    STUCK,
    Trouble,
)

MAY_ASK_A_WORKER_AGAIN = False
"""One more answer is bought as a new HIT, which one who answered before may take."""

MONEY_REFUSALS = ("of the budget is left", "InsufficientFunds")
WATCHES = ("reconcile", "watch_deadlines")
"""Work that comes round each hour as long as there is a job to look after."""

_IS_ON_WATCH = f"(task_name IN {WATCHES} AND state IN ('ready', 'running'))"


class Verdict:
    """What is wrong, in sentences, each of its kind."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._troubles: dict[Trouble, None] = {}

    def troubles(self) -> tuple[Trouble, ...]:
        """Everything said so far, each once."""
        return tuple(self._troubles)

    def say(self, kind: str, text: str) -> None:
        """Something is wrong."""
        self._troubles[Trouble(kind, text)] = None

    def check_no_transaction(self) -> None:
        """No transaction of ours is open while the venue is called."""
        if self._stage.ours.in_transaction:
            self.say(OTHER, "a venue is called inside a transaction")

    def check_cap(self) -> None:
        """The venue never has more of our money, spent or held, than we hold and have spent."""
        budget, ours = self._one("SELECT budget_micros, held_micros + spent_micros FROM job")
        theirs = committed_at_venue(self._stage.theirs)
        if not theirs <= ours <= budget:
            self.say(
                OVER,
                f"{theirs} micro-dollars are held or spent at the venue, {ours} here, of a "
                f"budget of {budget}",
            )

    def is_quiet(self) -> bool:
        """Whether the job has ended and nothing is left to do or to pay."""
        state, held = self._one("SELECT state, held_micros FROM job")
        left = self._our(f"SELECT 1 FROM work WHERE state <> 'done' AND NOT {_IS_ON_WATCH}")
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
        for difference in differences:
            self.say(OTHER, f"reconciling finds: {difference}")
        for trouble in (
            *self._stuck(),
            *self._hits(),
            *self._submissions(),
            *self._twice_for_one_task(),
            *self._labels(),
            *check_books(self._stage),
        ):
            self._troubles[trouble] = None
        self.check_cap()

    def _stuck(self) -> Iterator[Trouble]:
        for key, state, error in self._our(
            f"SELECT key, state, error FROM work WHERE state <> 'done' AND NOT {_IS_ON_WATCH}"
        ):
            yield Trouble(STUCK, f"work {key} is {state}: {error[-300:]}")
        for key, state in self._our(
            "SELECT key, state FROM intent WHERE state IN ('sending', 'unknown')"
        ):
            yield Trouble(STUCK, f"intent {key} is {state}")
        state, held = self._one("SELECT state, held_micros FROM job")
        if state not in ("finished", "cancelled") or held:
            yield Trouble(STUCK, f"the job is {state} and holds {held} micro-dollars")
        for table in ("hit", "batch"):
            for number, state in self._our(f"SELECT id, state FROM {table}"):
                if state not in ("closed", "failed"):
                    yield Trouble(STUCK, f"{table} {number} is {state}")
        for number, state in self._our(
            "SELECT id, state FROM assignment WHERE state = 'Submitted' OR parse_state = 'new'"
        ):
            yield Trouble(STUCK, f"assignment {number} is {state}")
        for key, message in self._our("SELECT key, message FROM finding WHERE state = 'open'"):
            if not key.startswith(EXPECTED_FINDINGS):
                yield Trouble(OTHER, f"finding {key}: {message}")

    def _hits(self) -> Iterator[Trouble]:
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
                yield Trouble(DUPLICATE, f"{marker} is posted {len(hit_ids)} times")
            if ours.get(marker) not in hit_ids:
                yield Trouble(LOST, f"{marker} is at the venue and not in our rows")
        for marker in ours.keys() - theirs.keys():
            yield Trouble(LOST, f"{marker} is in our rows and not at the venue")

    def _submissions(self) -> Iterator[Trouble]:
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
            yield Trouble(LOST, f"answer {key[0]} of {key[1]} was never collected")
        for *key, raw, digest, state, parse_state, number in rows:
            found = theirs.get((key[0], key[1]))
            if found is None or counts[key[0], key[1]] > 1:
                yield Trouble(
                    CHANGED,
                    f"answer {key[0]}: kept {counts[key[0], key[1]]} times, or invented",
                )
                continue
            answer, their_state = found
            if original(raw) != answer:
                yield Trouble(CHANGED, f"answer {key[0]}")
            if digest != hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest():
                yield Trouble(CHANGED, f"answer {key[0]}: its digest is of something else")
            if state != their_state:
                yield Trouble(
                    OTHER, f"assignment {number} is {state} here and {their_state} at the venue"
                )
            if parse_state not in ("parsed", "unparsed"):
                yield Trouble(OTHER, f"assignment {number} was never read: {parse_state}")

    def _twice_for_one_task(self) -> Iterator[Trouble]:
        if MAY_ASK_A_WORKER_AGAIN:
            return
        for worker_id, task_id, times in self._our(
            "SELECT worker_id, task_id, count(*) FROM assignment"
            " JOIN hit_task ON hit_task.hit_id = assignment.hit_id WHERE state = 'Approved'"
            " GROUP BY worker_id, task_id HAVING count(*) > 1"
        ):
            yield Trouble(
                PAID_TWICE, f"worker {worker_id} was paid {times} times for task {task_id}"
            )

    def _labels(self) -> Iterator[Trouble]:
        (state,) = self._one("SELECT state FROM job")
        if state != "finished":
            return
        for item_id, kind in self._our(
            "SELECT DISTINCT item_id, kind FROM task WHERE NOT EXISTS (SELECT 1 FROM label"
            " WHERE label.item_id = task.item_id AND label.kind = task.kind)"
        ):
            yield Trouble(LOST, f"no label of {kind} of item {item_id}")

    def _one(self, query: str) -> tuple[Any, ...]:
        return self._our(query)[0]

    def _our(self, query: str) -> list[tuple[Any, ...]]:
        return self._stage.ours.execute(query).fetchall()

    def _their(self, query: str) -> list[tuple[Any, ...]]:
        return self._stage.theirs.execute(query).fetchall()
