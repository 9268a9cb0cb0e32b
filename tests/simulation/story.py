"""The story of one seed: chaos for a while, then quiet, in which everything must end well."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from jobs import calls, work
from jobs.db import reading, transaction
from jobs.reconciling.reconciling import reconcile
from jobs.resources import Resources
from tests.factories import NOW
from tests.simulation.chances import Chances, Crash
from tests.simulation.crowd import Crowd
from tests.simulation.processes import Process, pause, put_faults_around_transactions
from tests.simulation.requester import Requester
from tests.simulation.stage import LEASE_SECONDS, Stage
from tests.simulation.troubles import OTHER, Trouble
from tests.simulation.verdict import WATCHES, Verdict
from webapp.marketplace.dial import as_datetime
from webapp.marketplace.options import Options
from webapp.marketplace.settling import sweep as sweep_market

MAY_FREEZE_PAST_A_TOKEN = False
"""A process that stands still for a day between its last look at the clock and its call uses a
token that the venue has forgotten."""

N_STEPS = (25, 160)
MOST_ROUNDS = 60
_MOST_RUNS = 100
_LONGEST_FREEZE_SECONDS = 3_700
_ROUNDS_OF_WORK = 3
_RIPE_SECONDS = 6  # the longest for which a venue here does not take a decision
_POLL_AND_RETRY_SECONDS = 310
_SHARE_RECONCILED = 0.3
_PACES = ((2, 3), (20, 5), (65, 6), (130, 2), (3_700, 1), (90_000, 0.25))
"""Seconds by which time goes on at once, and how often."""


@dataclass(frozen=True)
class Report:
    """What became of a seed: the faults it met, and what was wrong at its end (nothing, one hopes).

    ``digest`` is a fingerprint of every row of both databases.
    """

    seed: int
    faults: Mapping[str, int]
    troubles: tuple[Trouble, ...]
    trace: tuple[str, ...]
    trace_sha256: str
    digest: str

    @property
    def n_faults(self) -> int:
        return sum(self.faults.values())


class Story:
    """One seed on a stage."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seed = seed
        self.trace: list[str] = []
        self.chances = Chances(seed, self.note)
        pick, rng = self.chances.pick, self.chances.rng
        options = Options(
            index_lag_seconds=pick((0.0, 0.0, 60.0)),
            decision_lag_seconds=pick((0.0, 5.0)),
            reuse_assignment_ids=pick((False, True)),
            starting_balance_cents=pick((10_000, 10_000, 10_000, 100)),
        )
        stage.begin(seed, options)
        self.verdict = Verdict(stage)
        self.crowd = Crowd(
            stage, self.chances, self.note, rng.choice((2, 4, 6)), rng.choice((0.0, 0.05, 0.3))
        )
        self._be_wired()
        self.requester = Requester(stage, self.chances, self.note)
        self.processes = [Process(f"p{number}", stage, self.note) for number in range(3)]
        self.wakes: list[int] = []

    def note(self, text: str) -> None:
        """A line of the trace, with the time since the start."""
        seconds = (self.stage.dial() - NOW).total_seconds()
        self.trace.append(f"{len(self.trace):4} {seconds:9.2f} {text}")

    def play(self) -> Report:
        """The whole story; a failure of any kind is among the report's troubles."""
        try:
            self.requester.launch(tight=self.chances.is_so(0.4))
            put_faults_around_transactions(self.stage, self.chances)
            for _ in range(self.chances.rng.randint(*N_STEPS)):
                self._step()
            self._calm_down()
            self._end()
        except Exception as error:  # noqa: BLE001 (the door of a seed: its report keeps it)
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.verdict.say(OTHER, f"the story broke off: {error!r} at {where}")
        self.note("the end")
        return Report(
            seed=self.seed,
            faults=dict(sorted(self.chances.counts.items())),
            troubles=self.verdict.troubles(),
            trace=tuple(self.trace),
            trace_sha256=hashlib.sha256("\n".join(self.trace).encode()).hexdigest(),
            digest=self.stage.digest(),
        )

    def _be_wired(self) -> None:
        wire = self.stage.wire
        wire.chances, wire.note, wire.pause = self.chances, self.note, pause
        wire.before_send, wire.watch = self.verdict.check_no_transaction, self.verdict.check_cap

    def _step(self) -> None:
        """One thing happens; mostly a process goes on."""
        busy = [process for process in self.processes if process.is_busy]
        deeds: list[tuple[Callable[[], None], float]] = [
            (self._go_on, 40 if busy else 0),
            (self._deliver_wake_up, 12 if self.wakes and len(busy) < len(self.processes) else 0),
            (self._sweep, (1.5 if self.wakes or busy else 12) if self._is_work_due() else 0),
            (self.crowd.act, 5),
            (self.requester.act, 1.5),
            (self._let_time_pass, 3 if self.wakes or busy else 10),
            (self.stage.wire.let_late_ones_arrive, 0.5),
            (self._flush, 0.5),
        ]
        deed = self.chances.rng.choices(*zip(*deeds, strict=True))[0]
        deed()

    def _go_on(self) -> None:
        self.chances.pick([process for process in self.processes if process.is_busy]).step()

    def _deliver_wake_up(self) -> None:
        out_of_turn = len(self.wakes) > 1 and self.chances.strikes("wake-up out of turn")
        work_id = self.wakes.pop(self.chances.rng.randrange(len(self.wakes)) if out_of_turn else 0)
        free = next(process for process in self.processes if not process.is_busy)
        free.start(work_id)

    def _sweep(self) -> None:
        """A worker's sweep, or two workers' at once: ids of due rows go to the queue."""
        n_sweepers = 2 if self.chances.strikes("two sweepers") else 1
        for number in range(n_sweepers):
            try:
                with transaction(self.stage.sessions) as session:
                    rows = work.sweep(session, f"sweeper{number}", self.stage.dial(), 30)
            except (Crash, DBAPIError) as error:
                self.note(f"a sweeper ends: {type(error).__name__}")
                continue
            for row in rows or ():
                self._wake(row.id)

    def _is_work_due(self) -> bool:
        query = (
            "SELECT 1 FROM work WHERE state = 'ready' AND next_try_at <= ?"
            " OR state = 'running' AND lease_until < ?"
        )
        now = f"{self.stage.dial():%Y-%m-%d %H:%M:%S.%f}"
        return bool(self.stage.ours.execute(query, (now, now)).fetchall())

    def _wake(self, work_id: int) -> None:
        if self.chances.strikes("wake-up lost") or work_id in self.wakes:
            return
        self.wakes += [work_id] * (2 if self.chances.strikes("wake-up doubled") else 1)

    def _flush(self) -> None:
        if self.wakes and self.chances.strikes("queue flushed"):
            self.wakes.clear()

    def _let_time_pass(self) -> None:
        """The clock moves while everybody stands still: a busy process may lose its lease."""
        seconds, _ = self.chances.rng.choices(_PACES, [often for _, often in _PACES])[0]
        busy = sum(process.is_busy for process in self.processes)
        if busy and not MAY_FREEZE_PAST_A_TOKEN:
            seconds = min(seconds, _LONGEST_FREEZE_SECONDS)
        if seconds > LEASE_SECONDS:
            for _ in range(busy):
                self.chances.count("process stalled past its lease")
        self.stage.wire.let_late_ones_arrive(self.stage.dial() + timedelta(seconds=seconds))
        self.stage.dial.turn(seconds=seconds)

    def _calm_down(self) -> None:
        """No more faults: processes end what they do, or are gone; the queue is emptied."""
        self.chances.is_on = False
        for process in self.processes:
            if process.is_busy and self.chances.is_so(0.3):
                process.kill()
            while process.is_busy:
                process.step()
        self.stage.sessions.be_plain()
        self.stage.wire.let_late_ones_arrive()
        self.wakes.clear()

    def _end(self) -> None:
        """Run on until nothing is left to do, then judge."""
        resources = self.stage.resources()
        for number in range(MOST_ROUNDS):
            self.requester.put_right()
            if number < _ROUNDS_OF_WORK:
                self.crowd.work_off()
                self.stage.dial.turn(seconds=_RIPE_SECONDS)
            with transaction(self.stage.sessions) as session:
                work.sweep(session, "the last sweeper", self.stage.dial(), 1)
            self._run_what_is_due(resources)
            if self.verdict.is_quiet():
                break
            if not self.verdict.n_open_batches():
                self.requester.settle_conflicts()
            self._give_up_what_cannot_be_paid()
            self._turn_to_the_next()
        sweep_market(self.stage.market)
        differences: dict[str, str] = {}
        if self.chances.is_so(_SHARE_RECONCILED):
            differences = reconcile(resources, lambda _done, _total: None).differences
        self.verdict.judge(list(differences.values()))

    def _run_what_is_due(self, resources: Resources) -> None:
        """Everything but the hourly watches, which the faults have met before."""
        for _ in range(_MOST_RUNS):
            with reading(self.stage.sessions) as session:
                rows = work.due(session, self.stage.dial())
            due = [row.id for row in rows if row.task_name not in WATCHES]
            if not sum(calls.run(resources, work_id, "the last") for work_id in due):
                return

    def _give_up_what_cannot_be_paid(self) -> None:
        """A person whose budget or account is used up ends the job."""
        refused = self.verdict.refused_for_money()
        if refused:
            self.note(f"no money: {refused[:200]}")
            self.requester.stop()

    def _turn_to_the_next(self) -> None:
        """Time goes on to the next poll, or to the end of HITs that nobody will answer now."""
        self.stage.dial.turn(seconds=_POLL_AND_RETRY_SECONDS)
        query = "SELECT max(expires_at) FROM market_hit WHERE status = 'Assignable'"
        ((ends_at,),) = self.stage.theirs.execute(query)
        if ends_at is not None:
            self.stage.dial.now = max(self.stage.dial(), as_datetime(ends_at + 1000))
