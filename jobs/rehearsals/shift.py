"""Robots that work in simulated time: hours of a crowd in seconds, in the order of the hours.

The marketplace and the product read the same dial; one thread does whatever comes next.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from jobs.errors import ProviderError
from jobs.rehearsals.answers import Truth, answer, read_questions, seconds_for
from jobs.rehearsals.robots import Robot, WorkerPages

TOO_LATE = "410"
QUIET_ROUNDS = 2  # the product may need a second look before it posts anew


class Dial:
    """A clock that is turned by hand, and only forward."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def turn_to(self, moment: datetime) -> None:
        """It is ``moment``, or later already."""
        self._now = max(self._now, moment)

    def turn(self, seconds: float) -> None:
        """So many seconds pass."""
        self._now += timedelta(seconds=seconds)


@dataclass
class Shift:
    """What the robots did: HITs submitted and too late, seconds worked, and the last moment."""

    ended_at: datetime
    n_submitted: int = 0
    n_late: int = 0
    work_seconds: float = 0.0


@dataclass
class _Person:
    robot: Robot
    pages: WorkerPages
    rng: np.random.Generator
    in_hand: tuple[str, Mapping[str, Any], float] | None = None


@dataclass
class _Floor:
    """The people, and who does something when."""

    people: Sequence[_Person]
    dial: Dial
    calendar: list[tuple[datetime, int]] = field(default_factory=list)
    idle: set[int] = field(default_factory=set)

    def wake_all(self) -> None:
        for number in sorted(self.idle):
            heapq.heappush(self.calendar, (self.dial(), number))
        self.idle.clear()


def work_shift(
    url: str,
    robots: Sequence[Robot],
    truths: Mapping[str, Truth],
    dial: Dial,
    catch_up: Callable[[], None],
) -> Shift:
    """Let every robot do what it is let to, until there is nothing left for anyone.

    ``catch_up`` lets the product do its part (collect, combine, post anew); it is called when
    somebody finds nothing to do and something was submitted since.

    Raises:
        InvalidInput: for a picture or attribute the robots were not told about.
        ProviderError: when a page does not answer as documented.

    """
    shift = Shift(dial())
    with ExitStack() as opened:
        people = [
            _Person(
                one, opened.enter_context(WorkerPages(url, one)), np.random.default_rng(one.seed)
            )
            for one in robots
        ]
        floor = _Floor(people, dial, idle=set(range(len(people))))
        n_quiet = 0
        while n_quiet < QUIET_ROUNDS:
            n_before = shift.n_submitted
            floor.wake_all()
            _work_off(floor, truths, shift, catch_up)
            n_quiet = n_quiet + 1 if shift.n_submitted == n_before else 0
            catch_up()
    return shift


def _work_off(
    floor: _Floor, truths: Mapping[str, Truth], shift: Shift, catch_up: Callable[[], None]
) -> None:
    """Until everybody is idle at once, with nothing submitted since the product caught up."""
    seen = shift.n_submitted
    while floor.calendar:
        moment, number = heapq.heappop(floor.calendar)
        floor.dial.turn_to(moment)
        _hand_in(floor.people[number], shift, floor.dial)
        seconds = _take(floor.people[number], truths)
        if seconds is not None:
            later = floor.dial() + timedelta(seconds=seconds)
            heapq.heappush(floor.calendar, (later, number))
            continue
        floor.idle.add(number)
        if shift.n_submitted > seen:
            seen = shift.n_submitted
            catch_up()
            floor.wake_all()


def _hand_in(person: _Person, shift: Shift, dial: Dial) -> None:
    if person.in_hand is None:
        return
    assignment_id, fields, seconds = person.in_hand
    person.in_hand = None
    try:
        person.pages.submit(assignment_id, fields)
    except ProviderError as error:
        if error.code != TOO_LATE:
            raise
        shift.n_late += 1
        return
    shift.n_submitted += 1
    shift.work_seconds += seconds
    shift.ended_at = dial()


def _take(person: _Person, truths: Mapping[str, Truth]) -> float | None:
    """The seconds that the next HIT will take, or None where there is none."""
    for hit_type_id in person.pages.groups():
        accepted = person.pages.accept(hit_type_id)
        if accepted is None:
            continue
        assignment_id, page = accepted
        fields = answer(read_questions(page), truths, person.robot.profile, person.rng)
        seconds = seconds_for(fields, person.robot.profile, person.rng) / person.robot.hurry
        person.in_hand = (assignment_id, fields, seconds)
        return seconds
    return None
