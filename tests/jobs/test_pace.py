"""When a job will be done is said with an interval, or not at all."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from jobs.reports.growth import N_POINTS, stretches
from jobs.reports.pace import estimate, finish, throughput
from jobs.tables import Tally
from tests.factories import (
    NOW,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def steady(n: int, every: timedelta = MINUTE):
    return [(NOW + number * every, n) for number in range(120)]


def test_at_a_steady_pace_the_interval_is_narrow_and_holds_the_truth():
    said = estimate(1200, steady(10), NOW, NOW + 2 * HOUR)
    assert said.answers_an_hour == 600
    assert said.likely == 2 * 3600
    assert 0.9 * said.likely < said.low < said.likely < said.high < 1.1 * said.likely


def test_an_uneven_pace_widens_the_interval():
    bursts = [(NOW + number * MINUTE, 100 if number % 30 < 5 else 0) for number in range(120)]
    said, calm = (estimate(2000, minutes, NOW, NOW + 2 * HOUR) for minutes in (bursts, steady(20)))
    assert said.high is None or said.high - said.low > 3 * (calm.high - calm.low)


def test_it_is_too_early_to_say_after_few_answers_or_minutes():
    assert estimate(100, [(NOW, 500)], NOW, NOW + 3 * MINUTE).likely is None
    assert estimate(100, steady(1)[:20], NOW, NOW + 2 * HOUR).likely is None
    assert estimate(0, steady(10), NOW, NOW + 2 * HOUR).likely is None
    assert estimate(100, [], NOW, NOW).answers_an_hour == 0


def test_the_end_is_out_of_sight_when_nearly_nothing_comes():
    said = estimate(100, [(NOW, 40)], NOW, NOW + 2 * HOUR)
    assert said.likely == 2.5 * 2 * 3600
    assert said.high is None


def test_answers_awaited_are_those_of_open_hits(session):
    items = make_dataset(session, 3)
    job = make_job(session, items)
    route = make_route(session, job)
    ben = make_worker(session, "ben")
    (posted, *_) = make_hits(session, route, items[:2], state="posted")
    (closed,) = make_hits(session, route, items[2:])
    make_answer(session, posted, ben, {"tags": {"colour": "red"}})
    make_answer(session, closed, ben, {"tags": {"colour": "red"}})
    said = finish(session, job.id, NOW + HOUR)
    assert said.n_awaited == 6  # one of the two answers fills the closed HIT's places
    assert (said.likely, said.answers_an_hour) == (None, 2)
    found = throughput(session, job.id)
    assert found.points == ((NOW, 2),)


def test_a_long_life_is_told_in_few_stretches_that_add_up(session):
    (item,) = make_dataset(session, 1)
    job = make_job(session, [item])
    rows = [
        {"owner_id": job.id, "subject": "pace", "part_id": 0, "n": 1,
         "key": f"{NOW + number * 7 * MINUTE:%Y-%m-%d %H:%M}"}
        for number in range(3000)
    ]  # fmt: skip
    session.execute(insert(Tally), rows)
    found = stretches(session, job.id, "pace")
    assert found.length == timedelta(hours=24)
    assert len(found.together()) <= N_POINTS
    assert sum(found.together().values()) == 3000
    assert sum(n for _, n in throughput(session, job.id).points) == 3000
