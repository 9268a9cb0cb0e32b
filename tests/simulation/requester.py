"""The requester of a seed: the job they draw up, and what they do while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs import findings, intents, work
from jobs.adjudication import deciding
from jobs.adjudication.rounds import Decider
from jobs.db import transaction
from jobs.errors import Conflict, HitworksError
from jobs.hits import stopping
from jobs.money import MICROS_PER_CENT, decimal_usd
from jobs.planning import planning
from jobs.reviewing import review
from jobs.specs.job_specs import read_job_spec
from jobs.spending import bonuses, ledger, pausing
from jobs.spending.ledger import Reason
from tests.simulation.chances import Chances, Crash
from tests.simulation.stage import KNOWN, MOST_ITEMS, WAGE_MICROS, Stage
from tests.simulation.troubles import EXPECTED_FINDINGS

ACTOR = "ada"
JOB = 1
"""The id of the seed's one job."""


def job_document(chances: Chances) -> dict[str, Any]:
    """A small job: one or two routes, and a policy."""
    rng, pick = chances.rng, chances.pick
    kind = pick(("tags", "tags", "boxes"))
    routes = [_route(chances, pick(("mturk", "mturk", "mturk", "inhouse")), kind)]
    if chances.is_so(0.2):
        other = pick(("tags", "boxes"))
        routes.append(_route(chances, pick(("mturk", "inhouse")), other))
        # Who asks the same people the same at once has two answers of one person to expect.
        is_the_same = other == kind and routes[0]["provider"] == routes[1]["provider"]
        if is_the_same or (other == kind and chances.is_so(0.7)):
            routes[1]["when"] = "unsure"
    return {
        "name": "a job of the simulation",
        "dataset": f"photos{rng.choices(range(1, MOST_ITEMS + 1), (8, 2, 1))[0]}",
        "schema": "pets",
        "budget": "100.00",
        "seed": rng.randrange(1000),
        "routes": routes,
        "slicing": {"gold_rate": str(pick((0, 0, 0.3))), "repeat_rate": str(pick((0, 0, 0.2)))},
        "quality": {
            "tag_method": "majority",
            "box_method": pick(("iou_median", "probabilistic")),
            "sure_at": pick(("0.5", "0.7", "0.9")),
            "max_extra_answers": pick((0, 0, 0, 1, 2)),
        },
        "review": {
            "mode": pick(("approve", "screen")),
            "min_gold": 1,
            "min_answers": 1,
            "gold_below": "0.9",
            "agreement_below": "0.9",
        },
    }


def _route(chances: Chances, provider: str, kind: str) -> dict[str, Any]:
    pick = chances.pick
    many = provider == "mturk" and chances.is_so(0.03)
    return {
        "provider": provider,
        "kind": kind,
        "redundancy": 10 if many else pick((1, 1, 2, 2, 3)),
        "reward": decimal_usd(pick((1, 2, 5, 13)) * MICROS_PER_CENT) if provider == "mturk" else 0,
        "tasks_per_hit": pick((1, 1, 2, 3)),
        "options": {"wage": decimal_usd(WAGE_MICROS)} if provider == "inhouse" else {},
        "hit": {
            "lifetime_seconds": pick((600, 3600, 86_400)),
            "assignment_duration_seconds": pick((120, 600)),
            "auto_approval_delay_seconds": pick((0, 3600, 86_400, 259_200)),
        },
    }


class Requester:
    """What a person does at the web pages or the command line, doubled now and then."""

    def __init__(self, stage: Stage, chances: Chances, note: Callable[[str], None]) -> None:
        self._stage = stage
        self._chances = chances
        self._note = note
        self._n_budgets = 0
        self._resources = stage.resources()

    def launch(self, *, tight: bool) -> None:
        """Draw up the job and launch it; with a tight budget its worst case is all there is."""
        spec = read_job_spec(job_document(self._chances), "job")
        self._note(f"job: {spec.model_dump_json()}")
        resources, now = self._resources, self._stage.dial
        with transaction(resources.sessions) as session:
            assert planning.create_job(session, spec, now(), ACTOR).id == JOB
        if tight:
            with transaction(resources.sessions) as session:
                cost = planning.estimate(session, JOB, resources.venues, resources.blobs)
            self._do("set the tight budget", lambda one: self._budget(one, cost.worst_micros))
        with transaction(resources.sessions) as session:
            planning.launch(session, JOB, resources.venues, resources.blobs, now(), ACTOR)

    def act(self) -> None:
        """Do one thing, such as people do."""
        deeds = (
            (self._decide, 6),
            (self._give_bonus, 6),
            (self._pause, 2),
            (self._resume, 3),
            (self._change_budget, 3),
            (self._turn_switch, 1),
            (self._ask_to_reconcile, 1.5),
            (self._revive, 2),
            (self._adjudicate, 1),
            (self._stop, 0.5),
        )
        deed = self._chances.rng.choices(*zip(*deeds, strict=True))[0]
        deed()

    def put_right(self) -> None:
        """Let everything go on that somebody or some failure has stopped."""
        self._resume()
        self._resolve()
        switch = self._rows("SELECT is_on FROM switch WHERE is_on")
        if switch:
            self._do("turn the switch off", lambda session: self._switch(session, is_on=False))
        self._revive()
        for (number,) in self._rows(
            "SELECT id FROM assignment WHERE state = 'Submitted' AND parse_state = 'unparsed'"
            " AND decision IS NULL ORDER BY id"
        ):
            self._decide_one(number, "approve")

    def settle_conflicts(self) -> None:
        """Decide what the answers left unsure."""
        for item_id, kind in self._rows(
            "SELECT item_id, kind FROM consensus WHERE state = 'conflict' ORDER BY item_id, kind"
        ):
            self._adjudicate_one(item_id, kind)

    def stop(self) -> None:
        """Stop the job for good."""
        self._do("stop the job", lambda one: stopping.stop_job(one, JOB, ACTOR, self._stage.dial()))

    def _decide(self) -> None:
        waiting = self._rows(
            "SELECT id FROM assignment WHERE state = 'Submitted' AND decision IS NULL ORDER BY id"
        )
        if waiting:
            (number,) = self._chances.pick(waiting)
            self._decide_one(number, self._chances.pick(("approve", "reject")))

    def _decide_one(self, number: int, decision: str) -> None:
        now = self._stage.dial()
        self._do(
            f"{decision} assignment {number}",
            lambda one: review.decide(one, number, decision, "as asked", ACTOR, now),
        )

    def _give_bonus(self) -> None:
        decided = self._rows("SELECT id FROM assignment WHERE state <> 'Submitted' ORDER BY id")
        if not decided:
            return
        (number,) = self._chances.pick(decided)
        key = self._chances.pick(("good", "fast"))
        cents = self._chances.pick((1, 3, 10))
        self._do(
            f"bonus {cents} cents, {key}, assignment {number}",
            lambda session: bonuses.grant_bonus(
                session,
                number,
                cents * MICROS_PER_CENT,
                reason_key=key,
                reason="well done",
                actor=ACTOR,
                now=self._stage.dial(),
            ),
        )

    def _pause(self) -> None:
        self._do("pause", lambda one: pausing.pause_job(one, JOB, ACTOR, self._stage.dial()))

    def _resume(self) -> None:
        if self._rows("SELECT 1 FROM job WHERE state = 'paused'"):
            self._do("resume", lambda one: pausing.resume_job(one, JOB, ACTOR, self._stage.dial()))

    def _change_budget(self) -> None:
        ((budget,),) = self._rows("SELECT budget_micros FROM job")
        change = self._chances.pick((-50, -5, 5, 20, 100)) * MICROS_PER_CENT
        self._do(
            f"change the budget by {change}",
            lambda session: self._budget(session, max(0, budget + change)),
        )

    def _budget(self, session: Session, micros: int) -> None:
        self._n_budgets += 1
        key = f"budget:job:{JOB}:{self._n_budgets}"
        ledger.set_budget(
            session, JOB, micros, key=key, reason=Reason(ACTOR), now=self._stage.dial()
        )

    def _turn_switch(self) -> None:
        on = not self._rows("SELECT 1 FROM switch WHERE is_on")
        self._do(
            f"turn the switch {'on' if on else 'off'}", lambda one: self._switch(one, is_on=on)
        )

    def _switch(self, session: Session, *, is_on: bool) -> None:
        intents.set_pause(session, is_on, reason="as asked", actor=ACTOR, now=self._stage.dial())

    def _ask_to_reconcile(self) -> None:
        self._do(
            "reconcile", lambda session: work.enqueue(session, "reconcile", 0, self._stage.dial())
        )

    def _resolve(self) -> None:
        """Close the findings that are no mistake of anybody's; others stay, and stop the job."""
        for number, key in self._rows(
            "SELECT id, key FROM finding WHERE state = 'open' ORDER BY id"
        ):
            if key.startswith(EXPECTED_FINDINGS):
                self._do(
                    f"resolve {key}",
                    lambda one, number=number: findings.resolve(one, number, self._stage.dial()),
                )

    def _revive(self) -> None:
        for number, error in self._rows(
            "SELECT id, error FROM work WHERE state = 'needs_person' ORDER BY id"
        ):
            self._note(f"work {number} waits for a person: {error[-200:]}")
            self._do(
                f"revive work {number}",
                lambda one, number=number: work.revive(one, number, self._stage.dial()),
            )

    def _adjudicate(self) -> None:
        rows = self._rows("SELECT item_id, kind FROM consensus ORDER BY item_id, kind")
        if rows:
            self._adjudicate_one(*self._chances.pick(rows))

    def _adjudicate_one(self, item_id: int, kind: str) -> None:
        ((version,),) = self._rows(
            f"SELECT coalesce(max(version), 0) FROM label WHERE item_id = {item_id}"
            f" AND kind = '{kind}'"
        )
        self._do(
            f"adjudicate {kind} of item {item_id}",
            lambda session: deciding.decide(
                session, JOB, item_id, kind, deciding.Verdict(KNOWN[kind], "agreed"),
                by=Decider(ACTOR), expected_version=version, now=self._stage.dial(),
            ),
        )  # fmt: skip

    def _stop(self) -> None:
        if self._chances.is_so(0.3):
            self.stop()

    def _do(self, what: str, deed: Callable[[Session], object]) -> None:
        """In a transaction of its own, and again where the person presses twice."""
        n_presses = 2 if self._chances.strikes("pressed twice") else 1
        for _ in range(n_presses):
            try:
                with transaction(self._stage.sessions) as session:
                    deed(session)
            except Conflict as conflict:
                self._note(f"{ACTOR} cannot {what}: {conflict}")
            except HitworksError as refused:
                self._note(f"{ACTOR} may not {what}: {refused}")
            except (Crash, DBAPIError) as error:
                self._note(f"{ACTOR} sees an error at {what}: {type(error).__name__}")
            else:
                self._note(f"{ACTOR}: {what}")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._stage.ours.execute(query).fetchall()
